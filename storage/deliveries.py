"""Webhook deliveries: what is owed to a caller, stored in the transaction of the outcome it tells."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from storage import results
from storage.database import Database, UtcDateTime, metadata
from storage.jobs import Job
from storage.owners import LOCAL, OWNER_LENGTH
from storage.views import job_view

# A receiver that answers nobody must not hold all senders while others wait.
MOST_AT_ONE_RECEIVER = 2

# Other senders may take the first few before us.
TURNS_LOOKED_AT = 5


class DeliveryStatus(StrEnum):
    PENDING = "pending"  # owed; `next_attempt_at` says when
    DELIVERED = "delivered"  # the receiver answered 2xx
    FAILED = "failed"  # every attempt was used up, or the receiver said 410 Gone


deliveries = sa.Table(
    "deliveries",
    metadata,
    # also the webhook-id, by which receivers recognise a repetition
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    sa.Column("owner", sa.String(OWNER_LENGTH), nullable=False, server_default=LOCAL),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("event", sa.String(32), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    # whose server that is, for fair turns; none where an earlier version owed it
    sa.Column("receiver", sa.String(255)),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("attempts", sa.JSON, nullable=False, default=list),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("next_attempt_at", UtcDateTime),
    # a sender's claim, so that two senders do not send the same one at once
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("delivered_at", UtcDateTime),
    sa.UniqueConstraint("job_id", "number"),
    sa.Index("ix_deliveries_status_next_attempt_at", "status", "next_attempt_at"),
    sa.Index("ix_deliveries_turns", "status", "owner", "receiver", "next_attempt_at", "claimed_until"),
)


@dataclass(frozen=True)
class Delivery:
    """One message to one receiver. `tries` counts the attempts since it was (re)scheduled."""

    id: str
    job_id: str
    owner: str
    number: int
    event: str
    url: str
    receiver: str | None
    body: str
    status: DeliveryStatus
    attempts: list[dict[str, Any]]
    tries: int
    next_attempt_at: datetime | None
    claimed_until: datetime | None
    created_at: datetime
    delivered_at: datetime | None


def owe(connection: sa.Connection, database: Database, job: Job, event: str) -> None:
    """Store a delivery if the job's caller asked to be told of this event."""
    webhook = job.options.get("webhook")
    if not webhook or event not in webhook["events"]:
        return
    number = connection.execute(
        sa.select(sa.func.coalesce(sa.func.max(deliveries.c.number), 0)).where(deliveries.c.job_id == job.id)
    ).scalar_one()
    found = results.select(connection, job.id)
    now = database.now()
    body = {
        "type": event,
        "timestamp": now.isoformat().replace("+00:00", "Z"),
        "data": job_view(job, found, base_url=webhook["base_url"]),
    }
    connection.execute(
        sa.insert(deliveries).values(
            id=f"msg_{secrets.token_hex(16)}",
            job_id=job.id,
            owner=job.owner,
            number=number + 1,
            event=event,
            url=webhook["url"],
            receiver=(urlsplit(webhook["url"]).hostname or "")[:255],
            body=json.dumps(body, separators=(",", ":")),
            status=DeliveryStatus.PENDING,
            next_attempt_at=now,
            created_at=now,
        )
    )


def of(database: Database, job_id: str) -> Sequence[Delivery]:
    query = sa.select(deliveries).where(deliveries.c.job_id == job_id).order_by(deliveries.c.number)
    with database.read() as connection:
        return [_from_row(row) for row in connection.execute(query)]


def count_due(database: Database, most: int) -> int:
    """How many deliveries should be sent now, counted up to `most`."""
    found = sa.select(deliveries.c.id).where(_sendable(database.now())).limit(most)
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(found.subquery())).scalar_one()


def claim_next(database: Database, lease: timedelta) -> Delivery | None:
    """The delivery whose turn it is, ours to send for `lease`; None when none is due.

    First comes the owner with the fewest deliveries being sent just now, then the receiver with the fewest, then the
    oldest delivery: thousands that are owed to one dead receiver delay nobody else by more than the sending of one.
    """
    with database.read() as connection:
        turns = connection.execute(_turns(database.now())).all()
    for owner, receiver in turns:
        with database.write() as connection:
            oldest = _oldest(database.now(), owner, receiver)
            found = connection.execute(oldest).scalar_one_or_none()
            delivery = _claim(connection, database, found, lease) if found else None
        if delivery:  # else somebody else has taken them meanwhile
            return delivery
    return None


