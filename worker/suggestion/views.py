"""The part of a picture that the network sees.

What `model/box/views.py` cuts in training; the API's image has no `model`, so it stands here once more, and a test
holds the two together.
"""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

SIZE: Final = 224
"""Side of the view, in pixels."""

PLACE_STRIDE: Final = 4
"""Pixels of the view per pixel of the maps that say where the box and the strokes lie."""

MARGIN: Final = 0.2
"""Of the box's side, on either side of it."""

NARROWEST: Final = 0.5
"""Of a view, its short side to its long one; beyond, it would be stretched too much."""

GREY: Final = (124, 116, 104)
"""What lies beyond the picture: ImageNet's mean, which the network takes for nothing."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels, the last two exclusive."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """A rectangle of whole pixels, possibly beyond the picture, that is scaled to SIZE x SIZE."""

    x0: int
    y0: int
    x1: int
    y1: int

    def within(self, height: int, width: int) -> "View":
        """What of it lies in a picture of this size."""
        return View(max(0, self.x0), max(0, self.y0), min(width, self.x1), min(height, self.y1))


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


def cut(picture: Bytes, view: View, colour: tuple[int, ...]) -> Bytes:
    """The view of a picture (H, W, …), SIZE x SIZE; beyond the picture it has this colour."""
    height, width = picture.shape[:2]
    inside = view.within(height, width)
    part = picture[inside.y0 : inside.y1, inside.x0 : inside.x1]
    edges = (inside.y0 - view.y0, view.y1 - inside.y1, inside.x0 - view.x0, view.x1 - inside.x1)
    whole = cv2.copyMakeBorder(part, *edges, cv2.BORDER_CONSTANT, value=colour)
    how = cv2.INTER_AREA if min(whole.shape[:2]) > SIZE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(whole, (SIZE, SIZE), interpolation=how), np.uint8)


def places(view: View, box: Box) -> npt.NDArray[np.float32]:
    """(3, SIZE / 4, SIZE / 4): where the box lies in its view."""
    side = SIZE // PLACE_STRIDE
    steps = (np.arange(side, dtype=np.float32) + 0.5) / side
    x0, y0, x1, y1 = box
    across = np.abs(view.x0 + steps * (view.x1 - view.x0) - (x0 + x1) / 2) / (x1 - x0) * 2
    down = np.abs(view.y0 + steps * (view.y1 - view.y0) - (y0 + y1) / 2) / (y1 - y0) * 2
    maps = np.broadcast_arrays(across[None, :], down[:, None])
    inside = (np.maximum(*maps) <= 1).astype(np.float32)
    return np.stack([inside, *(np.minimum(plane, 3).astype(np.float32) for plane in maps)])


def marks(strokes: npt.NDArray[np.bool_], view: View) -> npt.NDArray[np.float32]:
    """(SIZE / 4, SIZE / 4), 0 or 1: where strokes (H, W) lie in the view."""
    side = SIZE // PLACE_STRIDE
    seen = cut(np.where(strokes, np.uint8(255), np.uint8(0)), view, (0,)) > 63
    touched = np.asarray(seen.reshape(side, PLACE_STRIDE, side, PLACE_STRIDE).any(axis=(1, 3)))
    return touched.astype(np.float32)
