"""The presets rise in effort and can be read without loading torch."""

import dataclasses
import subprocess
import sys

import pytest

from model.presets import EFFORTS, PRESETS


def test_they_are_three_in_rising_order() -> None:
    assert list(PRESETS) == ["fast", "balanced", "best"]
    effort = [preset.steps * preset.batch * preset.short_side_px**2 for preset in PRESETS.values()]
    assert effort == sorted(effort)
    assert all(name == preset.name for name, preset in PRESETS.items())


def test_they_keep_their_promise_of_time() -> None:
    """Fine-tuning and 80 frames, by the times measured on two cores: about half a minute, 75 s, 3 minutes."""
    limits = {"fast": 30, "balanced": 80, "best": 200}
    for name, preset in PRESETS.items():
        assert preset.steps * preset.seconds_per_step + 80 * preset.seconds_per_frame < limits[name]


def test_they_need_no_torch() -> None:
    """Whoever only estimates the remaining time does not pay seconds and hundreds of megabytes for it."""
    script = "import model.presets, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("tier", EFFORTS)
def test_rehearsals_are_three_in_rising_order(tier: str) -> None:
    efforts = EFFORTS[tier]
    assert list(efforts) == list(PRESETS)
    for measure in ("steps", "views", "pixels"):
        values = [getattr(effort, measure) for effort in efforts.values()]
        assert values == sorted(values)


@pytest.mark.parametrize("tier", EFFORTS)
def test_rehearsals_keep_their_promise_of_time(tier: str) -> None:
    """Fine-tuning and 50 frames, by the times measured on two cores; the rest of a job takes a few seconds more."""
    limits = {"fast": 16, "balanced": 52, "best": 200}
    for name, effort in EFFORTS[tier].items():
        assert effort.steps * effort.seconds_per_step + 50 * effort.seconds_per_frame < limits[name]


def test_what_was_rehearsed_before_is_changed_with_care() -> None:
    for effort in EFFORTS["compact"].values():
        assert effort.again == dataclasses.replace(effort, learning_rate=effort.again.learning_rate)
        assert effort.again.learning_rate < effort.learning_rate
