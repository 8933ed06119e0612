"""The Celery tasks. `run_job` is the story of one job; the others keep the service's promises."""

import contextlib
import multiprocessing
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore.exceptions
import structlog
import tenacity
from celery import signals

from storage import attempts, deliveries, jobs, tracing
from storage import recovery as storage_recovery
from storage.attempts import Attempt
from storage.database import Database
from storage.errors import DatabaseUnavailableError, LeaseLostError, UnavailableError
from storage.jobs import Job
from storage.keys import attempt_prefix
from worker import observation, presence, queue, recovery, webhooks
from worker.errors import (
    CanceledError,
    DeadlineExceededError,
    DeviceFailedError,
    HandedBackError,
    InputError,
)
from worker.observation import Observed
from worker.processes import is_alive
from worker.progress import Progress
from worker.runtime import Runtime, current

log = structlog.get_logger(__name__)

# Every two seconds, so that all couriers together soon have as many as they can hold.
MOST_SENDERS_CALLED = 8

# Shared by the worker's main process, which hears the signal to stop, and its child, which does the work.
_stopping = multiprocessing.get_context("fork").Event()

# Set when nothing works any more on this process's device.
_spoilt = threading.Event()

# With millions of objects a sweep outlasts the time to the next.
_sweeping = threading.Lock()

# Failures of what we stand on, which another attempt may not meet.
PASSING_FAILURES = (OSError, MemoryError, obstore.exceptions.BaseError, UnavailableError, DeviceFailedError)


@signals.worker_shutting_down.connect
def _stop_soon(**_: Any) -> None:
    _stopping.set()


@signals.worker_process_init.connect
def _be_present(**_: Any) -> None:
    # only the children of a pool that segments are processes; the courier's are threads
    observation.begin_child(queue.settings)
    presence.begin(current())


@signals.celeryd_init.connect
def _be_observed(sender: str | None = None, **_: Any) -> None:
    observation.begin(f"rotomill-{(sender or 'worker').split('@')[0]}", queue.settings)


@signals.worker_process_shutdown.connect
@signals.worker_shutdown.connect
def _tell_the_rest(**_: Any) -> None:
    tracing.flush()


@signals.task_prerun.connect
def _task_begins(task_id: str, **_: Any) -> None:
    observation.task_begins(task_id)


@signals.task_postrun.connect
def _task_ended(task_id: str, task: Any, state: str | None = None, **_: Any) -> None:
    observation.task_ended(task_id, task.name, state)


@queue.app.task(name=queue.RUN_JOB)
def run_job(_waiting_job_id: str) -> None:
    """Claim the job whose turn it is, do the work, record how it ended.

    The message says that some job waits. It may come twice, late or never: what is claimed is the database's to say.
    """
    if _stopping.is_set() or not presence.wait_until_warm(_stopping.is_set):
        return  # the job waits on; the recovery loop hints at it again, for a worker that stays
    runtime = current()
    worker = f"{socket.gethostname()}:{os.getpid()}"
    lease = timedelta(seconds=runtime.settings.lease_seconds)
    attempt = attempts.claim_next(runtime.database, worker=worker, lease=lease)
    if attempt is None:
        return
    _run_attempt(runtime, attempt)
    if _spoilt.is_set():
        os._exit(1)  # the pool starts another process, which begins with a device of its own
    if not _stopping.is_set() and storage_recovery.some_job_waits(runtime.database):
        queue.send_hint(attempt.job.id)  # while one worker lives, lost hints delay nobody


def _run_attempt(runtime: Runtime, attempt: Attempt) -> None:
    job_id = attempt.job.id
    with (
        structlog.contextvars.bound_contextvars(job_id=job_id, attempt=attempt.number),
        observation.attempt(runtime, attempt) as seen,
    ):
        log.info("job claimed", worker=attempt.job.worker)
        with contextlib.suppress(LeaseLostError):
            job = _run(runtime, attempt)
            seen.ended(job)
            log.info("attempt ended", status=job.status.value, error_code=job.error_code)
            _tell(job)
            return
        log.warning("lease lost; another attempt has the job")
        runtime.objects.delete_prefix(attempt_prefix(job_id, attempt.number))


def _run(runtime: Runtime, attempt: Attempt) -> Job:
    """The job as the attempt leaves it."""
    database = runtime.database
    try:
        with _progress(runtime, attempt) as progress, _workspace(runtime) as folder:
            # torch is imported in the child: the main process must not touch CUDA, and the courier never needs it
            from worker.fulfilment import fulfil  # noqa: PLC0415

            found = fulfil(runtime, attempt.job, attempt.number, folder, progress)
            progress.close()
            timings = progress.timings
    except LeaseLostError:
        raise
    except Exception as failure:
        ending = ending_of(failure, database, attempt)
        if isinstance(failure, DeviceFailedError) and failure.spoilt:
            _spoilt.set()
    else:

        def ending() -> Job:
            return attempts.succeed(database, attempt, found=found, timings=timings)

    return _recorded(ending, runtime.settings.lease_seconds)


