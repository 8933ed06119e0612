"""How much work a job gets: fast, balanced or best, for each kind of network."""

from dataclasses import dataclass, replace
from typing import Final, Self


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


# Seconds: compact backbone, 480p frames, two idle cores of a Xeon, the least of several repeats. An 80-frame
# clip should take 24, 64 and 155 s. Ten minutes on such cores buy VGG-16 about 400 steps of two 240 px pictures
# (1.5 s each; 3.6 s for one of 480 px; 0.22 and 0.85 s a frame): it wants a GPU.
# The learning rate is AdamW's, for random weights: after 120 steps 1e-3 and 2e-3 were 0.03 to 0.04 of J behind, and
# 1e-2 lost the smallest object.
PRESETS: Final[dict[str, Preset]] = {
    preset.name: preset
    for preset in (
        Preset("fast", 240, 120, 2, 5e-3, 0.17, 0.04),
        Preset("balanced", 240, 360, 2, 5e-3, 0.17, 0.04),
        Preset("best", 320, 500, 2, 5e-3, 0.3, 0.06),
    )
}


AGAIN_RATE: Final = 0.25
"""Share of the learning rate, where a network has rehearsed the clip before.

Three training sequences, the true mask of the worst frame for the second rehearsal, preset fast; what J gained at the
whole rate, at a quarter of it, and without a step. Compact: drift-turn -.178, -.015, +.016; dance-jump +.109, +.106,
+.030. Standard: drift-turn -.071, -.039, -.006; rollerblade +.017, +.010, +.004; dance-jump +.084, +.084, +.072.
"""


@dataclass(frozen=True)
class Effort:
    """How much the tracking network rehearses a clip, and how closely it looks."""

    steps: int
    """At most: it stops when views that it does not learn from get no better."""
    views: int
    """Made of the annotated frames, all together."""
    pixels: int
    """Of what the network sees of a frame."""
    learning_rate: float
    seconds_per_step: float
    seconds_per_frame: float
    """First guesses, as in `Preset`."""

    @property
    def again(self) -> Self:
        """For a network that has rehearsed the clip before."""
        return replace(self, learning_rate=self.learning_rate * AGAIN_RATE)


EFFORTS: Final[dict[str, dict[str, Effort]]] = {
    "standard": {
        "fast": Effort(20, 8, 320 * 320, 5e-4, 0.1, 0.1),
        "balanced": Effort(100, 16, 448 * 448, 5e-4, 0.2, 0.15),
        "best": Effort(200, 24, 480 * 640, 5e-4, 0.3, 0.25),
    },
    "compact": {
        "fast": Effort(70, 16, 256 * 256, 3e-3, 0.12, 0.05),
        "balanced": Effort(160, 24, 320 * 320, 3e-3, 0.16, 0.06),
        "best": Effort(400, 32, 400 * 400, 3e-3, 0.25, 0.1),
    },
}
