"""Everything that can go wrong, each with a stable code and a sentence that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rotomill.jobs import Job

# What a proxy or a busy service answers when the same request may well succeed a moment later.
_PASSING_STATUSES = frozenset({408, 429, 502, 503, 504})
_CONFLICT = 409


class RotomillError(Exception):
    """Base of every error of this package: `code` for programs, `detail` for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{detail} ({code})")
        self.code = code
        self.detail = detail
        self.retryable = False
        self.retry_after_seconds: float | None = None


class ConnectionFailed(RotomillError):
    """The service could not be reached, or the connection broke before the answer was complete."""

    def __init__(self, detail: str, *, code: str = "connection_failed") -> None:
        super().__init__(code, detail)
        self.retryable = True


class ApiError(RotomillError):
    """The service refused the request; `status` is the HTTP status (RFC 9457 problem details)."""

    def __init__(
        self, code: str, detail: str, status: int, *, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(code, detail)
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        # A conflict that says when to come back is one too: the first sending of a request that broke
        # off is still being received, and its answer will be there.
        conflict_passes = status == _CONFLICT and retry_after_seconds is not None
        self.retryable = status in _PASSING_STATUSES or conflict_passes


class InvalidRequest(ApiError):
    """400, 413, 415, 422: something in the request has to change before it can succeed."""


class NotAllowed(ApiError):
    """401, 403: the API key is missing, unknown or revoked, or does not allow this."""


class NotFound(ApiError):
    """404, 410: no such job, result or delivery (any more)."""


class Conflict(ApiError):
    """409: the job's state does not allow this, or an idempotency key was used for something else."""


class RateLimited(ApiError):
    """429: too many requests, jobs or uploads at once; `retry_after_seconds` says when there will be room."""


class ServiceFailed(ApiError):
    """5xx: the fault is the service's."""


class JobFailed(RotomillError):
    """The job ended without results; `code` and `detail` are the job's own error."""

    def __init__(self, job: Job) -> None:
        error = job.error
        super().__init__(
            error.code if error else job.status,
            error.detail if error else f"Job {job.id} ended as {job.status}.",
        )
        self.job = job


class JobCanceled(JobFailed):
    """Somebody canceled the job."""


class NotReady(RotomillError):
    """The results were asked for while the job is still queued or running."""

    def __init__(self, job: Job) -> None:
        super().__init__("job_not_finished", f"Job {job.id} is still {job.status}: wait for it first.")
        self.job = job


class WaitTimeout(RotomillError):
    """The job did not end within the time the caller was ready to wait; it goes on."""

    def __init__(self, job: Job, timeout_seconds: float) -> None:
        super().__init__(
            "wait_timeout",
            f"Job {job.id} is still {job.status} after {timeout_seconds:g} s; it goes on, wait again.",
        )
        self.job = job


class DownloadFailed(RotomillError):
    """A result could not be stored as the service described it."""


class WebhookError(RotomillError):
    """A webhook's signature, age or form is not what the sender we share a secret with would send."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    429: RateLimited,
}


def api_error(code: str, detail: str, status: int, *, retry_after_seconds: float | None = None) -> ApiError:
    """The error class that belongs to an HTTP status."""
    kind = _BY_STATUS.get(status, ServiceFailed if status >= 500 else ApiError)
    return kind(code, detail, status, retry_after_seconds=retry_after_seconds)


def job_error(job: Job) -> JobFailed:
    """The error that an unsuccessful end of a job means for the one who waits."""
    return JobCanceled(job) if job.status == "canceled" else JobFailed(job)