def ending_of(failure: Exception, database: Database, attempt: Attempt) -> Callable[[], Job]:
    """How an attempt ends that was interrupted or went wrong."""
    match failure:
        case CanceledError():
            return lambda: attempts.cancel(database, attempt)
        case HandedBackError():
            return lambda: attempts.hand_back(database, attempt)
        case DeadlineExceededError():
            return lambda: attempts.fail(database, attempt, code="deadline_exceeded", detail=_TOO_LATE)
        case InputError(code=code, detail=detail):
            return lambda: attempts.fail(database, attempt, code=code, detail=detail)
        case failure if isinstance(failure, PASSING_FAILURES):
            log.error("attempt failed; another may succeed", exc_info=failure)
            return lambda: attempts.stumble(database, attempt, **_INTERNAL)
        case _:
            log.error("attempt failed", exc_info=failure)
            return lambda: attempts.fail(database, attempt, **_INTERNAL)


def _recorded(ending: Callable[[], Job], patience_seconds: float) -> Job:
    """Record the outcome, again and again while the database is away: it may have cost an hour to get.

    An attempt that loses its job meanwhile hears it; one whose commit went through unheard is told of its own outcome.
    """
    persistent = tenacity.retry(
        retry=tenacity.retry_if_exception_type(DatabaseUnavailableError),
        wait=tenacity.wait_exponential_jitter(initial=0.2, max=2),
        stop=tenacity.stop_after_delay(patience_seconds),
        reraise=True,
    )
    return persistent(ending)()


_TOO_LATE = "The job's deadline passed while it ran. Give a longer `deadline_seconds`, or a faster preset."


_INTERNAL = {
    "code": "internal_error",
    "detail": "The service failed, not your input. The log has the cause under the job's id; submit again.",
}


def _tell(job: Job) -> None:
    """Hints for what the outcome owes; all of it is in the database, and found there if these are lost."""
    try:
        if job.status is jobs.Status.QUEUED:
            queue.send_hint(job.id)
        elif job.options.get("webhook"):
            queue.send_deliveries_due()
    except Exception:
        log.exception("hint not sent")


def _progress(runtime: Runtime, attempt: Attempt) -> Progress:
    return Observed(runtime, attempt, stop_requested=_stopping.is_set)


@contextlib.contextmanager
def _workspace(runtime: Runtime) -> Iterator[Path]:
    """A folder for the running job, gone when it ends, and those of workers killed on this host with it."""
    parent = runtime.settings.work_dir or Path(tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    prefix = f"rotomill-{socket.gethostname()}-"
    for left in parent.glob(f"{prefix}*"):
        owner = left.name.removeprefix(prefix).split("-")[0]
        if owner.isdigit() and not is_alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{prefix}{os.getpid()}-", dir=parent) as folder:
        yield Path(folder)


@queue.app.task(name=queue.DELIVER)
def deliver() -> None:
    """Send what is due, in turn, for a little while. Where enough are sending, it is left to them."""
    runtime = current()
    if not runtime.senders.acquire(blocking=False):
        return
    try:
        more = webhooks.send_due(runtime.database, signing=runtime.signing, sender=runtime.sender)
    finally:
        runtime.senders.release()
    if more:
        queue.send_delivery()


@queue.app.task(name=queue.DELIVER_DUE)
def deliver_due() -> None:
    """Call as many senders as there are deliveries due, within reason: each takes what is next, one after another."""
    for _ in range(deliveries.count_due(current().database, most=MOST_SENDERS_CALLED)):
        queue.send_delivery()


@queue.app.task(name=queue.RECOVER)
def recover() -> None:
    """Find lost workers, passed deadlines and lost hints."""
    recovery.recover(current().database)


@queue.app.task(name=queue.SWEEP)
def sweep() -> None:
    """Remove what has expired, and objects that nobody refers to; not while the last sweep is at it still."""
    if not _sweeping.acquire(blocking=False):
        return
    try:
        _sweep(current())
    finally:
        _sweeping.release()


def _sweep(runtime: Runtime) -> None:
    recovery.expire(
        runtime.database, runtime.objects, records_kept=timedelta(days=runtime.settings.records_kept_days)
    )
    recovery.sweep(
        runtime.database,
        runtime.objects,
        idle=timedelta(seconds=runtime.settings.upload_idle_seconds),
        networks_kept=timedelta(days=runtime.settings.network_cache_days),
    )
