"""An open file with a position of one's own in it: as many readers of one descriptor as one likes."""

import io
import os
from collections.abc import Callable
from typing import Final

from worker.channel import Channel

# Probing reads in pieces of 32 KB; each would be a round trip, and to an object store a request.
READ_AHEAD_BYTES: Final = 1024 * 1024


class FileView(io.RawIOBase):
    """Reads and writes through a descriptor that somebody else opened, and will close."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.descriptor = descriptor
        self._position = 0

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = max(0, os.fstat(self.descriptor).st_size - self._position)
        data = os.pread(self.descriptor, size, self._position)
        self._position += len(data)
        return data

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # what BufferedReader hands in
        done = os.preadv(self.descriptor, [buffer], self._position)
        self._position += done
        return done

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]  # bytes-like, all the same
        done = os.pwrite(self.descriptor, data, self._position)
        self._position += done
        return done

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = _moved(self._position, offset, whence, lambda: os.fstat(self.descriptor).st_size)
        return self._position

    def tell(self) -> int:
        return self._position

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


class _DistantFile(io.RawIOBase):
    """A file of `size` bytes that the other side of a channel reads for us; number `source` of those it has."""

    def __init__(self, channel: Channel, source: int, size: int) -> None:
        super().__init__()
        self._channel = channel
        self._source = source
        self._size = size
        self._position = 0

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # what BufferedReader hands in
        wanted = max(0, min(len(buffer), self._size - self._position))
        if not wanted:
            return 0
        self._channel.send({"read": [self._source, self._position, wanted]})
        _, data = self._channel.receive(wanted)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = _moved(self._position, offset, whence, lambda: self._size)
        return self._position

    def tell(self) -> int:
        return self._position

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def distant(channel: Channel, source: int, size: int) -> io.BufferedReader:
    """A file that the other side of the channel reads for us, some way ahead."""
    return io.BufferedReader(_DistantFile(channel, source, size), READ_AHEAD_BYTES)


def _moved(position: int, offset: int, whence: int, size: Callable[[], int]) -> int:
    if whence == os.SEEK_CUR:
        offset += position
    elif whence == os.SEEK_END:
        offset += size()
    if offset < 0:
        raise OSError("before the beginning of the file")
    return offset
