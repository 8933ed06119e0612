"""What happened to a job, numbered, so that a follower who reconnects misses nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage.database import Database, UtcDateTime, metadata
from storage.jobs import Job, Status

PROGRESS = "job.progress"

events = sa.Table(
    "job_events",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("type", sa.String(32), nullable=False),
    sa.Column("snapshot", sa.JSON, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True)
class Event:
    """A numbered change; `snapshot` holds the fields of the job that changed, as they were then."""

    number: int
    type: str
    snapshot: dict[str, Any]


def type_of(status: Status) -> str:
    return f"job.{status.value}"


def append(connection: sa.Connection, database: Database, job: Job, kind: str) -> None:
    """Record the change whose number the caller's UPDATE has just given to the job."""
    error = {"code": job.error_code, "detail": job.error_detail} if job.error_code else None
    snapshot = {
        "status": job.status.value,
        "stage": job.stage.value if job.stage else None,
        "progress": job.progress,
        "eta_seconds": job.eta_seconds,
        "attempt": job.attempt,
        "error": error,
    }
    connection.execute(
        sa.insert(events).values(
            job_id=job.id, number=job.events, type=kind, snapshot=snapshot, at=database.now()
        )
    )


def after(database: Database, job_id: str, number: int) -> Sequence[Event]:
    query = (
        sa.select(events.c.number, events.c.type, events.c.snapshot)
        .where(events.c.job_id == job_id, events.c.number > number)
        .order_by(events.c.number)
    )
    with database.read() as connection:
        return [Event(*row) for row in connection.execute(query)]
