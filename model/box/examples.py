"""What the box tool's network learns from: objects of still pictures, each in a box as a person draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from model.box.network import SIZE
from model.box.views import Box, Picture, cut, grey, places, view_of
from model.lucid import lit
from model.parent.clips import Shot

SMALLEST: Final = 12
"""Shortest side of a box that is learnt from, in pixels."""

EXACT: Final = 0.4
"""Share of the boxes that fit exactly."""

Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Example:
    """A view (S, S, 3) uint8, its places, and the truth (S, S) uint8, 0 or 255."""

    view: Picture
    places: npt.NDArray[np.float32]
    truth: Mask


def held_out(stills: Sequence[Shot]) -> tuple[list[Shot], list[Shot]]:
    """What is learnt from, and each tenth, on which choices are made."""
    return [s for i, s in enumerate(stills) if i % 10], [s for i, s in enumerate(stills) if i % 10 == 0]


def example(picture: Picture, mask: Mask, box: Box, size: int = SIZE) -> Example:
    """What the network sees of a picture and a box, and should say."""
    view = view_of(box)
    return Example(cut(picture, view, grey(), size), places(view, box, size), cut(mask, view, (0,), size))


def box_around(mask: Mask) -> Box | None:
    """The box that fits the mask exactly; None where it is empty or tiny."""
    x, y, width, height = cv2.boundingRect(mask)
    return (x, y, x + width, y + height) if min(width, height) >= SMALLEST else None


@dataclass(frozen=True)
class Drawer:
    """Draws examples of `size` x `size` pixels from still pictures."""

    stills: Sequence[Shot]
    size: int = SIZE

    def draw(self, rng: np.random.Generator) -> Example:
        """One example; `rng` decides all of it."""
        while True:
            picture, mask = self._turned(*self._still(rng), rng)
            mask = _one_of(mask, rng)
            if rng.uniform() < 0.5:
                picture, mask = self._with_another(picture, mask, rng)
            box = box_around(mask)
            if box is not None:
                drawn = _by_hand(box, mask.shape, rng)
                return _seen(example(picture, mask, drawn, self.size), rng)

    def _still(self, rng: np.random.Generator) -> tuple[Picture, Mask]:
        shot = self.stills[int(rng.integers(len(self.stills)))]
        return shot.pictures[0], shot.masks[0]

    def _turned(
        self, picture: Picture, mask: Mask, rng: np.random.Generator, share: float = 0.5
    ) -> tuple[Picture, Mask]:
        """Mirrored, and now and then rotated, stretched and scaled."""
        if rng.uniform() < 0.5:
            picture, mask = picture[:, ::-1].copy(), mask[:, ::-1].copy()
        if rng.uniform() > share:
            return picture, mask
        height, width = mask.shape
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.normal(0, 12), rng.uniform(0.6, 1.2))
        matrix[:, 0] *= np.exp(rng.normal(0, 0.15))
        turned = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        moved = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_NEAREST)
        return np.asarray(turned, np.uint8), np.asarray(moved, np.uint8)

    def _with_another(self, picture: Picture, mask: Mask, rng: np.random.Generator) -> tuple[Picture, Mask]:
        """Another picture's object beside, behind or before the one that is meant."""
        box, (other, cover) = box_around(mask), self._turned(*self._still(rng), rng, share=0)
        extent = box_around(cover)
        if box is None or extent is None:
            return picture, mask
        x0, y0, x1, y1 = map(int, extent)
        size = rng.uniform(0.3, 1.1) * max(box[2] - box[0], box[3] - box[1])
        scale = size / max(x1 - x0, y1 - y0)
        angle = rng.uniform(0, 2 * np.pi)  # about the border of the box
        reach = rng.uniform(0.5, 1.1)
        x = (box[0] + box[2]) / 2 + np.cos(angle) * reach * (box[2] - box[0]) / 2 * 1.3
        y = (box[1] + box[3]) / 2 + np.sin(angle) * reach * (box[3] - box[1]) / 2 * 1.3
        matrix = np.array([[scale, 0, x - scale * (x0 + x1) / 2], [0, scale, y - scale * (y0 + y1) / 2]])
        shape = mask.shape[::-1]
        pasted = np.asarray(cv2.warpAffine(other, matrix, shape, flags=cv2.INTER_LINEAR), np.float32)
        soft = np.asarray(cv2.warpAffine(cover, matrix, shape, flags=cv2.INTER_LINEAR), np.float32) / 255
        if rng.uniform() < 0.7:  # behind
            soft = soft * (mask == 0)
        left = np.where(soft > 0.5, np.uint8(0), mask)
        if np.count_nonzero(left) < 0.5 * np.count_nonzero(mask):
            return picture, mask
        weight = soft[..., None]
        return np.asarray(picture * (1 - weight) + pasted * weight, np.uint8), left


def _one_of(mask: Mask, rng: np.random.Generator) -> Mask:
    """Of several objects now and then only one, so that the box decides which."""
    count, parts, facts, _ = cv2.connectedComponentsWithStats(mask)
    areas = facts[1:, cv2.CC_STAT_AREA]
    large = 1 + np.flatnonzero(areas > 0.1 * areas.sum()) if count > 1 else np.zeros(0, np.int64)
    if large.size < 2 or rng.uniform() < 0.5:
        return mask
    return np.where(parts == rng.choice(large), np.uint8(255), np.uint8(0))


def _by_hand(box: Box, shape: tuple[int, ...], rng: np.random.Generator) -> Box:
    if rng.uniform() < EXACT:
        return box
    x0, y0, x1, y1 = box
    off = rng.normal(0.015, 0.035, 4) * ((x1 - x0, y1 - y0) * 2)
    height, width = shape
    return (
        max(0, round(x0 - off[0])),
        max(0, round(y0 - off[1])),
        min(width, round(x1 + off[2])),
        min(height, round(y1 + off[3])),
    )


def _seen(drawn: Example, rng: np.random.Generator) -> Example:
    """In another light, blurred, coarse or packed, as pictures are."""
    view = lit(drawn.view, rng)
    if rng.uniform() < 0.1:
        view = np.repeat(view.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    if rng.uniform() < 0.2:
        view = np.asarray(cv2.GaussianBlur(view, (0, 0), rng.uniform(0.5, 2)), np.uint8)
    if rng.uniform() < 0.2:
        quality = int(rng.integers(20, 80))
        packed = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        view = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return Example(view, drawn.places, drawn.truth)
