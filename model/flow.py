"""Optical flow between two frames, and pictures moved along it."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

PRESET: Final = cv2.DISOPTICAL_FLOW_PRESET_FAST


class Flow:
    """Dense inverse search (Kroeger et al., ECCV 2016), as OpenCV implements it."""

    def __init__(self) -> None:
        self._search = cv2.DISOpticalFlow.create(PRESET)

    def between(self, frame: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """For each pixel of `frame`, how far it lies from its place in `other`: (H, W, 2), x and y in pixels.

        Both are (H, W, 3) uint8 RGB of one size.
        """
        grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (frame, other)]
        return np.asarray(self._search.calc(grey[0], grey[1], None), np.float32)  # type: ignore[call-overload]  # None: no first guess


def moved(mask: npt.NDArray[np.float32], flow: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A mask (H, W) of `other`, seen from `frame`. What comes from outside the picture is 0."""
    height, width = mask.shape
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.asarray(
        cv2.remap(mask, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR), np.float32
    )
