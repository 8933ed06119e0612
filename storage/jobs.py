"""A job: its statuses, the table that stores it, and the value the rest of the code sees."""

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any

import sqlalchemy as sa

from storage.database import Database, UtcDateTime, metadata
from storage.owners import LOCAL, OWNER_LENGTH


class Status(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"  # stored and waiting for a worker; also after a worker was lost or handed it back
    RUNNING = "running"  # an attempt owns it, for as long as its lease is renewed
    SUCCEEDED = "succeeded"  # every result is stored and checked
    FAILED = "failed"  # ended with an error code; it will not run again
    CANCELED = "canceled"  # ended because its caller asked


class Stage(StrEnum):
    """What a running job does, in this order."""

    FETCHING = "fetching"
    FINE_TUNING = "fine_tuning"
    SEGMENTING = "segmenting"
    ENCODING = "encoding"
    STORING = "storing"


class Priority(IntEnum):
    """Which of its owner's jobs comes first; owners take turns whatever their jobs' priorities."""

    LOW = 0
    NORMAL = 1
    HIGH = 2


TERMINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELED})

# Where each status may go next. Every change is one conditional UPDATE that names the status it comes from.
TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELED}),
    Status.RUNNING: frozenset({Status.QUEUED, Status.SUCCEEDED, Status.FAILED, Status.CANCELED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
}

# A job that has cost three workers would cost the fourth: it is the job, not the workers.
MAX_LOST_WORKERS = 3

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("owner", sa.String(OWNER_LENGTH), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("priority", sa.SmallInteger, nullable=False, default=Priority.NORMAL),
    sa.Column("stage", sa.String(16)),
    sa.Column("progress", sa.Float, nullable=False, default=0.0),
    sa.Column("eta_seconds", sa.Float),
    # the attempt number fences every write of a worker; lost_workers counts those whose lease ran out
    sa.Column("attempt", sa.Integer, nullable=False, default=0),
    sa.Column("lost_workers", sa.Integer, nullable=False, default=0),
    sa.Column("worker", sa.String(200)),
    sa.Column("lease_expires_at", UtcDateTime),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, default=False),
    # when the recovery loop should send (again) the queue's hint for a queued job
    sa.Column("hints", sa.Integer, nullable=False, default=0),
    sa.Column("next_hint_at", UtcDateTime),
    sa.Column("error_code", sa.String(64)),
    sa.Column("error_detail", sa.Text),
    # what was asked
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("clip", sa.JSON, nullable=False),
    sa.Column("objects", sa.Integer, nullable=False),
    sa.Column("video", sa.JSON, nullable=False),
    sa.Column("masks", sa.JSON, nullable=False),
    # what it is worth keeping for: equal keys mean equal results, equal networks
    sa.Column("results_key", sa.String(64), nullable=False, index=True),
    sa.Column("network_key", sa.String(64), nullable=False, index=True),
    sa.Column("cached", sa.Boolean, nullable=False, default=False),
    sa.Column("timings", sa.JSON, nullable=False, default=dict),
    # numbers the job's events; raised by every change that a follower should see
    sa.Column("events", sa.Integer, nullable=False, default=0),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("deadline_at", UtcDateTime),
    # since when it waits (again)
    sa.Column("queued_at", UtcDateTime),
    # its files go at `expires_at`, `kept_seconds` after its end (none: never); `expired_at` says that they went
    sa.Column("kept_seconds", sa.Integer),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("expired_at", UtcDateTime),
    # bytes of its uploads and results, which count against its owner's limit
    sa.Column("stored_bytes", sa.BigInteger, nullable=False, default=0),
    # W3C traceparent of the request that made it
    sa.Column("trace", sa.String(64)),
    # the job it corrects, which may be gone, and the key of the network that it starts from
    sa.Column("refines", sa.String(40)),
    sa.Column("starts_from", sa.String(64)),
    # words that it is found by, lower-cased
    sa.Column("searchable", sa.Text, nullable=False, default="", server_default=""),
    sa.Index("ix_jobs_status_owner_priority_id", "status", "owner", "priority", "id"),
    sa.Index("ix_jobs_owner_id", "owner", "id"),
    sa.Index("ix_jobs_owner_stored_bytes", "owner", "stored_bytes"),
    sa.Index("ix_jobs_expires_at", "expires_at"),
    sa.Index("ix_jobs_expired_at", "expired_at"),
    sa.Index("ix_jobs_status_lease_expires_at", "status", "lease_expires_at"),
    sa.Index("ix_jobs_status_next_hint_at", "status", "next_hint_at"),
    sa.Index("ix_jobs_refines", "refines"),
    sa.Index("ix_jobs_starts_from", "starts_from"),
)


