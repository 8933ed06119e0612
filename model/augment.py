"""Endless variations of an annotated frame: the data that fine-tuning learns from."""

import math
from dataclasses import dataclass
from typing import Final, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Sample = TypeVar("Sample", np.uint8, np.float32)


@dataclass(frozen=True)
class Variation:
    """How far a variation may go from the annotated frame.

    Flips, rotation and scale are those of OSVOS (`kmaninis/OSVOS-PyTorch`). Translation is ours: the
    object moves, and padding makes a network notice where it was. So is colour: light changes.
    """

    rotation_degrees: float = 30.0
    scale: tuple[float, float] = (0.75, 1.25)
    translation: float = 0.1
    """Share of the width and of the height."""
    gain: float = 0.1
    """Each colour channel is multiplied by 1 ± gain …"""
    offset: float = 10.0
    """… and the picture gets ± offset grey levels, of 255."""


USUAL: Final = Variation()


class Augmenter:
    """Variations of one picture (H, W, 3) uint8 RGB and its truth (K, H, W) float32, 0–1.

    What `rng` is seeded with decides all of them. What comes into view from outside the picture is
    its mirror image, in picture and truth alike, so that no border is learnt as background.
    """

    def __init__(
        self,
        image: npt.NDArray[np.uint8],
        truth: npt.NDArray[np.float32],
        rng: np.random.Generator,
        variation: Variation = Variation(),
    ) -> None:
        self._image = image
        self._truth = truth
        self._rng = rng
        self._variation = variation

    def draw(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """The next picture and its truth, of the same shapes and types."""
        matrix = self._draw_matrix()
        image = _warp(self._image, matrix)
        truth = np.stack([_warp(plane, matrix) for plane in self._truth])
        return self._jitter(image), truth

    def _draw_matrix(self) -> npt.NDArray[np.float64]:
        """The affine map (2, 3) from this picture's pixels to the variation's, about the centre."""
        rng, limits = self._rng, self._variation
        height, width = self._truth.shape[1:]
        angle = math.radians(rng.uniform(-limits.rotation_degrees, limits.rotation_degrees))
        scale = rng.uniform(*limits.scale)
        mirror = rng.choice((-1.0, 1.0))
        cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
        linear = np.array([[cosine * mirror, -sine], [sine * mirror, cosine]])
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        shift = rng.uniform(-limits.translation, limits.translation, 2) * (width, height)
        return np.column_stack([linear, centre + shift - linear @ centre])

    def _jitter(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        limits = self._variation
        gain = self._rng.uniform(1 - limits.gain, 1 + limits.gain, 3)
        offset = self._rng.uniform(-limits.offset, limits.offset)
        levels = np.arange(256)[:, None] * gain + offset
        table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(image, table[:, None, :]), np.uint8)


def _warp(plane: npt.NDArray[Sample], matrix: npt.NDArray[np.float64]) -> npt.NDArray[Sample]:
    size = plane.shape[1], plane.shape[0]
    return cv2.warpAffine(  # type: ignore[return-value]  # OpenCV keeps the type, its stubs do not say so
        plane, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
