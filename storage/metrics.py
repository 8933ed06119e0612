"""What the database knows that operators watch: queue, leases, deliveries, workers, records, bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage import workers
from storage.database import Database
from storage.deliveries import DeliveryStatus, deliveries
from storage.jobs import Priority, Status, jobs
from storage.uploads import uploads
from storage.workers import WorkerGroup


@dataclass(frozen=True)
class Survey:
    """How it stands now. Ages are in seconds, 0 where nothing waits."""

    running: int
    queue: Mapping[Priority, int]
    oldest_queued_seconds: float
    expired_leases: int
    """Running jobs whose worker has been silent for longer than its lease."""
    deliveries: Mapping[DeliveryStatus, int]
    """Those that are owed, and those that were given up."""
    oldest_due_seconds: float
    """How long ago the delivery that waits longest should have been sent."""
    workers: list[WorkerGroup]
    uploads: int
    """Files that came before their jobs, whole or not, whose time is not over."""


@dataclass(frozen=True)
class Totals:
    """What has gathered over time."""

    jobs: Mapping[Status, int]
    """Records, by status."""
    stored_bytes: int


def totals(database: Database) -> Totals:
    """One look at every record; not for each scrape."""
    columns = (jobs.c.status, sa.func.count(), sa.func.sum(jobs.c.stored_bytes))
    with database.read() as connection:
        rows = connection.execute(sa.select(*columns).group_by(jobs.c.status)).all()
    counts = {row[0]: row[1] for row in rows}
    return Totals(
        jobs={status: counts.get(status, 0) for status in Status},
        stored_bytes=sum(int(row[2]) for row in rows),
    )


def survey(database: Database) -> Survey:
    """What waits, runs or is owed now, by counts over indexes."""
    now = database.now()
    with database.read() as connection:
        running = _count(connection, jobs, jobs.c.status == Status.RUNNING)
        queue = _count_by(connection, jobs.c.priority, jobs.c.status == Status.QUEUED)
        oldest = _least(connection, jobs.c.queued_at, jobs.c.status == Status.QUEUED)
        lost = _count(connection, jobs, jobs.c.status == Status.RUNNING, jobs.c.lease_expires_at < now)
        # those that were delivered are the many, and nobody's worry
        unsent = deliveries.c.status.in_([DeliveryStatus.PENDING, DeliveryStatus.FAILED])
        owed = _count_by(connection, deliveries.c.status, unsent)
        due = _least(connection, deliveries.c.next_attempt_at, deliveries.c.status == DeliveryStatus.PENDING)
        open_uploads = _count(connection, uploads, uploads.c.expires_at > now)
    return Survey(
        running=running,
        queue={priority: queue.get(priority, 0) for priority in Priority},
        oldest_queued_seconds=_age(oldest, now),
        expired_leases=lost,
        deliveries={
            status: owed.get(status, 0) for status in (DeliveryStatus.PENDING, DeliveryStatus.FAILED)
        },
        oldest_due_seconds=_age(due, now),
        workers=workers.present(database),
        uploads=open_uploads,
    )


def _count_by(
    connection: sa.Connection, column: sa.Column[Any], *conditions: sa.ColumnElement[bool]
) -> dict[Any, int]:
    query = sa.select(column, sa.func.count()).where(*conditions).group_by(column)
    return {row[0]: row[1] for row in connection.execute(query)}


def _count(connection: sa.Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table).where(*conditions)).scalar_one()


def _least(
    connection: sa.Connection, column: sa.Column[Any], *conditions: sa.ColumnElement[bool]
) -> datetime | None:
    found: datetime | None = connection.execute(
        sa.select(sa.func.min(column)).where(*conditions)
    ).scalar_one()
    return found


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
