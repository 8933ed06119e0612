"""What is kept for how long: a job's files go at its `expires_at`, its record some time after them."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from storage.database import Database
from storage.jobs import TERMINAL, jobs
from storage.results import results


def expire_due(database: Database, limit: int = 100) -> Sequence[str]:
    """Ids of the jobs whose time has come, marked as expired now: their files are the caller's to remove.

    What a crash in between leaves, the sweep finds: an expired job has no claim on objects.
    """
    now = database.now()
    due = (
        sa.select(jobs.c.id)
        .where(jobs.c.expires_at <= now, jobs.c.expired_at.is_(None), jobs.c.status.in_(list(TERMINAL)))
        .order_by(jobs.c.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    with database.write() as connection:
        ids = connection.execute(due).scalars().all()
        if ids:
            connection.execute(
                sa.update(jobs).where(jobs.c.id.in_(ids)).values(expired_at=now, stored_bytes=0)
            )
            connection.execute(sa.delete(results).where(results.c.job_id.in_(ids)))
    return ids


def forget(database: Database, kept: timedelta, limit: int = 1000) -> int:
    """Delete the records of jobs whose files went longer than `kept` ago; how many there were."""
    old = (
        sa.select(jobs.c.id)
        .where(jobs.c.expired_at < database.now() - kept)
        .order_by(jobs.c.expired_at)
        .limit(limit)
    )
    with database.read() as connection:
        ids = connection.execute(old).scalars().all()
    if ids:
        with database.write() as connection:
            connection.execute(sa.delete(jobs).where(jobs.c.id.in_(ids)))
    return len(ids)
