"""The sign of life that health checks look at."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from worker.heartbeat import STALLED_SECONDS, Heartbeat


@dataclass
class Seconds:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "made" / "heartbeat"


def touched(heartbeat: Heartbeat, file: Path) -> bool:
    file.unlink(missing_ok=True)
    heartbeat.touch()
    return file.exists()


def test_a_process_that_has_not_reached_its_broker_yet_is_alive(clock: Seconds, file: Path) -> None:
    heartbeat = Heartbeat(file, clock)
    clock.now += 10 * STALLED_SECONDS
    assert touched(heartbeat, file)


def test_a_loop_that_turns_is_alive_and_one_that_stands_still_is_not(clock: Seconds, file: Path) -> None:
    heartbeat = Heartbeat(file, clock)
    heartbeat.turn()
    clock.now += STALLED_SECONDS - 1
    assert touched(heartbeat, file)
    clock.now += 2
    assert not touched(heartbeat, file)
    heartbeat.turn()
    assert touched(heartbeat, file)


def test_a_loop_that_waits_for_a_broker_that_went_away_is_alive(clock: Seconds, file: Path) -> None:
    heartbeat = Heartbeat(file, clock)
    heartbeat.turn()
    heartbeat.wait()
    clock.now += 10 * STALLED_SECONDS
    assert touched(heartbeat, file)


def test_without_a_file_nothing_is_written(clock: Seconds) -> None:
    Heartbeat(None, clock).touch()


def test_a_folder_that_cannot_be_written_stops_nothing(clock: Seconds) -> None:
    Heartbeat(Path("/proc/nowhere/heartbeat"), clock).touch()
