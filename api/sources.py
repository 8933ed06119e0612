"""Stored files as a confined child gets them: open ones, or such as we read for it."""

import os
from collections.abc import Sequence
from typing import Any, BinaryIO

from worker.channel import ChannelMisusedError

# The child reads ahead by 1 MiB, or asks for what is left of a mask.
MOST_READ_BYTES = 64 * 1024**2


class Sources:
    """Files for a child that has neither network nor credentials."""

    def __init__(self, opened: Sequence[BinaryIO]) -> None:
        self._opened = opened
        self._descriptors = [_descriptor(source) for source in opened]

    @property
    def files(self) -> list[int]:
        """Descriptors that go to the child: of local files."""
        return [number for number in self._descriptors if number is not None]

    def described(self) -> list[dict[str, Any]]:
        """What the child is told of each: which of its `files` it is, or how many `bytes` it may ask for."""
        files = self.files
        return [
            {"bytes": source.seek(0, os.SEEK_END)} if number is None else {"file": files.index(number)}
            for source, number in zip(self._opened, self._descriptors, strict=True)
        ]

    def read(self, source: int, offset: int, size: int) -> bytes:
        """What a child asks for of the file of this number. Raises ChannelMisusedError where that is no part of it."""
        if not (0 <= source < len(self._opened) and offset >= 0 and 0 <= size <= MOST_READ_BYTES):
            raise ChannelMisusedError(f"no part of the upload: {size} bytes at {offset} of source {source}")
        self._opened[source].seek(offset)
        return bytes(self._opened[source].read(size))


def _descriptor(source: BinaryIO) -> int | None:
    """Of a local file; what lies in an object store has none."""
    try:
        return source.fileno()
    except (AttributeError, OSError):
        return None
