"""Where the pictures of a clip lie, and in which order they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Table:
    """When the pictures of a clip are shown, in the order in which they are stored, and which are keyframes.

    Some 8 bytes a frame: who asks for many frames of a clip keeps it.
    """

    stamps: npt.NDArray[np.int64]
    """Of each picture, in the stream's ticks."""
    keys: npt.NDArray[np.int64]
    """Places of keyframes in `stamps`, ascending."""

    def to_bytes(self) -> bytes:
        return np.concatenate([[len(self.stamps)], self.stamps, self.keys]).astype("<i8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes | bytearray) -> Self:
        values = np.frombuffer(data, "<i8").astype(np.int64)
        return cls(values[1 : 1 + values[0]], values[1 + values[0] :])

    def __len__(self) -> int:
        return len(self.stamps)

    @cached_property
    def shown(self) -> npt.NDArray[np.int64]:
        """The place of each picture, in the order in which they are shown."""
        return np.argsort(self.stamps, kind="stable")

    @cached_property
    def is_sound(self) -> bool:
        """Whether no two pictures share a time, so that a time names one."""
        return bool((np.diff(self.stamps[self.shown]) > 0).all())

    def place_of(self, stamp: int | None) -> int | None:
        """Where the picture of this time is stored."""
        if stamp is None:
            return None
        rank = self.rank_of(stamp)
        found = rank < len(self) and self.stamps[self.shown[rank]] == stamp
        return int(self.shown[rank]) if found else None

    def rank_of(self, stamp: int) -> int:
        """How many pictures are shown before this time."""
        return int(np.searchsorted(self.stamps, stamp, sorter=self.shown))

    def keys_before(self, number: int) -> list[int]:
        """Places of the keyframes from which frame `number` may be decoded, the nearest first."""
        place = self.shown[number]
        usable = self.keys[(self.keys <= place)]
        return [int(key) for key in usable[self.stamps[usable] <= self.stamps[place]][::-1]]
