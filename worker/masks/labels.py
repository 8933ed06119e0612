"""From the masks that came with a job to labels whose numbers mean the same object in every frame."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from worker.errors import InputError
from worker.masks.colours import MAX_OBJECTS, SAME_COLOR, Color, Drawing, NotAMaskError, split
from worker.masks.corrections import KnownObjects
from worker.masks.picture import Picture, read_picture

Bytes = npt.NDArray[np.uint8]

VOID = (254, 255)
"""DAVIS and Pascal VOC mark pixels that count for nothing with these indices."""


def read_masks(
    masks: Mapping[int, bytes], size: tuple[int, int], corrections: Collection[int] = ()
) -> tuple[dict[int, Bytes], int]:
    """Labels of each annotated frame, and the number K of objects.

    `masks` maps frame numbers to picture files of `size` (width, height). Labels are (H,W) uint8: 0 is
    background, 1..K the objects, ordered by index or by brightness and the same in every frame. Objects are
    told apart by palette index (0 is background; so is the one black entry), by small grey levels (0, 1, 2),
    or else by colour. The earliest mask must show an object; a later one may be empty: the object is gone.

    The masks of the frames in `corrections` were drawn over labels that the others had led to: their numbers, where
    they have any, are those of the labels, and higher ones are new objects.

    Raises InputError `mask_missing`, `mask_unreadable`, `mask_too_large`, `mask_wrong_size`,
    `mask_not_a_mask`, `mask_empty`, `mask_full`, `mask_too_many_objects`, `masks_differ`.
    """
    if not masks:
        raise InputError("mask_missing", "Upload the mask of the first frame in the field `mask`.")
    read = {frame: _read(masks[frame], size, field(frame)) for frame in sorted(masks)}
    first = min(read)
    if not read[first].labels.any():
        raise InputError("mask_empty", f"{field(first)} is empty. Paint the object white on black.")
    numbers = _numbering_with(corrections, read)
    count = max(number for table in numbers.values() for number in table.tolist())
    if count > MAX_OBJECTS:
        raise _too_many(count, "together the masks")
    return {frame: numbers[frame][mask.labels] for frame, mask in read.items()}, count


def field(frame: int) -> str:
    """The form field in which a frame's mask came, as messages name it."""
    return "mask" if frame == 0 else f"mask_{frame}"


@dataclass(frozen=True)
class _Mask:
    """One mask: local labels, and what identifies each of its objects elsewhere."""

    labels: Bytes
    colors: tuple[Color, ...]
    indices: tuple[int, ...] | None = None

    @property
    def is_grey(self) -> bool:
        return all(r == g == b for r, g, b in self.colors)


def _read(data: bytes, size: tuple[int, int], name: str) -> _Mask:
    picture = read_picture(data, size, name)
    try:
        mask = _by_index(picture) or _by_color(picture)
    except NotAMaskError as error:
        raise InputError(
            "mask_not_a_mask",
            f"{name} is a photograph or drawing, not a mask. Paint each object in one flat colour on black.",
        ) from error
    if len(mask.colors) > MAX_OBJECTS:
        raise _too_many(len(mask.colors), name)
    if mask.labels.all():
        raise InputError("mask_full", f"{name} covers the whole picture. Leave the background black.")
    return mask


def _too_many(count: int, name: str) -> InputError:
    return InputError(
        "mask_too_many_objects",
        f"{name} has {'more than ' if count > MAX_OBJECTS + 1 else ''}{min(count, MAX_OBJECTS + 1)} objects; "
        f"at most {MAX_OBJECTS} can be followed at once. Send the others in another job.",
    )


def _by_index(picture: Picture) -> _Mask | None:
    """The mask read as numbers, or None where its numbers are only shades."""
    if picture.levels is None or picture.lossy:
        return None
    used, counts = np.unique(picture.levels, return_counts=True)
    numbers = dict(zip(used.tolist(), counts.tolist(), strict=True))
    if picture.palette is None:
        if not _small_numbers(numbers):
            return None
        background = {0}
    else:
        if len(numbers) > MAX_OBJECTS + 3 or _is_shaded(picture, numbers):
            return None
        background = _background_entries(picture.palette, numbers)
    objects = [number for number in numbers if number not in background]
    if any(number not in VOID for number in objects):
        objects = [number for number in objects if number not in VOID]
    table = np.zeros(256, np.uint8)
    table[objects] = np.arange(1, len(objects) + 1)
    palette = picture.palette or tuple((i, i, i, 255) for i in range(256))
    return _Mask(table[picture.levels], tuple(palette[i][:3] for i in objects), tuple(objects))


def _small_numbers(numbers: Mapping[int, int]) -> bool:
    """Whether grey levels are labels: 0, 1, 2 ..., perhaps with a little void. 0 and 255 are not."""
    small = [number for number in numbers if number <= MAX_OBJECTS]
    void = sum(numbers.get(number, 0) for number in VOID)
    others = [number for number in numbers if number > MAX_OBJECTS and number not in VOID]
    labeled = sum(numbers[number] for number in small if number > 0)
    return not others and (labeled > void or not void)


