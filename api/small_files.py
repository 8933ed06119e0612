"""Copies of a submission's small files, kept in memory until they have been looked at.

What has just passed through this process need not be fetched again from an object store: with S3 that was two
thirds of what a small submission cost. A confined child reads a copy by its descriptor, like a local file.
"""

import os
import tempfile
from types import TracebackType
from typing import BinaryIO, Final, Self

SMALL_BYTES: Final = 4 * 1024**2
"""Most that the copies of one submission take; files beyond are read back from the store."""


class SmallFiles:
    """The copies of one submission, gone at the end of the block."""

    def __init__(self, most_bytes: int = SMALL_BYTES) -> None:
        self._left = most_bytes
        self._files: dict[str, BinaryIO] = {}

    def begin(self, key: str) -> None:
        """Expect the bytes of a file that will lie in the store under this key."""
        self._files[key] = _in_memory()

    def add(self, key: str, chunk: bytes) -> None:
        """Keep the next bytes of a file, as long as all is small."""
        file = self._files.get(key)
        if file is None:
            return
        self._left -= len(chunk)
        if self._left < 0:
            self._files.pop(key).close()
            self._left = 0  # it was the last: what came before it stays
            return
        file.write(chunk)

    def take(self, key: str) -> BinaryIO | None:
        """The whole file from its start, the caller's to close; None if it was not small."""
        file = self._files.pop(key, None)
        if file is not None:
            file.flush()
            file.seek(0)
        return file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()


def _in_memory() -> BinaryIO:
    """A file that has a descriptor and no name."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("submission", os.MFD_CLOEXEC), "w+b")
    return tempfile.TemporaryFile()  # elsewhere than on Linux
