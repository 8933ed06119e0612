"""A sign of life in a file, for health checks from outside: touched as long as the process's own loop turns.

Asking a Celery worker for a ping costs a process and a round through the broker each time (celery/celery#3768), and
calls a worker ill whose broker is away. A file's age says it at once, and means this process alone.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

TOUCH_SECONDS = 5.0
# The loop turns every second or two; one that has not for a minute will not by itself.
STALLED_SECONDS = 60.0


class Heartbeat:
    """Told of each turn of a loop, and touches the file from a thread of its own until the turns fail to come."""

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._last_turn: float | None = None

    def turn(self) -> None:
        """The loop has turned."""
        self._last_turn = self._clock()

    def wait(self) -> None:
        """The loop stands still until the broker is there again, and is not ill for that."""
        self._last_turn = None

    def beats(self) -> bool:
        """Whether the loop turns, or waits for good reason."""
        return self._last_turn is None or self._clock() - self._last_turn < STALLED_SECONDS

    def touch(self) -> None:
        """Renew the file, if the loop turns."""
        if self._path is None or not self.beats():
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
        except OSError:
            log.exception("sign of life cannot be written", path=str(self._path))

    def start(self) -> None:
        """Touch the file for as long as the process lives; without a file, do nothing."""
        if self._path is not None:
            threading.Thread(target=self._touch_for_ever, name="sign-of-life", daemon=True).start()

    def _touch_for_ever(self) -> None:
        while True:
            self.touch()
            time.sleep(TOUCH_SECONDS)
