"""Which colours a drawn mask really has, and which pixels are only the blend or the noise between two."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Color = tuple[int, int, int]

# Twice the most that a DAVIS-2017 sequence has (10). Each object costs one probability map of the frame's
# size, and beyond this a "mask" is nearly always a segmentation of everything, or a photograph.
MAX_OBJECTS = 20

# Two colours this close in every channel are one: JPEG rings by about as much around an edge.
SAME_COLOR = 24

# Shares of a mask's pixels. In a photograph hardly any 3x3 block is of one colour, unless it is overexposed;
# then what is not overexposed is far from the few colours that are.
LEAST_SOLID_SHARE = 0.4
LEAST_COVERED_SHARE = 0.85


@dataclass(frozen=True)
class Drawing:
    """A mask taken apart: `labels` (H,W) uint8, 0 background, i the object whose colour is `colors[i-1]`."""

    labels: Bytes
    colors: tuple[Color, ...]


class NotAMaskError(Exception):
    """The picture has no few flat colours."""


def split(rgb: Bytes, inside: Bools | None, *, lossy: bool) -> Drawing:
    """Take a drawn mask apart by colour. `rgb` is (H,W,3); outside `inside` (H,W) all is background.

    Anti-aliased pixels go to the nearest of the colours next to them, so a soft edge between black and white
    makes no rim of a grey object that stands elsewhere. Background is black; without black, the colour that
    fills most of the border. Raises NotAMaskError for a photograph.
    """
    everything = np.ones(rgb.shape[:2], np.bool_) if inside is None else inside
    packed = _packed(rgb)
    values = np.unique(packed[everything])
    few = len(values) <= MAX_OBJECTS + 1
    solid = (_blocks(packed) if few else _solid(packed)) & everything
    real = _real_colors(
        packed, solid, everything, tolerance=0 if few else 3 if len(values) <= 64 else SAME_COLOR
    )
    nearness = SAME_COLOR if lossy or len(values) > 64 else 0
    if not few:
        _refuse_photographs(rgb, real, solid, everything)
    labels = _snap(rgb, packed, solid, real, nearness)
    return _without_background(labels, real, inside)


def _packed(rgb: Bytes) -> npt.NDArray[np.uint32]:
    """(H,W) one number a colour, 0xRRGGBB."""
    wide = np.zeros((*rgb.shape[:2], 4), np.uint8)
    wide[..., :3] = rgb[..., ::-1]
    return wide.view("<u4")[..., 0].astype(np.uint32, copy=False)


def _unpacked(values: npt.NDArray[np.uint32]) -> npt.NDArray[np.int32]:
    return np.stack([values >> 16, values >> 8 & 255, values & 255], axis=-1).astype(np.int32)


def _solid(packed: npt.NDArray[np.uint32]) -> Bools:
    """Pixels whose eight neighbours have the same colour; the picture's edge counts as more of the same."""
    padded = np.pad(packed, 1, mode="edge")
    rows = (padded[:, 1:-1] == padded[:, :-2]) & (padded[:, 1:-1] == padded[:, 2:])
    columns = (packed == padded[:-2, 1:-1]) & (packed == padded[2:, 1:-1])
    same: Bools = rows[1:-1] & rows[:-2] & rows[2:] & columns
    return same


def _blocks(packed: npt.NDArray[np.uint32]) -> Bools:
    """Pixels in a 2x2 block of one colour: where there are few colours, enough to tell an object from an edge."""
    rows = packed[:-1] == packed[1:]
    corners = rows[:, :-1] & rows[:, 1:] & (packed[:-1, :-1] == packed[:-1, 1:])
    found = np.zeros(packed.shape, np.bool_)
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        found[down : down + corners.shape[0], right : right + corners.shape[1]] |= corners
    # An area's pixels mostly lie in blocks, those of one shade of an edge mostly do not.
    values, where, counts = np.unique(packed, return_inverse=True, return_counts=True)
    in_blocks = np.bincount(where.ravel(), weights=found.ravel(), minlength=len(values))
    mostly: Bools = (in_blocks >= counts / 2)[where].reshape(packed.shape)
    return found & mostly


def _real_colors(
    packed: npt.NDArray[np.uint32], solid: Bools, everything: Bools, *, tolerance: int
) -> npt.NDArray[np.int32]:
    """(K,3) colours that fill areas, the largest first; none within `tolerance` of another."""
    chosen: list[npt.NDArray[np.int32]] = []
    for color in _by_frequency(packed[solid]):
        if len(chosen) > MAX_OBJECTS + 1:
            break
        if all(np.abs(color - other).max() > tolerance for other in chosen):
            chosen.append(color)
    if len(chosen) < 2:  # the object may be too thin to fill a block anywhere
        chosen += _thin_object(packed[everything], chosen)
    return np.array(chosen, dtype=np.int32).reshape(-1, 3)


