"""What operators see of a worker's work: the metrics and spans of attempts, stages, tasks and deliveries."""

import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import structlog

from storage import tracing
from storage.attempts import Attempt
from storage.deliveries import Delivery, DeliveryStatus
from storage.jobs import TERMINAL, Job, Stage, Status
from storage.tracing import Kind, Span
from worker import exposition, metrics
from worker.progress import Progress
from worker.runtime import Runtime
from worker.sender import Answer
from worker.settings import WorkerSettings

log = structlog.get_logger(__name__)

# As often as Prometheus comes by.
SAMPLE_SECONDS = 5.0
PAGE_BYTES = resource.getpagesize()
STATM = Path("/proc/self/statm")

_begun: dict[str, float] = {}


class Observed(Progress):
    """Progress that is also timed and counted: a span and a duration for each stage, frames and steps."""

    def __init__(self, runtime: Runtime, attempt: Attempt, *, stop_requested: Callable[[], bool]) -> None:
        settings = runtime.settings
        super().__init__(
            runtime.database,
            attempt,
            heartbeat_seconds=settings.heartbeat_seconds,
            lease_seconds=settings.lease_seconds,
            stop_requested=stop_requested,
        )
        self._settings = settings
        self._preset = str(attempt.job.options.get("preset", ""))
        self._span: Span | None = None
        self._counter: metrics.Counter | None = None
        self._counted = 0.0

    def begin(self, stage: Stage) -> None:
        self._end_span()
        self._span = tracing.begin(stage.value)
        self._counter = _COUNTERS.get(stage)
        self._counted = 0.0
        super().begin(stage)

    def advance(self, done: float) -> None:
        if self._counter is not None and done > self._counted:
            self._counter.inc(done - self._counted)
            self._counted = done
        super().advance(done)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
        if kind is not None and self._span is not None:
            self._span.fail(kind.__name__)
        self._end_span()
        tier = _tier(self._settings)
        for stage, seconds in self.timings.items():
            metrics.stage_ended(Stage(stage), seconds, preset=self._preset, tier=tier)

    def _end_span(self) -> None:
        if self._span is not None:
            self._span.end()
        self._span = None


_COUNTERS = {Stage.SEGMENTING: metrics.FRAMES, Stage.FINE_TUNING: metrics.STEPS}


def _tier(settings: WorkerSettings) -> str:
    """The tier of this process, if it has loaded one."""
    tuning = sys.modules.get("worker.tuning")
    try:
        return str(tuning.machine_of(settings).tier.name) if tuning else ""
    except Exception:  # the job has failed for that reason, and says so
        return ""


class Seen:
    """How an attempt ended, once it is known."""

    def __init__(self, attempt: Attempt, span: Span) -> None:
        self._attempt = attempt
        self._span = span
        self.ending = "lease_lost"

    def ended(self, job: Job) -> None:
        """Count how the attempt has left its job."""
        self.ending = self._ending(job)
        if job.status in TERMINAL:
            metrics.job_ended(job)
        if job.status is Status.SUCCEEDED and job.finished_at:
            took = (job.finished_at - job.created_at).total_seconds()
            metrics.JOB_DURATION.labels(str(job.options.get("preset", ""))).observe(took)
        if job.error_code:
            self._span.note(error__type=job.error_code)
            self._span.fail(job.error_code)

    def _ending(self, job: Job) -> str:
        if job.status is not Status.QUEUED:
            return job.status.value
        return "stumbled" if job.lost_workers > self._attempt.job.lost_workers else "handed_back"


