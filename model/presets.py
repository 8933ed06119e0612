"""How much work a job gets: fast, balanced or best."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Preset:
    """How long to fine-tune, on pictures of which size."""

    name: str
    short_side_px: int
    """Of the pictures that the network sees; frames are never enlarged."""
    steps: int
    batch: int
    learning_rate: float
    seconds_per_step: float
    """A first guess of the remaining time, until a job has measured its own."""
    seconds_per_frame: float


PRESETS: Final[dict[str, Preset]] = {
    preset.name: preset
    for preset in (
        Preset("fast", 240, 120, 2, 5e-3, 0.17, 0.04),
        Preset("balanced", 240, 360, 2, 5e-3, 0.17, 0.04),
        Preset("best", 320, 500, 2, 5e-3, 0.32, 0.06),
    )
}