def _turns(now: datetime) -> sa.Select[str, str | None]:
    """The first few pairs of owner and receiver that have a turn; answered from an index alone."""
    owner, receiver = deliveries.c.owner, deliveries.c.receiver
    waiting = (
        sa.select(owner, receiver, sa.func.min(deliveries.c.next_attempt_at).label("since"))
        .where(_sendable(now))
        .group_by(owner, receiver)
        .subquery()
    )
    being_sent = sa.and_(deliveries.c.status == DeliveryStatus.PENDING, deliveries.c.claimed_until >= now)
    of_owner, to_receiver = _count_by(owner, being_sent), _count_by(receiver, being_sent)
    owners_count = sa.func.coalesce(of_owner.c.sent, 0)
    receivers_count = sa.func.coalesce(to_receiver.c.sent, 0)
    return (
        sa.select(waiting.c.owner, waiting.c.receiver)
        .select_from(waiting)
        .outerjoin(of_owner, of_owner.c.key == waiting.c.owner)
        .outerjoin(to_receiver, to_receiver.c.key == waiting.c.receiver)
        .where(receivers_count < MOST_AT_ONE_RECEIVER)
        .order_by(owners_count, receivers_count, waiting.c.since)
        .limit(TURNS_LOOKED_AT)
    )


def _oldest(now: datetime, owner: str, receiver: str | None) -> sa.Select[str]:
    """The id of the delivery that an owner's receiver is owed for the longest time, its row locked."""
    return (
        sa.select(deliveries.c.id)
        .where(
            _sendable(now),
            deliveries.c.owner == owner,
            deliveries.c.receiver.is_not_distinct_from(receiver),
        )
        .order_by(deliveries.c.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _count_by(key: sa.ColumnElement[Any], wanted: sa.ColumnElement[bool]) -> sa.Subquery:
    counted = sa.select(key.label("key"), sa.func.count().label("sent"))
    return counted.where(wanted).group_by(key).subquery()


def claim(database: Database, delivery_id: str, lease: timedelta) -> Delivery | None:
    """The delivery, ours to send for `lease`; None when it is not due or somebody else sends it."""
    with database.write() as connection:
        return _claim(connection, database, delivery_id, lease)


def _claim(
    connection: sa.Connection, database: Database, delivery_id: str, lease: timedelta
) -> Delivery | None:
    now = database.now()
    change = (
        sa.update(deliveries)
        .where(deliveries.c.id == delivery_id, _sendable(now))
        .values(claimed_until=now + lease)
        .returning(deliveries)
    )
    row = connection.execute(change).one_or_none()
    return _from_row(row) if row else None


def record(
    database: Database,
    delivery: Delivery,
    *,
    status: DeliveryStatus,
    attempt: dict[str, Any],
    next_attempt_at: datetime | None,
) -> None:
    """Note an attempt's outcome and when to try again; nothing if another sender has claimed it since."""
    now = database.now()
    with database.write() as connection:
        connection.execute(
            sa.update(deliveries)
            .where(deliveries.c.id == delivery.id, deliveries.c.claimed_until == delivery.claimed_until)
            .values(
                status=status,
                attempts=[*delivery.attempts, attempt],
                tries=delivery.tries + 1,
                next_attempt_at=next_attempt_at,
                claimed_until=None,
                delivered_at=now if status is DeliveryStatus.DELIVERED else delivery.delivered_at,
            )
        )


def reschedule(database: Database, job_id: str, number: int) -> Delivery | None:
    """Owe the delivery again, from the start of the schedule; None when there is no such delivery."""
    change = (
        sa.update(deliveries)
        .where(deliveries.c.job_id == job_id, deliveries.c.number == number)
        # an attempt under way then has no say any more
        .values(status=DeliveryStatus.PENDING, tries=0, next_attempt_at=database.now(), claimed_until=None)
        .returning(deliveries)
    )
    with database.write() as connection:
        row = connection.execute(change).one_or_none()
    return _from_row(row) if row else None


def _sendable(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        deliveries.c.status == DeliveryStatus.PENDING,
        deliveries.c.next_attempt_at <= now,
        sa.or_(deliveries.c.claimed_until.is_(None), deliveries.c.claimed_until < now),
    )


def _from_row(row: sa.Row[Any]) -> Delivery:
    values = dict(row._mapping)
    values["status"] = DeliveryStatus(values["status"])
    return Delivery(**values)
