"""What a worker does to a job: claim the next one, keep its lease, and record how the attempt ended.

Every write names the attempt. A worker whose attempt is over changes nothing and hears LeaseLostError.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from storage import changes, events, results, turns
from storage.database import Database
from storage.errors import LeaseLostError
from storage.jobs import MAX_LOST_WORKERS, Job, Stage, Status, find, jobs
from storage.results import Result


@dataclass(frozen=True)
class Attempt:
    """One claim of a job: the job as it was claimed and the number that fences its writes."""

    job: Job
    number: int


def claim_next(database: Database, *, worker: str, lease: timedelta) -> Attempt | None:
    """An attempt at the job whose turn it is; None when none waits."""
    with database.write() as connection:
        job_id = turns.next_in_turn(connection, database)
        return _claim(connection, database, job_id, worker, lease) if job_id else None


def claim(database: Database, job_id: str, *, worker: str, lease: timedelta) -> Attempt | None:
    """The next attempt at a queued job; None when it does not wait (any more) or its deadline has passed."""
    with database.write() as connection:
        return _claim(connection, database, job_id, worker, lease)


def _claim(
    connection: sa.Connection, database: Database, job_id: str, worker: str, lease: timedelta
) -> Attempt | None:
    now = database.now()
    in_time = sa.or_(jobs.c.deadline_at.is_(None), jobs.c.deadline_at > now)
    job = changes.move(
        connection,
        database,
        job_id,
        Status.RUNNING,
        in_time,
        source=Status.QUEUED,
        attempt=jobs.c.attempt + 1,
        stage=Stage.FETCHING,
        worker=worker,
        lease_expires_at=now + lease,
        started_at=sa.func.coalesce(jobs.c.started_at, sa.literal(now, jobs.c.started_at.type)),
    )
    if job is None:
        return None
    turns.note_served(connection, database, job.owner)
    return Attempt(job, job.attempt)


def beat(database: Database, attempt: Attempt, *, lease: timedelta) -> bool:
    """Renew the lease; whether the caller has asked to cancel."""
    change = (
        sa.update(jobs)
        .where(
            jobs.c.id == attempt.job.id,
            jobs.c.status == Status.RUNNING,
            jobs.c.attempt == attempt.number,
        )
        .values(lease_expires_at=database.now() + lease)
        .returning(jobs.c.cancel_requested)
    )
    with database.write() as connection:
        canceled: bool | None = connection.execute(change).scalar_one_or_none()
    if canceled is None:
        raise LeaseLostError(attempt.job.id)
    return canceled


def report(
    database: Database,
    attempt: Attempt,
    *,
    stage: Stage,
    progress: float,
    eta_seconds: float | None,
    lease: timedelta,
) -> bool:
    """Store where the job is, renewing the lease; whether the caller has asked to cancel."""
    with database.write() as connection:
        job = changes.touch(
            connection,
            database,
            attempt.job.id,
            jobs.c.status == Status.RUNNING,
            jobs.c.attempt == attempt.number,
            event=events.PROGRESS,
            stage=stage,
            progress=progress,
            eta_seconds=eta_seconds,
            lease_expires_at=database.now() + lease,
        )
    if job is None:
        raise LeaseLostError(attempt.job.id)
    return job.cancel_requested


def succeed(
    database: Database, attempt: Attempt, *, found: Sequence[Result], timings: Mapping[str, float]
) -> Job:
    """Record the results and the success, and owe the webhook, together."""
    with database.write() as connection:
        if not _is_owned(connection, attempt):
            return _ended_before(connection, attempt, Status.SUCCEEDED)
        results.insert(connection, attempt.job.id, found)
        made_bytes = sum(result.bytes for result in found)
        return _end(
            connection,
            database,
            attempt,
            Status.SUCCEEDED,
            timings=dict(timings),
            stored_bytes=jobs.c.stored_bytes + made_bytes,
        )


def fail(database: Database, attempt: Attempt, *, code: str, detail: str) -> Job:
    with database.write() as connection:
        return _end(connection, database, attempt, Status.FAILED, error_code=code, error_detail=detail)


def cancel(database: Database, attempt: Attempt) -> Job:
    with database.write() as connection:
        return _end(connection, database, attempt, Status.CANCELED)


def hand_back(database: Database, attempt: Attempt) -> Job:
    """Queue the job again because this worker was told to stop; no worker is counted as lost."""
    with database.write() as connection:
        return _give_up(connection, database, attempt, Status.QUEUED)


def stumble(database: Database, attempt: Attempt, *, code: str, detail: str) -> Job:
    """Count this worker as lost after a failure of our own, so that another attempt may do better."""
    lost_workers = attempt.job.lost_workers + 1
    with database.write() as connection:
        if lost_workers < MAX_LOST_WORKERS:
            return _give_up(connection, database, attempt, Status.QUEUED, lost_workers=lost_workers)
        failure = {"error_code": code, "error_detail": detail, "lost_workers": lost_workers}
        return _give_up(connection, database, attempt, Status.FAILED, **failure)


def _give_up(
    connection: sa.Connection, database: Database, attempt: Attempt, to: Status, **values: Any
) -> Job:
    """End the attempt, and the job with it if its caller has asked for that and the worker had not heard of it yet."""
    query = sa.select(jobs.c.cancel_requested).where(_owned(attempt)).with_for_update()
    if connection.execute(query).scalar_one_or_none():
        to = Status.CANCELED
        values = {name: value for name, value in values.items() if name == "lost_workers"}
    return _end(connection, database, attempt, to, **values)


def _is_owned(connection: sa.Connection, attempt: Attempt) -> bool:
    """Whether the attempt owns its job; the row is locked, so that results are inserted by nobody else."""
    query = sa.select(jobs.c.id).where(_owned(attempt)).with_for_update()
    return connection.execute(query).first() is not None


def _owned(attempt: Attempt) -> sa.ColumnElement[bool]:
    return sa.and_(
        jobs.c.id == attempt.job.id,
        jobs.c.status == Status.RUNNING,
        jobs.c.attempt == attempt.number,
    )


def _ended_before(connection: sa.Connection, attempt: Attempt, to: Status) -> Job:
    """The job, if this attempt ended just so: the commit went through, though its answer did not arrive."""
    job = find(connection, attempt.job.id)
    if job is None or job.attempt != attempt.number or job.status is not to:
        raise LeaseLostError(attempt.job.id)
    return job


def _end(connection: sa.Connection, database: Database, attempt: Attempt, to: Status, **values: Any) -> Job:
    job = changes.move(
        connection,
        database,
        attempt.job.id,
        to,
        jobs.c.attempt == attempt.number,
        source=Status.RUNNING,
        **values,
    )
    return job or _ended_before(connection, attempt, to)
