"""Following a job to its end: the event stream while it works, polling where it does not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace

from rotomill import events
from rotomill.errors import ConnectionFailed, RotomillError, WaitTimeout
from rotomill.jobs import Job
from rotomill.retry import Retry
from rotomill.transport import Transport

OnUpdate = Callable[[Job], None]

# The service sends a sign of life every 15 s; three missing ones mean the connection is dead.
_SILENCE_SECONDS = 45.0
# So many streams in a row that brought nothing, and something on the way does not pass streams on.
_FRUITLESS_STREAMS = 3
# A service that restarts is back within a minute or two; a wait outlives that.
_PATIENCE = 4


@dataclass(slots=True)
class Wait:
    """One wait for one job. Every new state goes to `on_update`, the last one is returned."""

    transport: Transport
    job: Job
    retry: Retry
    poll_seconds: float
    on_update: OnUpdate | None = None
    timeout_seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    _deadline: float | None = None
    _last_id: str | None = None

    def run(self) -> Job:
        """Return the job once it has ended; raises `WaitTimeout` when that takes too long."""
        if self.timeout_seconds is not None:
            self._deadline = self.clock() + self.timeout_seconds
        self._tell(self.job)
        fruitless = 0
        while not self.job.finished and fruitless < _FRUITLESS_STREAMS:
            fruitless = 0 if self._follow() else fruitless + 1
            if fruitless:
                self._sleep(self.retry.pause_seconds(fruitless))
        while not self.job.finished:
            self._sleep(self.poll_seconds)
            self._tell(self._fetch())
        return self.job

    def _follow(self) -> bool:
        """Read one stream to its end; whether it brought anything. Its errors only end it."""
        fruitful = False
        with closing(self._states()) as states:
            # Whether the service is there at all, the next stream or the polling finds out.
            while (job := _next(states)) is not None:
                fruitful = True
                self._tell(job)
        self._check_deadline()
        return fruitful

    def _states(self) -> Generator[Job, None, None]:
        headers = {"Accept": "text/event-stream"}
        if self._last_id is not None:
            headers["Last-Event-ID"] = self._last_id
        with self.transport.stream(
            f"/v1/jobs/{self.job.id}/events",
            headers=headers,
            read_seconds=min(_SILENCE_SECONDS, self._remaining_seconds()),
        ) as response:
            for event in events.parse(response.iter_bytes()):
                if event.name.startswith("job."):
                    self._last_id = event.id or self._last_id
                    yield _job_of(event)

    def _fetch(self) -> Job:
        patient = replace(self.retry, attempts=self.retry.attempts * _PATIENCE)
        response = patient.run(lambda: self.transport.send("GET", f"/v1/jobs/{self.job.id}"))
        return Job.parse(response.json())

    def _tell(self, job: Job) -> None:
        self.job = job
        if self.on_update:
            self.on_update(job)
        self._check_deadline()

    def _sleep(self, seconds: float) -> None:
        self.retry.sleep(min(seconds, self._remaining_seconds()))
        self._check_deadline()

    def _remaining_seconds(self) -> float:
        if self._deadline is None:
            return float("inf")
        return max(0.1, self._deadline - self.clock())

    def _check_deadline(self) -> None:
        if self.timeout_seconds is None or self._deadline is None or self.job.finished:
            return
        if self.clock() >= self._deadline:
            raise WaitTimeout(self.job, self.timeout_seconds)


def _next(states: Generator[Job, None, None]) -> Job | None:
    try:
        return next(states, None)
    except RotomillError:
        return None


def _job_of(event: events.Event) -> Job:
    try:
        return Job.parse(json.loads(event.data))
    except (ValueError, KeyError, TypeError) as error:
        raise ConnectionFailed("The event stream brought something that is no job.") from error