@contextmanager
def attempt(runtime: Runtime, claimed: Attempt) -> Iterator[Seen]:
    """Around an attempt: its span, which belongs to the request that made the job, and its counts."""
    job = claimed.job
    if job.queued_at is not None:
        waited = (runtime.database.now() - job.queued_at).total_seconds()
        metrics.CLAIM_WAIT.observe(max(0.0, waited))
    about: dict[str, str | int] = {
        "messaging.system": "celery",
        "messaging.operation.type": "process",
        "messaging.destination.name": "jobs",
        "rotomill.job_id": job.id,
        "rotomill.attempt": claimed.number,
    }
    with tracing.span("process jobs", Kind.CONSUMER, parent=job.trace, attributes=about) as span:
        seen = Seen(claimed, span)
        try:
            yield seen
        finally:
            metrics.ATTEMPTS.labels(seen.ending).inc()
            span.note(rotomill__ending=seen.ending)


class Sent:
    """An attempt at a delivery, as it comes to be known."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def stands(self, status: DeliveryStatus, answer: Answer) -> None:
        """Count the attempt by where it has left the delivery."""
        metrics.DELIVERY_ATTEMPTS.labels(status.value).inc()
        if answer.status_code is not None:
            self._span.note(http__response__status_code=answer.status_code)
        if not answer.accepted:
            self._span.fail((answer.error or "refused").split(":")[0])


@contextmanager
def delivery(owed: Delivery, job: Job | None) -> Iterator[Sent]:
    """Around an attempt at a delivery: its span, which belongs to the request that made the job, and its time."""
    about: dict[str, str | int] = {
        "http.request.method": "POST",
        "http.request.resend_count": owed.tries,
        "server.address": urlsplit(owed.url).hostname or "",
        "rotomill.job_id": owed.job_id,
        "rotomill.delivery_id": owed.id,
    }
    trace = job.trace if job else None
    with (
        metrics.DELIVERY_DURATION.time(),
        tracing.span("POST webhook", Kind.CLIENT, parent=trace, attributes=about) as span,
    ):
        yield Sent(span)


def task_begins(task_id: str) -> None:
    _begun[task_id] = time.monotonic()


def task_ended(task_id: str, name: str, state: str | None) -> None:
    """Count and time a Celery task."""
    begun = _begun.pop(task_id, None)
    for known in ("success", "failure"):
        metrics.TASKS.labels(name, known)
    metrics.TASKS.labels(name, str(state).lower()).inc()
    if begun is not None:
        metrics.TASK_DURATION.labels(name).observe(time.monotonic() - begun)
    if state == "SUCCESS":
        metrics.TASK_SUCCEEDED_AT.labels(name).set_to_current_time()


def begin(service: str, settings: WorkerSettings) -> None:
    """In the main process, before it has children."""
    tracing.configure(service, settings.otlp_endpoint)
    exposition.serve()


def begin_child(settings: WorkerSettings) -> None:
    """In a child of the pool: sample its memory for as long as it lives."""
    exposition.leave()
    if settings.metrics_port:
        threading.Thread(target=_sample_for_ever, args=[settings], name="samples", daemon=True).start()


def _sample_for_ever(settings: WorkerSettings) -> None:
    while True:
        try:
            sample(settings.work_dir or Path(tempfile.gettempdir()))
        except Exception:
            log.exception("sample failed")
        time.sleep(SAMPLE_SECONDS)


def sample(work_dir: Path) -> None:
    """Note how much memory and disk there is and is taken."""
    for kind, taken in gpu_memory().items():
        metrics.GPU_MEMORY.labels(kind).set(taken)
    if STATM.exists():  # on Linux
        metrics.RESIDENT_MEMORY.set(int(STATM.read_text().split()[1]) * PAGE_BYTES)
    disk = shutil.disk_usage(work_dir)
    metrics.DISK_FREE.labels("work").set(disk.free)
    metrics.DISK_SIZE.labels("work").set(disk.total)


def gpu_memory() -> dict[str, int]:
    """Bytes by kind; all 0 where this process does not use a GPU. It never makes one start."""
    torch: Any = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return dict.fromkeys(metrics.GPU_KINDS, 0)
    free, total = cuda.mem_get_info()
    taken = (cuda.memory_allocated(), cuda.memory_reserved(), free, total)
    return dict(zip(metrics.GPU_KINDS, taken, strict=True))
