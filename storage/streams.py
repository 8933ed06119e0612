"""Objects as streams: written as they arrive, and read from where one likes."""

import hashlib
import io
from types import TracebackType
from typing import Any, Self

import obstore

from storage.stores import converted_stream, converted_write

# Large enough for S3's least part size (5 MiB), small enough to answer a cancel between two of them.
CHUNK_BYTES = 8 * 1024 * 1024

# Chunks of one upload on their way at once: enough to keep a connection busy, and memory bounded.
UPLOAD_CHUNKS = 2


class ObjectReader(io.RawIOBase):
    """obstore's reader as Python's own files are: usable in `with`, and giving plain bytes."""

    def __init__(self, store: Any, key: str) -> None:
        self._key = key
        with converted_stream(key):
            self._reader = obstore.open_reader(store, key)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with converted_stream(self._key):
            data = bytes(self._reader.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position: int = self._reader.seek(offset, whence)
        return position

    def tell(self) -> int:
        position: int = self._reader.tell()
        return position


class ObjectWriter:
    """Streams one object into the store, counting and hashing (unless nobody asks); memory is constant."""

    def __init__(self, store: Any, key: str, *, hashes: bool = True) -> None:
        self.key = key
        self.bytes = 0
        self._hashes = hashes
        self._sha256 = hashlib.sha256()
        self._writer = obstore.open_writer_async(
            store, key, buffer_size=CHUNK_BYTES, max_concurrency=UPLOAD_CHUNKS
        )

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    async def write(self, data: bytes) -> None:
        self.bytes += len(data)
        if self._hashes:
            self._sha256.update(data)
        with converted_write(self.key), converted_stream(self.key):
            await self._writer.write(data)

    async def __aenter__(self) -> Self:
        await self._writer.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with converted_write(self.key), converted_stream(self.key):
            await self._writer.__aexit__(kind, error, traceback)


class BlockingWriter:
    """The same for those who may wait, and read objects meanwhile."""

    def __init__(self, store: Any, key: str) -> None:
        self._key = key
        self._sha256 = hashlib.sha256()
        self._writer = obstore.open_writer(store, key, buffer_size=CHUNK_BYTES, max_concurrency=UPLOAD_CHUNKS)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def write(self, data: bytes) -> None:
        self._sha256.update(data)
        with converted_stream(self._key), converted_write(self._key):
            self._writer.write(data)

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with converted_stream(self._key), converted_write(self._key):
            self._writer.__exit__(kind, error, traceback)
