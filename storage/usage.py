"""How much of the service an owner uses: jobs under way, jobs of the day, stored bytes; and what it may use."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.database import Database, UtcDateTime, metadata
from storage.errors import LimitReachedError
from storage.jobs import Status, jobs
from storage.owners import OWNER_LENGTH
from storage.uploads import UploadStatus, uploads

days = sa.Table(
    "owner_days",
    metadata,
    sa.Column("owner", sa.String(OWNER_LENGTH), primary_key=True),
    # the day (its midnight, UTC) of the owner's last submission under a limit, and how many there were
    sa.Column("day", UtcDateTime, nullable=False),
    sa.Column("jobs", sa.Integer, nullable=False),
)


@dataclass(frozen=True)
class Allowance:
    """What one owner may have at once and in a day; 0: any number."""

    active_jobs: int = 0
    jobs_a_day: int = 0
    stored_bytes: int = 0
    uploads: int = 0
    """That have not expired; looked at where one begins."""


@dataclass(frozen=True)
class Usage:
    """What one owner has: `jobs_today` counts submissions under a limit since midnight (UTC), deleted ones included."""

    active_jobs: int
    jobs_today: int
    stored_bytes: int


def of(database: Database, owner: str) -> Usage:
    with database.read() as connection:
        return _usage(connection, database, owner)


def check(database: Database, owner: str, allowance: Allowance, new_bytes: int) -> None:
    """Raise LimitReachedError if one more job or upload with so many bytes would be too much, as things stand."""
    with database.read() as connection:
        _check_uploads(connection, database, owner, allowance)
        _check(_usage(connection, database, owner), allowance, database, new_bytes)


def charge(
    connection: sa.Connection, database: Database, owner: str, allowance: Allowance, new_bytes: int
) -> None:
    """Count one more job of the owner in the transaction that stores it, before it does; LimitReachedError if one too
    many.

    The owner's row is locked until the commit, so that of a hundred submissions at once none slips through.
    """
    day = _today(database)
    another = {"day": day, "jobs": sa.case((days.c.day == day, days.c.jobs + 1), else_=1)}
    _lock(connection, {"owner": owner, "day": day, "jobs": 1}, another)
    now = _usage(connection, database, owner)
    before = Usage(now.active_jobs, now.jobs_today - 1, now.stored_bytes)
    _check(before, allowance, database, new_bytes)


def room(
    database: Database, owner: str, allowance: Allowance, new_bytes: int
) -> Callable[[sa.Connection], None]:
    """Asks whether so many more bytes may be stored, in the transaction that stores that they are: LimitReachedError
    if not.

    The owner's row is locked as by `charge`: of uploads and jobs that begin at once none slips through.
    """

    def admit(connection: sa.Connection) -> None:
        if not (allowance.stored_bytes or allowance.uploads):
            return
        _lock(connection, {"owner": owner, "day": _today(database), "jobs": 0}, {"owner": owner})
        used = _usage(connection, database, owner)
        _check(used, Allowance(stored_bytes=allowance.stored_bytes), database, new_bytes)
        _check_uploads(connection, database, owner, allowance)

    return admit


def seconds_of_today_left(database: Database) -> int:
    """Until the day's jobs are counted anew."""
    return int((_today(database) + timedelta(days=1) - database.now()).total_seconds()) + 1


def _lock(connection: sa.Connection, new: dict[str, Any], change: dict[str, Any]) -> None:
    """Change the owner's row, or make it: nobody else can until the commit."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    begun = insert(days).values(**new)
    connection.execute(begun.on_conflict_do_update(index_elements=["owner"], set_=change))


def _check(used: Usage, allowance: Allowance, database: Database, new_bytes: int) -> None:
    if 0 < allowance.active_jobs <= used.active_jobs:
        raise LimitReachedError("active_jobs", allowance.active_jobs)
    if 0 < allowance.jobs_a_day <= used.jobs_today:
        raise LimitReachedError("jobs_a_day", allowance.jobs_a_day, seconds_of_today_left(database))
    # a body that does not say how long it is has a byte at least
    if 0 < allowance.stored_bytes < used.stored_bytes + max(new_bytes, 1):
        raise LimitReachedError("stored_bytes", allowance.stored_bytes)


def _check_uploads(connection: sa.Connection, database: Database, owner: str, allowance: Allowance) -> None:
    if not allowance.uploads:
        return
    waiting = sa.select(sa.func.count()).where(
        uploads.c.owner == owner,
        uploads.c.status != UploadStatus.EXPIRED,
        uploads.c.expires_at > database.now(),
    )
    if connection.execute(waiting).scalar_one() >= allowance.uploads:
        raise LimitReachedError("uploads", allowance.uploads)


def _usage(connection: sa.Connection, database: Database, owner: str) -> Usage:
    active = sa.select(sa.func.count()).where(
        jobs.c.status.in_([Status.QUEUED, Status.RUNNING]), jobs.c.owner == owner
    )
    today = sa.select(days.c.jobs).where(days.c.owner == owner, days.c.day == _today(database))
    # jobs without files are passed over by the index on both columns
    files = sa.select(sa.func.coalesce(sa.func.sum(jobs.c.stored_bytes), 0)).where(
        jobs.c.owner == owner, jobs.c.stored_bytes > 0
    )
    waiting = sa.select(sa.func.coalesce(sa.func.sum(uploads.c.bytes), 0)).where(
        uploads.c.owner == owner, uploads.c.status != UploadStatus.EXPIRED
    )
    query = sa.select(
        active.scalar_subquery(),
        sa.func.coalesce(today.scalar_subquery(), 0),
        files.scalar_subquery(),
        waiting.scalar_subquery(),
    )
    active_jobs, jobs_today, of_jobs, of_uploads = connection.execute(query).one()
    return Usage(active_jobs, jobs_today, int(of_jobs) + int(of_uploads))


def _today(database: Database) -> datetime:
    return database.now().replace(hour=0, minute=0, second=0, microsecond=0)
