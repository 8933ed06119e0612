"""What the recovery loop finds: leases that ran out, deadlines that passed, hints that never arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from storage import changes
from storage.database import Database
from storage.jobs import MAX_LOST_WORKERS, Job, Status, find, from_row, jobs

# A hint may be lost, or its queue may be long. Ask again, less and less often, but never give up.
HINT_INTERVAL = timedelta(seconds=20)
LONGEST_HINT_INTERVAL = timedelta(minutes=1)


def expire_leases(database: Database) -> Sequence[Job]:
    """Take each job whose worker stopped renewing its lease away from it; the jobs as they are now."""
    now = database.now()
    lost = sa.select(jobs).where(jobs.c.status == Status.RUNNING, jobs.c.lease_expires_at < now)
    with database.read() as connection:
        found = [from_row(row) for row in connection.execute(lost)]
    return [job for job in (_expire(database, job) for job in found) if job]


def _expire(database: Database, job: Job) -> Job | None:
    lost_workers = job.lost_workers + 1
    to, error_code, error_detail = Status.QUEUED, None, None
    if job.cancel_requested:
        to = Status.CANCELED
    elif lost_workers >= MAX_LOST_WORKERS:
        to, error_code = Status.FAILED, "worker_lost"
        error_detail = (
            f"{lost_workers} workers stopped responding while they ran this job. "
            "It may need more memory than a worker has: try a smaller clip or the preset `fast`."
        )
    with database.write() as connection:
        return changes.move(
            connection,
            database,
            job.id,
            to,
            jobs.c.attempt == job.attempt,
            jobs.c.lease_expires_at < database.now(),
            source=Status.RUNNING,
            lost_workers=lost_workers,
            error_code=error_code,
            error_detail=error_detail,
        )


def fail_overdue(database: Database) -> Sequence[Job]:
    """Fail each waiting job whose deadline has passed; running ones are stopped by their workers."""
    overdue = sa.select(jobs.c.id).where(jobs.c.status == Status.QUEUED, jobs.c.deadline_at <= database.now())
    with database.read() as connection:
        ids = connection.execute(overdue).scalars().all()
    failed = []
    for job_id in ids:
        with database.write() as connection:
            job = changes.move(
                connection,
                database,
                job_id,
                Status.FAILED,
                source=Status.QUEUED,
                error_code="deadline_exceeded",
                error_detail="The job's deadline passed while it waited for a worker. "
                "Give a longer `deadline_seconds`, or submit when the queue is shorter.",
            )
        if job:
            failed.append(job)
    return failed


@dataclass(frozen=True)
class DueHint:
    """A waiting job that needs a hint now, and how long it is until it will need the next one."""

    job_id: str
    wait: timedelta


def take_due_hints(database: Database, limit: int = 100) -> Sequence[DueHint]:
    """The waiting jobs that need a hint in the queue now; each is scheduled for its next one."""
    now = database.now()
    query = (
        sa.select(jobs.c.id, jobs.c.hints)
        .where(jobs.c.status == Status.QUEUED, jobs.c.next_hint_at <= now)
        .order_by(jobs.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    with database.write() as connection:
        due = [DueHint(job_id, _wait_after(hints)) for job_id, hints in connection.execute(query)]
        for hint in due:
            connection.execute(
                sa.update(jobs)
                .where(jobs.c.id == hint.job_id, jobs.c.status == Status.QUEUED)
                .values(hints=jobs.c.hints + 1, next_hint_at=now + hint.wait)
            )
    return due


def _wait_after(hints: int) -> timedelta:
    doubled: timedelta = HINT_INTERVAL * 2 ** min(hints, 8)
    return min(doubled, LONGEST_HINT_INTERVAL)


def take_back(database: Database, job_id: str) -> Job | None:
    """The job, which a worker may claim now: one that waits is hinted at, one that runs is taken from its worker.

    That worker finds out at its next heartbeat, and changes nothing any more. A job that has ended stays as it is, and
    so does one whose caller wants it canceled.
    """
    with database.write() as connection:
        waits = sa.update(jobs).where(jobs.c.id == job_id, jobs.c.status == Status.QUEUED)
        connection.execute(waits.values(next_hint_at=database.now()))
        not_canceled = jobs.c.cancel_requested.is_(False)
        changes.move(connection, database, job_id, Status.QUEUED, not_canceled, source=Status.RUNNING)
        return find(connection, job_id)


def some_job_waits(database: Database) -> bool:
    """Whether any job is there to be claimed."""
    query = sa.select(jobs.c.id).where(jobs.c.status == Status.QUEUED).limit(1)
    with database.read() as connection:
        return connection.execute(query).first() is not None
