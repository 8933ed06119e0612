"""Which part of a frame the network looks at, and how large: small objects are looked at closely."""

import math
from dataclasses import dataclass
from typing import Final, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from model.encoders import STRIDE

Sample = TypeVar("Sample", np.uint8, np.float32)

ROOM: Final = 2.0
"""A view is this many times as wide and as high as what it is about: objects move and grow."""

CLOSEST: Final = 2.0
"""Pixels of a view per pixel of the frame, at most: beyond, there is nothing more to see."""

SMALLEST: Final = 0.3
"""Of the frame's sides: a view shows at least this share of each."""


@dataclass(frozen=True)
class View:
    """A rectangle of a frame, in its pixels, and the size (height, width) at which the network sees it."""

    x: int
    y: int
    width: int
    height: int
    size: tuple[int, int]

    def of(self, frame: npt.NDArray[Sample]) -> npt.NDArray[Sample]:
        """What the view shows of a frame (H, W, 3) or a mask (H, W), in the network's size."""
        part = frame[self.y : self.y + self.height, self.x : self.x + self.width]
        shrunk = self.size[0] < self.height
        interpolation = cv2.INTER_AREA if shrunk else cv2.INTER_LINEAR
        return cv2.resize(part, self.size[::-1], interpolation=interpolation)  # type: ignore[return-value]  # OpenCV keeps the type, its stubs do not say so

    def onto(
        self, seen: npt.NDArray[np.float32], frame: tuple[int, int], elsewhere: float
    ) -> npt.NDArray[np.float32]:
        """What was found in the view (h, w), in its place in a whole frame (H, W); `elsewhere` outside it."""
        whole = np.full(frame, elsewhere, np.float32)
        part = cv2.resize(seen, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        whole[self.y : self.y + self.height, self.x : self.x + self.width] = part
        return whole


def whole_view(frame: tuple[int, int], pixels: int) -> View:
    """All of a frame (H, W), in about so many pixels."""
    return View(0, 0, frame[1], frame[0], _size(frame[0], frame[1], pixels, closest=1.0))


def view_of(mask: npt.NDArray[np.bool_], pixels: int) -> View:
    """The view about the objects in a mask (H, W), in about so many pixels; of the whole frame if there are none."""
    height, width = mask.shape
    x, y, across, down = cv2.boundingRect(mask.view(np.uint8))
    if not across:
        return whole_view((height, width), pixels)
    # about square, since an object may turn
    side = ROOM * max(across, down)
    wide = int(min(width, max(side, ROOM * across, SMALLEST * width)))
    high = int(min(height, max(side, ROOM * down, SMALLEST * height)))
    if wide * high > 0.7 * width * height:
        return whole_view((height, width), pixels)
    left = int(np.clip(x + across / 2 - wide / 2, 0, width - wide))
    top = int(np.clip(y + down / 2 - high / 2, 0, height - high))
    return View(left, top, wide, high, _size(high, wide, pixels, CLOSEST))


def _size(height: int, width: int, pixels: int, closest: float) -> tuple[int, int]:
    """The nearest multiples of the encoder's stride that make about so many pixels."""
    scale = min(closest, math.sqrt(pixels / (height * width)))
    return _rounded(height * scale), _rounded(width * scale)


def _rounded(length: float) -> int:
    return max(2, round(length / STRIDE)) * STRIDE