def _by_frequency(values: npt.NDArray[np.uint32]) -> npt.NDArray[np.int32]:
    colors, counts = np.unique(values, return_counts=True)
    return _unpacked(colors[np.argsort(-counts, kind="stable")])[:4096]


def _thin_object(
    values: npt.NDArray[np.uint32], chosen: list[npt.NDArray[np.int32]]
) -> list[npt.NDArray[np.int32]]:
    colors = _by_frequency(values)
    if not chosen:
        return list(colors[:2])
    distance = np.abs(colors - chosen[0]).max(axis=1)
    far = colors[distance >= max(1, int(distance.max()) * 3 // 4)]
    return list(far[:1]) if distance.max() > 0 else []


def _refuse_photographs(rgb: Bytes, real: npt.NDArray[np.int32], solid: Bools, everything: Bools) -> None:
    pixels = max(1, int(everything.sum()))
    if solid.sum() < LEAST_SOLID_SHARE * pixels:
        raise NotAMaskError
    covered = np.zeros(rgb.shape[:2], np.bool_)
    for color in real[: MAX_OBJECTS + 1]:
        covered |= _near(rgb, color, SAME_COLOR)
    if (covered & everything).sum() < LEAST_COVERED_SHARE * pixels:
        raise NotAMaskError


def _near(rgb: Bytes, color: npt.NDArray[np.int32], distance: int) -> Bools:
    low, high = np.clip(color - distance, 0, 255), np.clip(color + distance, 0, 255)
    return np.asarray(cv2.inRange(rgb, low.astype(np.float64), high.astype(np.float64))) > 0


def _snap(
    rgb: Bytes,
    packed: npt.NDArray[np.uint32],
    solid: Bools,
    real: npt.NDArray[np.int32],
    nearness: int,
) -> npt.NDArray[np.intp]:
    """(H,W) index into `real` for each pixel."""
    labels = np.full(packed.shape, -1, np.intp)
    # Between two colours a pixel is nearer to one; among more, a blend of two may look like a third.
    firm = [_firm(rgb, solid, color, nearness) if len(real) > 2 else _near(rgb, color, 0) for color in real]
    for index, area in enumerate(firm):
        labels[area] = index
    loose = labels < 0
    pixels = rgb[loose].astype(np.int32)
    distances = np.stack([((pixels - color) ** 2).sum(axis=1) for color in real])
    # 9x9: an anti-aliased or ringing edge is at most a JPEG block wide. Far colours come last, not never.
    if len(real) > 2:
        window = np.ones((9, 9), np.uint8)
        beside = np.stack([cv2.dilate(area.astype(np.uint8), window)[loose] for area in firm])
        distances += np.where(beside > 0, 0, 1 << 20)
    labels[loose] = distances.argmin(axis=0)
    return labels


def _firm(rgb: Bytes, solid: Bools, color: npt.NDArray[np.int32], nearness: int) -> Bools:
    """Pixels that have this colour and stand in an area of it; a blend that happens to hit it does not."""
    alike = _near(rgb, color, nearness)
    area = solid & alike
    if not area.any():
        return alike
    grown = cv2.dilate(area.astype(np.uint8), np.ones((3, 3), np.uint8))
    return alike & (grown > 0)


def _without_background(
    labels: npt.NDArray[np.intp], real: npt.NDArray[np.int32], inside: Bools | None
) -> Drawing:
    ground = _background(labels, real, drawn_on_nothing=inside is not None)
    objects = [index for index in range(len(real)) if index != ground and (labels == index).any()]
    numbers = np.zeros(len(real), np.uint8)
    numbers[objects] = np.arange(1, len(objects) + 1)
    found = numbers[labels]
    if inside is not None:
        found = np.where(inside, found, 0).astype(np.uint8)
    return Drawing(found, tuple((int(real[i][0]), int(real[i][1]), int(real[i][2])) for i in objects))


def _background(
    labels: npt.NDArray[np.intp], real: npt.NDArray[np.int32], *, drawn_on_nothing: bool
) -> int | None:
    darkest = int(real.max(axis=1).argmin())
    if real[darkest].max() <= SAME_COLOR and not (drawn_on_nothing and len(real) == 1):
        return darkest
    if drawn_on_nothing or len(real) == 1:
        return None
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return int(np.bincount(border, minlength=len(real)).argmax())
