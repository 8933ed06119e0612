"""What the service tells about jobs, as plain typed values.

Each value keeps the document it came from in `raw`, and ignores fields it does not know, so a newer
service never breaks an older client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self

Document = Mapping[str, Any]

FINAL_STATUSES = frozenset({"succeeded", "failed", "canceled"})


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _frozen(document: object) -> Document:
    return MappingProxyType(dict(document)) if isinstance(document, Mapping) else MappingProxyType({})


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed: a stable code and a sentence."""

    code: str
    detail: str

    @classmethod
    def parse(cls, document: Document) -> Self:
        """Read the `error` of a job."""
        return cls(str(document.get("code", "unknown")), str(document.get("detail", "")))


@dataclass(frozen=True, slots=True)
class Result:
    """One file that a job made: its size in bytes and SHA-256 (hex) are what a download must match."""

    name: str
    bytes: int
    sha256: str
    media_type: str
    url: str

    @classmethod
    def parse(cls, document: Document) -> Self:
        """Read one entry of a job's `results`."""
        return cls(
            name=str(document["name"]),
            bytes=int(document["bytes"]),
            sha256=str(document["sha256"]).lower(),
            media_type=str(document.get("media_type", "application/octet-stream")),
            url=str(document.get("url", "")),
        )


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the service last described it; a value, which does not change by itself.

    `status` is queued, running, succeeded, failed or canceled; `stage` names what a running job does;
    `progress` runs from 0 to 1 over the whole job; `timings` holds seconds by stage.
    """

    id: str
    status: str
    stage: str | None = None
    progress: float = 0.0
    eta_seconds: float | None = None
    queue_position: int | None = None
    attempt: int = 0
    error: JobError | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    results: tuple[Result, ...] = ()
    options: Document = field(default_factory=dict)
    metadata: Document = field(default_factory=dict)
    clip: Document | None = None
    timings: Document = field(default_factory=dict)
    cached: bool = False
    refines: str | None = None
    annotated_frames: tuple[int, ...] = ()
    raw: Document = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, document: Document) -> Self:
        """Read a job's JSON; only `id` and `status` must be there."""
        error, clip = document.get("error"), document.get("clip")
        return cls(
            id=str(document["id"]),
            status=str(document["status"]),
            stage=document.get("stage"),
            progress=float(document.get("progress") or 0.0),
            eta_seconds=document.get("eta_seconds"),
            queue_position=document.get("queue_position"),
            attempt=int(document.get("attempt") or 0),
            error=JobError.parse(error) if error else None,
            created_at=_moment(document.get("created_at")),
            started_at=_moment(document.get("started_at")),
            finished_at=_moment(document.get("finished_at")),
            results=tuple(Result.parse(entry) for entry in document.get("results") or ()),
            options=_frozen(document.get("options")),
            metadata=_frozen(document.get("metadata")),
            clip=_frozen(clip) if clip else None,
            timings=_frozen(document.get("timings")),
            cached=bool(document.get("cached")),
            refines=document.get("refines"),
            annotated_frames=tuple(map(int, document.get("annotated_frames") or ())),
            raw=_frozen(document),
        )

    @property
    def finished(self) -> bool:
        """Whether the job has ended, in whichever way."""
        return self.status in FINAL_STATUSES

    @property
    def succeeded(self) -> bool:
        """Whether the job has ended with results."""
        return self.status == "succeeded"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send a webhook: `status_code` is the receiver's answer, `error` why there was none."""

    at: datetime | None
    status_code: int | None
    error: str | None

    @classmethod
    def parse(cls, document: Document) -> Self:
        """Read one entry of a delivery's `attempts`."""
        return cls(_moment(document.get("at")), document.get("status_code"), document.get("error"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook that is owed or was sent; `status` is pending, delivered or failed."""

    number: int
    event: str
    url: str
    status: str
    attempts: tuple[Attempt, ...] = ()
    next_attempt_at: datetime | None = None
    created_at: datetime | None = None
    delivered_at: datetime | None = None
    raw: Document = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, document: Document) -> Self:
        """Read one entry of a job's deliveries."""
        return cls(
            number=int(document["number"]),
            event=str(document.get("event", "")),
            url=str(document.get("url", "")),
            status=str(document.get("status", "")),
            attempts=tuple(Attempt.parse(entry) for entry in document.get("attempts") or ()),
            next_attempt_at=_moment(document.get("next_attempt_at")),
            created_at=_moment(document.get("created_at")),
            delivered_at=_moment(document.get("delivered_at")),
            raw=_frozen(document),
        )


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """One secret that signs your webhooks; the newest has no `expires_at`."""

    secret: str
    created_at: datetime | None = None
    expires_at: datetime | None = None
    raw: Document = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, document: Document) -> Self:
        """Read one entry of the service's `secrets`."""
        return cls(
            secret=str(document["secret"]),
            created_at=_moment(document.get("created_at")),
            expires_at=_moment(document.get("expires_at")),
            raw=_frozen(document),
        )