def _is_shaded(picture: Picture, numbers: Mapping[int, int]) -> bool:
    """Whether a palette only stores the shades of a soft edge, such as an indexed copy of a grey mask."""
    if picture.palette is None or len(numbers) <= 3:
        return False
    used = [picture.palette[number][:3] for number in numbers]
    return all(r == g == b for r, g, b in used) and max(max(color) for color in used) > MAX_OBJECTS


def _background_entries(
    palette: tuple[tuple[int, int, int, int], ...], numbers: Mapping[int, int]
) -> set[int]:
    transparent = {number for number in numbers if palette[number][3] < 128}
    black = [number for number in numbers if palette[number][:3] == (0, 0, 0) and number not in transparent]
    if transparent:
        return transparent
    return {black[0]} if len(black) == 1 and 0 not in black else {0}


def _by_color(picture: Picture) -> _Mask:
    rgb, inside = _colors(picture)
    if inside is not None and not inside.any():
        return _Mask(np.zeros(inside.shape, np.uint8), ())
    try:
        drawing = split(rgb, inside, lossy=picture.lossy)
    except NotAMaskError:
        if inside is None:
            raise
        # A cut-out photograph on transparency: its outline is the mask.
        drawing = Drawing(inside.astype(np.uint8), ((255, 255, 255),))
    return _Mask(drawing.labels, drawing.colors)


def _colors(picture: Picture) -> tuple[Bytes, npt.NDArray[np.bool_] | None]:
    """(H,W,3) RGB, and where the picture is opaque; None where it is so everywhere."""
    if picture.rgba is not None:
        rgba = picture.rgba
    elif picture.palette is not None:
        rgba = np.array(picture.palette, np.uint8)[picture.levels]
    else:
        return np.repeat(np.asarray(picture.levels, np.uint8)[..., None], 3, axis=2), None
    alpha = rgba[..., 3]
    rgb = np.ascontiguousarray(rgba[..., :3])
    # Half of the strongest: a mask may be painted translucent all over.
    return rgb, None if alpha.min() == 255 else alpha >= max(1, (int(alpha.max()) + 1) // 2)


def _numbering_with(corrections: Collection[int], read: Mapping[int, _Mask]) -> dict[int, Bytes]:
    """As `_numbering`, with the objects of the other masks numbered as if there were no corrections."""
    sent = {frame: mask for frame, mask in read.items() if frame not in corrections}
    if len(sent) == len(read) or not any(mask.colors for mask in sent.values()):
        return _numbering(read)
    tables = _numbering(sent)
    drawn = [mask for mask in sent.values() if mask.colors]
    known = KnownObjects(
        ((tables[frame][1:].tolist(), mask.colors) for frame, mask in sent.items()),
        numbered=all(mask.indices is not None and mask.is_grey for mask in drawn),
    )
    corrected = sorted(read.keys() - sent.keys())
    known.expect((read[frame].colors, read[frame].indices) for frame in corrected)
    for frame in corrected:
        numbers = known.numbers_of(read[frame].colors, read[frame].indices)
        tables[frame] = np.array([0, *numbers], np.uint8)
    return tables


def _numbering(read: Mapping[int, _Mask]) -> dict[int, Bytes]:
    """For each frame a table from its local labels to the numbers that all frames share."""
    drawn = {frame: mask for frame, mask in read.items() if mask.colors}
    if all(mask.indices is not None for mask in drawn.values()):
        return _tables(read, {frame: mask.indices or () for frame, mask in drawn.items()})
    single = all(len(mask.colors) == 1 for mask in drawn.values())
    if single and all(mask.is_grey for mask in drawn.values()):
        return _tables(read, dict.fromkeys(drawn, (1,)))
    if any(mask.indices is not None and mask.is_grey for mask in drawn.values()):
        raise InputError(
            "masks_differ",
            "Some masks number their objects and others colour them. Save all masks in the same way.",
        )
    return _tables(read, _by_likeness(drawn))


def _by_likeness(drawn: Mapping[int, _Mask]) -> dict[int, tuple[int, ...]]:
    """The same colour, give or take what JPEG does to it, is the same object."""
    known = sorted({color for mask in drawn.values() for color in mask.colors}, key=lambda c: (sum(c), c))
    groups: list[Color] = []
    for color in known:
        if not any(_alike(color, group) for group in groups):
            groups.append(color)
    return {
        frame: tuple(
            next(i for i, group in enumerate(groups) if _alike(color, group)) for color in mask.colors
        )
        for frame, mask in drawn.items()
    }


def _alike(one: Color, other: Color) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= SAME_COLOR


def _tables(read: Mapping[int, _Mask], keys: Mapping[int, tuple[int, ...]]) -> dict[int, Bytes]:
    order = sorted({key for frame in keys.values() for key in frame})
    if len(order) > MAX_OBJECTS:
        raise _too_many(len(order), "all masks together")
    number = {key: position for position, key in enumerate(order, 1)}
    return {frame: np.array([0, *(number[key] for key in keys.get(frame, ()))], np.uint8) for frame in read}
