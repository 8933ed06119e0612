"""Idempotency keys: the same request sent twice makes one job."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from storage.database import Database, UtcDateTime, metadata
from storage.errors import IdempotencyLostError
from storage.owners import OWNER_LENGTH

# Stripe's practice and the draft's advice: long enough for any client's retries.
KEPT_FOR = timedelta(hours=24)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("owner", sa.String(OWNER_LENGTH), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    # of the request that holds the key
    sa.Column("owner_token", sa.String(32), nullable=False),
    sa.Column("fingerprint", sa.String(64)),
    # no foreign key: a deleted job keeps its key, so that a late retry does not make it anew
    sa.Column("job_id", sa.String(40)),
    # while the first request is still being received; renewed as its bytes arrive
    sa.Column("locked_until", UtcDateTime, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True)
class Claim:
    """This request's hold on a key; `fingerprint` (SHA-256, hex) of the parsed request is set to settle it."""

    owner: str
    key: str
    token: str
    fingerprint: str = ""


@dataclass(frozen=True)
class Stored:
    """What is known of a key. `job_id` is None while the first request with it is still being received."""

    fingerprint: str | None
    job_id: str | None


def claim(database: Database, owner: str, key: str, token: str, lock: timedelta) -> Claim | Stored:
    """Take the owner's key for a new request, or hear what an earlier request has made of it."""
    now = database.now()
    with database.write() as connection:
        connection.execute(sa.delete(idempotency_keys).where(_is_over(now)))
        try:
            with connection.begin_nested():
                connection.execute(
                    sa.insert(idempotency_keys).values(
                        owner=owner, key=key, owner_token=token, locked_until=now + lock, created_at=now
                    )
                )
        except IntegrityError:
            row = connection.execute(
                sa.select(idempotency_keys.c.fingerprint, idempotency_keys.c.job_id).where(
                    idempotency_keys.c.owner == owner, idempotency_keys.c.key == key
                )
            ).one()
            return Stored(*row)
    return Claim(owner, key, token)


def renew(database: Database, claimed: Claim, lock: timedelta) -> None:
    with database.write() as connection:
        connection.execute(
            sa.update(idempotency_keys).where(_owned(claimed)).values(locked_until=database.now() + lock)
        )


def settle(connection: sa.Connection, claimed: Claim, job_id: str) -> None:
    """Bind the key to the job, in the transaction that stores the job."""
    changed = connection.execute(
        sa.update(idempotency_keys)
        .where(_owned(claimed))
        .values(fingerprint=claimed.fingerprint, job_id=job_id)
    )
    if changed.rowcount != 1:
        raise IdempotencyLostError(claimed.key)


def release(database: Database, claimed: Claim) -> None:
    """Give the key back: a request that was refused does not use it up."""
    with database.write() as connection:
        connection.execute(sa.delete(idempotency_keys).where(_owned(claimed)))


def _owned(claimed: Claim) -> sa.ColumnElement[bool]:
    return sa.and_(
        idempotency_keys.c.owner == claimed.owner,
        idempotency_keys.c.key == claimed.key,
        idempotency_keys.c.owner_token == claimed.token,
        idempotency_keys.c.job_id.is_(None),
    )


def _is_over(now: datetime) -> sa.ColumnElement[bool]:
    abandoned = sa.and_(idempotency_keys.c.job_id.is_(None), idempotency_keys.c.locked_until < now)
    return sa.or_(abandoned, idempotency_keys.c.created_at < now - KEPT_FOR)
