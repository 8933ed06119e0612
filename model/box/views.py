"""The part of a picture that the network sees; `worker/suggestion/views.py` cuts the same, as a test makes sure."""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from model.box.network import MEAN, PLACE_STRIDE, SIZE

MARGIN: Final = 0.2
"""Of the box's side, on either side of it."""

NARROWEST: Final = 0.5
"""Of a view, its short side to its long one; beyond, it would be stretched too much."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels, the last two exclusive."""

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """A rectangle of whole pixels, possibly beyond the picture, that is scaled to SIZE x SIZE."""

    x0: int
    y0: int
    x1: int
    y1: int


def view_of(box: Box) -> View:
    """The box with its margin, and more of it where the box is very narrow."""
    x0, y0, x1, y1 = box
    width, height = (x1 - x0) * (1 + 2 * MARGIN), (y1 - y0) * (1 + 2 * MARGIN)
    width, height = max(width, height * NARROWEST), max(height, width * NARROWEST)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return View(
        math.floor(x - width / 2),
        math.floor(y - height / 2),
        math.ceil(x + width / 2),
        math.ceil(y + height / 2),
    )


def cut(picture: Picture, view: View, colour: tuple[float, ...], size: int = SIZE) -> Picture:
    """The view of a picture (H, W, …), `size` x `size`; beyond the picture it has this colour."""
    height, width = picture.shape[:2]
    inside = picture[max(0, view.y0) : max(0, view.y1), max(0, view.x0) : max(0, view.x1)]
    edges = (max(0, -view.y0), max(0, view.y1 - height), max(0, -view.x0), max(0, view.x1 - width))
    whole = cv2.copyMakeBorder(inside, *edges, cv2.BORDER_CONSTANT, value=colour)
    shrinks = min(whole.shape[:2]) > size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(whole, (size, size), interpolation=how), np.uint8)


def grey() -> tuple[float, float, float]:
    """The colour that normalises to zero."""
    red, green, blue = (round(value * 255) for value in MEAN)
    return red, green, blue


def places(view: View, box: Box, size: int = SIZE) -> npt.NDArray[np.float32]:
    """(PLACES, size / 4, size / 4): where the box lies in its view; no strokes."""
    side = size // PLACE_STRIDE
    steps = (np.arange(side, dtype=np.float32) + 0.5) / side
    x0, y0, x1, y1 = box
    across = np.abs(view.x0 + steps * (view.x1 - view.x0) - (x0 + x1) / 2) / (x1 - x0) * 2
    down = np.abs(view.y0 + steps * (view.y1 - view.y0) - (y0 + y1) / 2) / (y1 - y0) * 2
    maps = np.broadcast_arrays(across[None, :], down[:, None])
    inside = (np.maximum(*maps) <= 1).astype(np.float32)
    strokes = np.zeros((2, side, side), np.float32)
    return np.stack([inside, *(np.minimum(plane, 3).astype(np.float32) for plane in maps), *strokes])
