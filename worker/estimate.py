"""How far a job is and how long it will take, from the time its own steps and frames have taken."""

from collections.abc import Callable
from dataclasses import dataclass

from storage.jobs import Stage

# From here on the job's own pace is worth more than the preset's guess.
ENOUGH_UNITS = 3


@dataclass
class Work:
    """A stage's units (steps, frames, files) and the seconds one is thought to take."""

    units: float
    seconds_per_unit: float


class Estimate:
    """Turns finished units into progress (0–1, never falling) and remaining seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._plan: dict[Stage, Work] = {}
        self._stage: Stage | None = None
        self._done = 0.0
        self._started = clock()
        self._stage_started = clock()
        self._progress = 0.0
        self._slowness = 1.0
        self.timings: dict[str, float] = {}

    def plan(self, work: dict[Stage, Work]) -> None:
        """Say what is to be done, as soon as it is known; later words replace earlier ones."""
        self._plan |= work

    def begin(self, stage: Stage) -> None:
        self.close()
        self._stage, self._done, self._stage_started = stage, 0.0, self._clock()

    def close(self) -> None:
        """End the current stage and note how long it took."""
        if self._stage is not None:
            self.timings[self._stage.value] = round(self._clock() - self._stage_started, 3)
            self._slowness = self._measured_slowness()
        self._stage = None

    def advance(self, done: float) -> None:
        self._done = done

    @property
    def eta_seconds(self) -> float | None:
        """Seconds until the job ends; None while nothing is planned."""
        if not self._plan or self._stage is None:
            return None
        stages = list(Stage)
        later = stages[stages.index(self._stage) + 1 :]
        ahead = sum(
            self._plan[stage].units * self._plan[stage].seconds_per_unit
            for stage in later
            if stage in self._plan
        )
        return round(self._stage_seconds_left() + ahead * self._measured_slowness(), 1)

    @property
    def progress(self) -> float:
        eta = self.eta_seconds
        if eta is not None:
            elapsed = self._clock() - self._started
            self._progress = max(self._progress, min(0.99, elapsed / max(elapsed + eta, 1e-9)))
        return self._progress

    def _stage_seconds_left(self) -> float:
        work = self._plan.get(self._stage) if self._stage else None
        if work is None:
            return 0.0
        left = max(0.0, work.units - self._done)
        return left * work.seconds_per_unit * self._measured_slowness()

    def _measured_slowness(self) -> float:
        """How many times longer a unit takes here than was thought; what is not measured yet is like before."""
        work = self._plan.get(self._stage) if self._stage else None
        if work is None or self._done < ENOUGH_UNITS or work.seconds_per_unit <= 0:
            return self._slowness
        return (self._clock() - self._stage_started) / (self._done * work.seconds_per_unit)
