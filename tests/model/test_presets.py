"""The presets rise in effort and can be read without loading torch."""

import subprocess
import sys

from model.presets import PRESETS


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
