"""Whose number an object has that somebody drew over what a job had found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from worker.errors import InputError
from worker.masks.colours import MAX_OBJECTS, SAME_COLOR, Color

Drawn = tuple[Sequence[int], Sequence[Color]]
"""The numbers of a mask's objects, and their colours."""


class KnownObjects:
    """The objects of the masks that were sent first, by number and by colour. Others in a correction are new."""

    def __init__(self, sent: Iterable[Drawn], *, numbered: bool) -> None:
        self._colors: dict[int, Color] = {}
        for numbers, colors in sent:
            self._colors |= dict(zip(numbers, colors, strict=True)) | self._colors
        self._by_index = {number: number for number in self._colors}
        self._is_single = len(self._colors) == 1
        self._numbered = numbered

    def expect(self, corrections: Iterable[tuple[Sequence[Color], Sequence[int] | None]]) -> None:
        """Number the new objects of all corrections by their indices: so they have the numbers that an earlier job
        gave them, whichever frame the next one was added in. Raises InputError `mask_too_many_objects`.
        """
        new: dict[int, Color] = {}
        for colors, indices in corrections:
            if indices is not None and not self._is_the_one(colors, indices):
                new = dict(zip(indices, colors, strict=True)) | new
        for index in sorted(new.keys() - self._by_index.keys()):
            self._new(new[index], index)

    def numbers_of(self, colors: Sequence[Color], indices: Sequence[int] | None) -> list[int]:
        """The number of each object of a correction, from its colour or its index in the picture.

        Raises InputError `masks_differ` where it has colours and the masks before had numbers, `mask_too_many_objects`.
        """
        if self._is_the_one(colors, indices):
            return [1]
        if indices is not None:
            pairs = zip(indices, colors, strict=True)
            return [self._by_index.get(index) or self._new(color, index) for index, color in pairs]
        if self._numbered and colors:
            raise InputError(
                "masks_differ",
                "The job's masks number their objects and this one colours them: number them as in masks.zip.",
            )
        return [self._like(color) or self._new(color) for color in colors]

    def _is_the_one(self, colors: Sequence[Color], indices: Sequence[int] | None) -> bool:
        """Whether it is black and white, where there is one object to be meant."""
        if not self._is_single or len(colors) != 1 or len(set(colors[0])) != 1:
            return False
        return indices is None or indices[0] > MAX_OBJECTS

    def _like(self, color: Color) -> int | None:
        for number, known in self._colors.items():
            if max(abs(a - b) for a, b in zip(color, known, strict=True)) <= SAME_COLOR:
                return number
        return None

    def _new(self, color: Color, index: int | None = None) -> int:
        number = len(self._colors) + 1
        if number > MAX_OBJECTS:
            detail = f"With the corrections there are more than {MAX_OBJECTS} objects; send the others in another job."
            raise InputError("mask_too_many_objects", detail)
        self._colors[number] = color
        if index is not None:
            self._by_index[index] = number
        return number
