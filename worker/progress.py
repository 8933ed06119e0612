"""The link between running work and its record: heartbeat out, cancel and stop in."""

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self

import structlog

from storage import attempts
from storage.attempts import Attempt
from storage.database import Database
from storage.errors import LeaseLostError
from storage.jobs import Stage
from worker.errors import CanceledError, DeadlineExceededError, HandedBackError
from worker.estimate import Estimate, Work

log = structlog.get_logger(__name__)


class Report(Protocol):
    """What the pipeline tells while it works. Any of these may raise to stop it."""

    def plan(self, work: dict[Stage, Work]) -> None: ...

    def begin(self, stage: Stage) -> None: ...

    def advance(self, done: float) -> None: ...

    def check(self) -> None: ...


class Progress:
    """A Report that keeps a job's lease: a thread stores progress and hears what the caller wants.

    The thread only notes that the work must stop; the work itself stops at its next word to us, so that
    nothing is left half done. Work must speak at least every few seconds.
    """

    def __init__(
        self,
        database: Database,
        attempt: Attempt,
        *,
        heartbeat_seconds: float,
        lease_seconds: float,
        stop_requested: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._attempt = attempt
        self._heartbeat_seconds = heartbeat_seconds
        self._lease = timedelta(seconds=lease_seconds)
        self._stop_requested = stop_requested
        self._clock = clock
        self._estimate = Estimate(clock)
        self._stage = Stage.FETCHING
        self._told: tuple[Stage, float, float | None] | None = None
        self._renewed = clock()
        self._interrupt: Exception | None = None
        self._ended = threading.Event()
        self._news = threading.Event()
        self._parent = os.getppid()
        self._thread = threading.Thread(target=self._beat_until_ended, name="heartbeat", daemon=True)

    @property
    def timings(self) -> dict[str, float]:
        """Seconds each stage took, of those that ended."""
        return dict(self._estimate.timings)

    def plan(self, work: dict[Stage, Work]) -> None:
        self._estimate.plan(work)
        self.check()

    def begin(self, stage: Stage) -> None:
        self._estimate.begin(stage)
        self._stage = stage
        self._news.set()  # short stages should be seen too
        self.check()

    def advance(self, done: float) -> None:
        self._estimate.advance(done)
        self.check()

    def alive(self, _done_bytes: int) -> None:
        """For work that counts in bytes, which the estimate does not."""
        self.check()

    def check(self) -> None:
        """Raise if the work must stop: canceled, past its deadline, lease lost, or worker told to stop."""
        if self._interrupt is not None:
            raise self._interrupt
        if self._stop_requested():
            raise HandedBackError

    def close(self) -> None:
        """End the last stage; its time counts until now."""
        self._estimate.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._news.set()
        self._thread.join()

    def _beat_until_ended(self) -> None:
        while True:
            self._news.wait(self._heartbeat_seconds)
            self._news.clear()
            if self._ended.is_set():
                return
            if os.getppid() != self._parent:
                # The worker's main process was killed. Nobody could stop us any more: die, and be recovered.
                os._exit(1)
            try:
                self.beat()
            except LeaseLostError as lost:
                self._interrupt = lost
            except Exception:
                log.exception("heartbeat failed")
                if self._clock() - self._renewed > self._lease.total_seconds():
                    self._interrupt = LeaseLostError(self._attempt.job.id)

    def beat(self) -> None:
        """Renew the lease, store what has changed, and note what the work must hear."""
        eta_seconds = self._estimate.eta_seconds
        now = (self._stage, self._estimate.progress, eta_seconds)
        if now == self._told:
            canceled = attempts.beat(self._database, self._attempt, lease=self._lease)
        else:
            canceled = attempts.report(
                self._database,
                self._attempt,
                stage=self._stage,
                progress=now[1],
                eta_seconds=eta_seconds,
                lease=self._lease,
            )
        self._told, self._renewed = now, self._clock()
        deadline = self._attempt.job.deadline_at
        if canceled:
            self._interrupt = CanceledError()
        elif deadline is not None and self._database.now() >= deadline:
            self._interrupt = DeadlineExceededError()
