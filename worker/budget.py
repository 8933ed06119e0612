"""How long fine-tuning may go on, so that a job ends within the seconds it was given."""

import time
from collections.abc import Callable


class Budget:
    """Seconds for all of a job's work, of which what follows fine-tuning is set aside.

    How long that takes on this machine is judged by its own pace: the guesses for the work to come are scaled
    as the first steps turn out against theirs.
    """

    def __init__(
        self,
        seconds: float | None,
        *,
        step_seconds: float,
        later_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._step_seconds = step_seconds
        self._later_seconds = later_seconds
        self._clock = clock
        self._began = clock()
        self._first_step: float | None = None
        self._steps = 0

    def count(self, steps: int) -> None:
        """So many steps are done."""
        if steps and self._first_step is None:
            # the first step pays for what is done once: its time says nothing about the next
            self._first_step = self._clock()
        self._steps = steps

    def spent(self) -> bool:
        """Whether fine-tuning has to end now."""
        if self._seconds is None:
            return False
        return self._clock() - self._began + self._later_seconds * self._slowness() >= self._seconds

    def _slowness(self) -> float:
        """How many times slower this machine is than the guesses."""
        if self._first_step is None or self._steps < 2:
            return 1.0
        measured = (self._clock() - self._first_step) / (self._steps - 1)
        return measured / self._step_seconds
