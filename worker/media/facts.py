"""What is known about a clip, what is allowed of one, and one decoded frame of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class ClipLimits:
    """The largest clip that is accepted; each bound is inclusive. Bytes are counted where they arrive."""

    pixels: int
    """Width times height of one frame."""
    frames: int
    seconds: float


@dataclass(frozen=True)
class AudioFacts:
    """One sound track. `codec` is FFmpeg's name, such as "aac"."""

    codec: str
    sample_rate: int
    channels: int


@dataclass(frozen=True)
class ClipFacts:
    """A clip as the inspection found it; `dataclasses.asdict` gives JSON, `from_json` takes it back.

    Sizes and the sample aspect ratio are those of the upright picture. Fractions are strings ("24000/1001").
    """

    container: str
    codec: str
    pixel_format: str
    width: int
    height: int
    rotation_degrees: int
    """Counter-clockwise turn that makes the stored picture upright, -180 < degrees <= 180."""
    frames: int
    """Pictures shown, counted packet by packet: headers lie."""
    duration_seconds: float
    average_rate: str
    variable_rate: bool
    time_base: str
    sample_aspect_ratio: str
    audio: tuple[AudioFacts, ...]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        return cls(**{**values, "audio": tuple(AudioFacts(**track) for track in values["audio"])})


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a clip and when it is shown.

    `image` is (H,W,3) uint8 RGB, upright. On its way into a writer of alpha it is (H,W,4), straight alpha.
    `pts` and `duration` count in `time_base` seconds; a duration of 0 means that the clip does not say.
    """

    index: int
    pts: int
    time_base: Fraction
    time_seconds: float
    image: npt.NDArray[np.uint8]
    duration: int = 0
