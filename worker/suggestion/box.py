"""The box that a person drew, held against the picture it was drawn on."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.errors import InputError
from worker.suggestion.views import Box

SHORTEST: Final = 4
"""Side of a box, in pixels."""


def fitted(corners: Sequence[float], width: int, height: int) -> Box:
    """The box in whole pixels, without what lies beyond the picture.

    Raises InputError `box_empty`, `box_outside`.
    """
    x0, y0, x1, y1 = corners
    if x1 - x0 < SHORTEST or y1 - y0 < SHORTEST:
        detail = f"The box has no room: x1 and y1 must be at least {SHORTEST} pixels beyond x0 and y0."
        raise InputError("box_empty", detail)
    within = (
        max(0, math.floor(x0)),
        max(0, math.floor(y0)),
        min(width, math.ceil(x1)),
        min(height, math.ceil(y1)),
    )
    if within[2] - within[0] < SHORTEST or within[3] - within[1] < SHORTEST:
        detail = f"The box lies outside the picture, which is {width}x{height}. Draw it around the object."
        raise InputError("box_outside", detail)
    return within


def grown(box: Box, on_object: npt.NDArray[np.bool_]) -> Box:
    """The box, and what strokes on the object take of the picture beyond it."""
    rows, columns = np.flatnonzero(on_object.any(axis=1)), np.flatnonzero(on_object.any(axis=0))
    if not rows.size:
        return box
    return (
        min(box[0], int(columns[0])),
        min(box[1], int(rows[0])),
        max(box[2], int(columns[-1]) + 1),
        max(box[3], int(rows[-1]) + 1),
    )
