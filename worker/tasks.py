"""The Celery tasks. `run_job` is the story of one job; the others keep the service's promises."""

import contextlib
import multiprocessing
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import obstore.exceptions
import structlog
from celery import signals

from storage import attempts, deliveries, jobs
from storage.attempts import Attempt
from storage.errors import LeaseLostError
from storage.jobs import Job
from storage.keys import attempt_prefix
from worker import presence, queue, recovery, webhooks
from worker.errors import CanceledError, DeadlineExceededError, HandedBackError, InputError
from worker.progress import Progress
from worker.runtime import Runtime, current

log = structlog.get_logger(__name__)

# Shared by the worker's main process, which hears the signal to stop, and its child, which does the work.
_stopping = multiprocessing.get_context("fork").Event()

# Failures of what we stand on, which another attempt may not meet.
PASSING_FAILURES = (OSError, MemoryError, obstore.exceptions.BaseError)


@signals.worker_shutting_down.connect
def _stop_soon(**_: Any) -> None:
    _stopping.set()


@signals.worker_process_init.connect
def _be_present(**_: Any) -> None:
    # only the children of a pool that segments are processes; the courier's are threads
    presence.begin(current())


@queue.app.task(name=queue.RUN_JOB)
def run_job(job_id: str) -> None:
    """Claim the job, do the work, record how it ended. A message that comes twice finds nothing to claim."""
    if _stopping.is_set():
        return  # the job waits on; the recovery loop hints at it again, for a worker that stays
    runtime = current()
    worker = f"{socket.gethostname()}:{os.getpid()}"
    lease = timedelta(seconds=runtime.settings.lease_seconds)
    attempt = attempts.claim(runtime.database, job_id, worker=worker, lease=lease)
    if attempt is None:
        log.info("nothing to claim", job_id=job_id)
        return
    with structlog.contextvars.bound_contextvars(job_id=job_id, attempt=attempt.number):
        log.info("job claimed", worker=worker)
        with contextlib.suppress(LeaseLostError):
            job = _run(runtime, attempt)
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
            # torch is imported by the first job, in the child: the main process must not touch CUDA,
            # and the courier never needs it
            from worker.fulfilment import fulfil  # noqa: PLC0415

            found = fulfil(runtime, attempt.job, attempt.number, folder, progress)
            progress.close()
            timings = progress.timings
    except CanceledError:
        return attempts.cancel(database, attempt)
    except HandedBackError:
        return attempts.hand_back(database, attempt)
    except DeadlineExceededError:
        detail = (
            "The job's deadline passed while it ran. Give a longer `deadline_seconds`, or a faster preset."
        )
        return attempts.fail(database, attempt, code="deadline_exceeded", detail=detail)
    except InputError as error:
        return attempts.fail(database, attempt, code=error.code, detail=error.detail)
    except LeaseLostError:
        raise
    except PASSING_FAILURES:
        log.exception("attempt failed; another may succeed")
        return attempts.stumble(database, attempt, **_INTERNAL)
    except Exception:
        log.exception("attempt failed")
        return attempts.fail(database, attempt, **_INTERNAL)
    return attempts.succeed(database, attempt, found=found, timings=timings)


_INTERNAL = {
    "code": "internal_error",
    "detail": "The service failed, not your input. The log has the cause under the job's id; submit again.",
}


def _tell(job: Job) -> None:
    """Hints for what the outcome owes; all of it is in the database, and found there if these are lost."""
    if job.status is jobs.Status.QUEUED:
        queue.send_hint(job.id)
    elif job.options.get("webhook"):
        queue.send_deliveries_due()


def _progress(runtime: Runtime, attempt: Attempt) -> Progress:
    return Progress(
        runtime.database,
        attempt,
        heartbeat_seconds=runtime.settings.heartbeat_seconds,
        lease_seconds=runtime.settings.lease_seconds,
        stop_requested=_stopping.is_set,
    )


@contextlib.contextmanager
def _workspace(runtime: Runtime) -> Iterator[Path]:
    """A folder for the running job, gone when it ends, and those of workers killed on this host with it."""
    parent = runtime.settings.work_dir or Path(tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    prefix = f"rotomill-{socket.gethostname()}-"
    for left in parent.glob(f"{prefix}*"):
        owner = left.name.removeprefix(prefix).split("-")[0]
        if owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{prefix}{os.getpid()}-", dir=parent) as folder:
        yield Path(folder)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@queue.app.task(name=queue.DELIVER)
def deliver(delivery_id: str) -> None:
    """Send one delivery, if it is still due."""
    runtime = current()
    timeout = runtime.settings.webhook_timeout_seconds
    with httpx.Client(timeout=timeout, follow_redirects=False) as client:
        webhooks.deliver(runtime.database, delivery_id, secret=runtime.webhook_secret, client=client)


@queue.app.task(name=queue.DELIVER_DUE)
def deliver_due() -> None:
    """Hand each delivery that is due to a sender of its own: one slow receiver delays nobody else."""
    for delivery_id in deliveries.due(current().database):
        queue.send_delivery(delivery_id)


@queue.app.task(name=queue.RECOVER)
def recover() -> None:
    """Find lost workers, passed deadlines and lost hints."""
    recovery.recover(current().database)


@queue.app.task(name=queue.SWEEP)
def sweep() -> None:
    """Remove objects that nobody refers to."""
    runtime = current()
    recovery.sweep(
        runtime.database,
        runtime.objects,
        idle=timedelta(seconds=runtime.settings.upload_idle_seconds),
        networks_kept=timedelta(days=runtime.settings.network_cache_days),
    )
