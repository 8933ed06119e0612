"""What a caller does to a job: submit it, cancel it, delete it."""

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from storage import changes, events, idempotency, results, usage
from storage.database import Database
from storage.jobs import TERMINAL, Job, Status, find, from_row, jobs, new_id
from storage.keys import moved
from storage.results import Result
from storage.searching import searchable

# The caller's API process sends the first hint right after its commit; the recovery loop waits this long.
FIRST_HINT_PATIENCE = timedelta(seconds=10)

# what a job is asked for by its caller; the rest is what has become of it
ASKED = (
    "owner",
    "priority",
    "options",
    "clip",
    "objects",
    "results_key",
    "network_key",
    "kept_seconds",
    "refines",
    "starts_from",
)


def submit(
    database: Database,
    job: Job,
    *,
    found: Sequence[Result] = (),
    claim: idempotency.Claim | None = None,
    allowance: usage.Allowance | None = None,
) -> Job:
    """Store a new job, queued, or succeeded at once with the `found` results of an equal one.

    The idempotency key, if any, is settled in the same transaction, and the job is counted against its owner's
    allowance: LimitReachedError where it is used up.
    """
    values = _columns(job, found, database)
    with database.write() as connection:
        if allowance is not None:
            usage.charge(connection, database, job.owner, allowance, values["stored_bytes"])
        row = connection.execute(sa.insert(jobs).values(**values).returning(jobs)).one()
        stored = from_row(row)
        results.insert(connection, job.id, found)
        if claim is not None:
            idempotency.settle(connection, claim, job.id)
        changes.announce(connection, database, stored, events.type_of(stored.status))
    return stored


def _columns(job: Job, found: Sequence[Result], database: Database) -> dict[str, Any]:
    values = {column.name: getattr(job, column.name) for column in fields(job)}
    values["video"] = asdict(job.video)
    values["masks"] = [asdict(mask) for mask in job.masks]
    values["events"] = 1
    values["searchable"] = searchable(job)
    sent_bytes = job.video.bytes + sum(mask.bytes for mask in job.masks)
    values["stored_bytes"] = sent_bytes + sum(result.bytes for result in found)
    if job.status is Status.QUEUED:
        values |= {"queued_at": database.now(), "next_hint_at": database.now() + FIRST_HINT_PATIENCE}
    elif job.kept_seconds is not None:
        values["expires_at"] = database.now() + timedelta(seconds=job.kept_seconds)
    return values


def anew(database: Database, job: Job) -> Job:
    """A job, not stored yet, that asks for what an earlier one asked. Its files are to be copied from that one's."""
    job_id = new_id()
    asked = {name: getattr(job, name) for name in ASKED}
    return Job(
        id=job_id,
        status=Status.QUEUED,
        video=replace(job.video, key=moved(job.video, job_id)),
        masks=tuple(replace(mask, key=moved(mask, job_id)) for mask in job.masks),
        created_at=database.now(),
        **asked,
    )


def cancel(database: Database, job_id: str) -> Job | None:
    """The job after the request: canceled if it waited, marked if it runs, unchanged if it had ended."""
    with database.write() as connection:
        # locked, else a job that is handed back between two statements is neither canceled nor marked
        job = find(connection, job_id, lock=True)
        if job is None or job.status in TERMINAL:
            return job
        if job.status is Status.QUEUED:
            return changes.move(connection, database, job_id, Status.CANCELED, source=Status.QUEUED)
        connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(cancel_requested=True))
        return replace(job, cancel_requested=True)


def delete(database: Database, job_id: str) -> Job | None:
    """Remove the record of a job that does not run; the job as it was, or None if it runs or is not there.

    Its objects are the caller's to remove; what is left by a crash in between, the recovery loop sweeps.
    """
    removable = [Status.QUEUED, *TERMINAL]
    with database.write() as connection:
        row = connection.execute(
            sa.delete(jobs).where(jobs.c.id == job_id, jobs.c.status.in_(removable)).returning(jobs)
        ).one_or_none()
    return from_row(row) if row else None