CORRECTION = "correction_"


@dataclass(frozen=True)
class StoredFile:
    """An uploaded file: its object key, size in bytes, SHA-256 (hex) and the frame it annotates, if any."""

    key: str
    bytes: int
    sha256: str
    filename: str = ""
    frame: int | None = None

    @property
    def corrects(self) -> bool:
        """Whether it is a mask that corrects what a job before has made, and numbers objects as that did."""
        # told by the key: a field more in the row would be one that the last version cannot read
        return self.key.rsplit("/", 1)[-1].startswith(CORRECTION)


@dataclass(frozen=True)
class Job:
    """One caller's record, as it stood when it was read."""

    id: str
    status: Status
    options: dict[str, Any]
    clip: dict[str, Any]
    objects: int
    video: StoredFile
    masks: tuple[StoredFile, ...]
    results_key: str
    network_key: str
    created_at: datetime
    stage: Stage | None = None
    progress: float = 0.0
    eta_seconds: float | None = None
    attempt: int = 0
    lost_workers: int = 0
    worker: str | None = None
    lease_expires_at: datetime | None = None
    cancel_requested: bool = False
    hints: int = 0
    next_hint_at: datetime | None = None
    error_code: str | None = None
    error_detail: str | None = None
    cached: bool = False
    timings: dict[str, float] = field(default_factory=dict)
    events: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    deadline_at: datetime | None = None
    owner: str = LOCAL
    priority: int = Priority.NORMAL
    queued_at: datetime | None = None
    kept_seconds: int | None = None
    expires_at: datetime | None = None
    expired_at: datetime | None = None
    stored_bytes: int = 0
    trace: str | None = None
    refines: str | None = None
    starts_from: str | None = None
    searchable: str = ""


_ID = re.compile(r"job_[0-9a-f]{32}")


def new_id() -> str:
    """An id that sorts by creation: 12 hex digits of milliseconds, then 80 random bits."""
    return f"job_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def born_at(job_id: str) -> datetime | None:
    """When an id was made; None for what is no id of a job."""
    if not _ID.fullmatch(job_id):
        return None
    return datetime.fromtimestamp(int(job_id[4:16], 16) / 1000, UTC)


def from_row(row: sa.Row[Any]) -> Job:
    values = dict(row._mapping)
    values["status"] = Status(values["status"])
    values["stage"] = Stage(values["stage"]) if values["stage"] else None
    values["video"] = StoredFile(**values["video"])
    values["masks"] = tuple(StoredFile(**mask) for mask in values["masks"])
    return Job(**values)


def get(database: Database, job_id: str) -> Job | None:
    with database.read() as connection:
        return find(connection, job_id)


def find(connection: sa.Connection, job_id: str, *, lock: bool = False) -> Job | None:
    """The job; with `lock`, as it will be until the end of the transaction."""
    query = sa.select(jobs).where(jobs.c.id == job_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return from_row(row) if row else None


def succeeded_like(database: Database, results_key: str) -> Job | None:
    """The newest succeeded job with the same owner, content and options whose files are still there."""
    query = (
        sa.select(jobs)
        .where(
            jobs.c.results_key == results_key,
            jobs.c.status == Status.SUCCEEDED,
            jobs.c.expired_at.is_(None),
        )
        .order_by(jobs.c.id.desc())
        .limit(1)
    )
    with database.read() as connection:
        row = connection.execute(query).one_or_none()
    return from_row(row) if row else None


def with_files(database: Database, job_ids: Sequence[str]) -> set[str]:
    """Which of these ids have a record whose files have not expired."""
    query = sa.select(jobs.c.id).where(jobs.c.id.in_(job_ids), jobs.c.expired_at.is_(None))
    with database.read() as connection:
        return set(connection.execute(query).scalars())


def network_in_use(database: Database, network_key: str) -> bool:
    """Whether any job still refers to this fine-tuned network, or has yet to go on from it."""
    waits = sa.and_(jobs.c.starts_from == network_key, _UNFINISHED)
    query = sa.select(jobs.c.id).where(sa.or_(jobs.c.network_key == network_key, waits)).limit(1)
    with database.read() as connection:
        return connection.execute(query).first() is not None


def networks_awaited(database: Database) -> set[str]:
    """Keys of the fine-tuned networks that some job has yet to go on from."""
    query = sa.select(jobs.c.starts_from).where(jobs.c.starts_from.is_not(None), _UNFINISHED)
    with database.read() as connection:
        return set(connection.execute(query).scalars())


_UNFINISHED = jobs.c.status.in_([status for status in Status if status not in TERMINAL])
