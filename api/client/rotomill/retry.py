"""How often, and after which pauses, a request is tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from rotomill.errors import RotomillError

T = TypeVar("T")

# A service that asks for a longer pause than this is better answered by telling the caller.
_LONGEST_ASKED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential back-off with jitter: about 0.5, 1, 2 and 4 s, unless the service asks for another.

    `attempts` counts the first one too, so 1 means never again. `sleep` and `random` are injected so
    that tests need no real time.
    """

    attempts: int = 5
    first_seconds: float = 0.5
    longest_seconds: float = 8.0
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random

    def run(self, attempt: Callable[[], T]) -> T:
        """Return what `attempt` returns, trying again after errors that may pass."""
        failures = 0
        while True:
            try:
                return attempt()
            except RotomillError as error:
                failures += 1
                if failures >= self.attempts or not self._worthwhile(error):
                    raise
                self.sleep(self.pause_seconds(failures, error.retry_after_seconds))

    def pause_seconds(self, failures: int, asked_seconds: float | None = None) -> float:
        """How long to pause after so many failures; never less than the service asked for."""
        # min() on the exponent: 2.0 ** 1024 would overflow in a wait that lasts for days.
        backoff = min(self.longest_seconds, self.first_seconds * 2.0 ** min(failures - 1, 16))
        # Half fixed, half random: clients that failed together do not come back together.
        return max(asked_seconds or 0.0, backoff * (0.5 + 0.5 * self.random()))

    @staticmethod
    def _worthwhile(error: RotomillError) -> bool:
        return error.retryable and (error.retry_after_seconds or 0.0) <= _LONGEST_ASKED_SECONDS
