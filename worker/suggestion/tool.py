"""From a picture, a box and strokes to a mask: network, outline, pieces."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from worker.suggestion import network
from worker.suggestion.box import fitted, grown
from worker.suggestion.outline import outlined
from worker.suggestion.picture import BACKGROUND, FOREGROUND
from worker.suggestion.pieces import whole
from worker.suggestion.views import Box, View, view_of

WORKING_PX: Final = 320
"""Long side of what GrabCut sees: larger is slower and no better."""

Bytes = npt.NDArray[np.uint8]


def suggest(picture: Bytes, corners: Sequence[float], strokes: Bytes | None = None) -> Bytes:
    """The object's mask (H, W), 0 or 255, in a picture (H, W, 3), RGB.

    `corners` are x0, y0, x1, y1; `strokes` are as `read_strokes` returns them. A stroke on the object beyond the box
    makes the box larger. Raises InputError `box_empty`, `box_outside`.
    """
    height, width = picture.shape[:2]
    drawn = np.zeros((height, width), np.uint8) if strokes is None else strokes
    on_object = drawn == FOREGROUND
    box = grown(fitted(corners, width, height), on_object)
    view = view_of(box)
    part = view.within(height, width)
    likely = _likely(picture, view, part, box, drawn)
    found = _refined(picture, part, box, drawn, likely)
    mask = np.zeros((height, width), np.uint8)
    mask[part.y0 : part.y1, part.x0 : part.x1] = found
    mask[:, : int(box[0])] = mask[:, int(box[2]) :] = mask[: int(box[1])] = mask[int(box[3]) :] = 0
    mask[on_object] = 255
    mask[drawn == BACKGROUND] = 0
    return mask


def _likely(picture: Bytes, view: View, part: View, box: Box, drawn: Bytes) -> npt.NDArray[np.float32]:
    """How likely each pixel of the part of the picture is the object's, at the part's own size."""
    seen = network.probabilities(picture, view, box, drawn == FOREGROUND, drawn == BACKGROUND)
    size = (view.x1 - view.x0, view.y1 - view.y0)
    large = np.asarray(cv2.resize(seen, size, interpolation=cv2.INTER_LINEAR), np.float32)
    return large[part.y0 - view.y0 : part.y1 - view.y0, part.x0 - view.x0 : part.x1 - view.x0]


def _refined(picture: Bytes, part: View, box: Box, drawn: Bytes, likely: npt.NDArray[np.float32]) -> Bytes:
    height, width = likely.shape
    scale = min(1.0, WORKING_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    area = (slice(part.y0, part.y1), slice(part.x0, part.x1))
    inside = np.zeros(drawn.shape, np.uint8)
    inside[int(box[1]) : int(box[3]), int(box[0]) : int(box[2])] = 1
    on_object, on_background = (
        _touched(drawn[area] == FOREGROUND, size),
        _touched(drawn[area] == BACKGROUND, size),
    )
    found = outlined(
        np.asarray(cv2.resize(picture[area], size, interpolation=cv2.INTER_AREA), np.uint8),
        np.asarray(cv2.resize(likely, size, interpolation=cv2.INTER_AREA), np.float32),
        _touched(inside[area] > 0, size),
        on_object,
        on_background,
    )
    found = whole(found, on_object, on_background)
    smooth = cv2.resize(found.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.where(np.asarray(smooth) >= 0.5, np.uint8(255), np.uint8(0))


def _touched(plane: npt.NDArray[np.bool_], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """A plane made smaller; a pixel that is set at all stays set."""
    return np.asarray(cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA)) > 0
