import pytest

from storage.jobs import Stage
from worker.estimate import Estimate, Work


class Seconds:
    """A stopwatch that tests move by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def estimate(seconds: Seconds) -> Estimate:
    found = Estimate(seconds)
    found.plan({Stage.FINE_TUNING: Work(100, 0.1), Stage.SEGMENTING: Work(50, 0.2)})
    return found


def test_before_anything_is_measured_the_presets_guess_counts(estimate: Estimate) -> None:
    estimate.begin(Stage.FINE_TUNING)
    assert estimate.eta_seconds == 20.0
    assert estimate.progress == 0.0


def test_a_machine_half_as_fast_takes_twice_as_long_in_every_stage(
    estimate: Estimate, seconds: Seconds
) -> None:
    estimate.begin(Stage.FINE_TUNING)
    seconds.now = 10.0
    estimate.advance(50)
    assert estimate.eta_seconds == 10.0 + 20.0
    assert estimate.progress == pytest.approx(10 / 40)


def test_what_one_stage_measured_counts_for_the_next_until_it_has_its_own(
    estimate: Estimate, seconds: Seconds
) -> None:
    estimate.begin(Stage.FINE_TUNING)
    seconds.now = 20.0
    estimate.advance(100)
    estimate.begin(Stage.SEGMENTING)
    assert estimate.eta_seconds == 20.0
    seconds.now = 21.0
    estimate.advance(10)
    assert estimate.eta_seconds == 4.0


def test_progress_never_falls_and_is_full_only_at_the_end(estimate: Estimate, seconds: Seconds) -> None:
    estimate.begin(Stage.FINE_TUNING)
    seconds.now = 1.0
    estimate.advance(50)
    before = estimate.progress
    seconds.now = 100.0
    estimate.advance(51)
    assert estimate.progress >= before
    estimate.begin(Stage.SEGMENTING)
    estimate.advance(50)
    assert estimate.progress <= 0.99


def test_each_stages_time_is_kept(estimate: Estimate, seconds: Seconds) -> None:
    estimate.begin(Stage.FINE_TUNING)
    seconds.now = 2.0
    estimate.begin(Stage.SEGMENTING)
    seconds.now = 5.0
    estimate.close()
    assert estimate.timings == {"fine_tuning": 2.0, "segmenting": 3.0}
