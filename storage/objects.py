"""Files in an object store: a local folder, S3, GCS or Azure, by one address (obstore)."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import obstore
from obstore.store import from_url

from storage.errors import ObjectMissingError

# Large enough for S3's least part size (5 MiB), small enough to answer a cancel between two of them.
CHUNK_BYTES = 8 * 1024 * 1024

# Chunks of one upload on their way at once: enough to keep a connection busy, and memory bounded.
UPLOAD_CHUNKS = 2

SIGNED_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class StoredObject:
    """An object's key, size in bytes and last change."""

    key: str
    bytes: int
    changed_at: datetime


class Objects:
    """The object store of one installation. Keys are relative, with `/` between their parts."""

    def __init__(self, address: str) -> None:
        options: dict[str, Any] = {"mkdir": True, "automatic_cleanup": True} if _is_local(address) else {}
        self._store: Any = from_url(address, **options)
        self._folder = Path(address.removeprefix("file://")) if _is_local(address) else None

    def writer(self, key: str) -> "ObjectWriter":
        """An asynchronous writer that hashes what passes; nothing is stored unless it ends well."""
        return ObjectWriter(self._store, key)

    def put_file(self, key: str, path: Path, on_chunk: Callable[[int], None]) -> None:
        """Store a file; `on_chunk(bytes so far)` is called as it goes and may raise to stop it."""
        with path.open("rb") as source:
            obstore.put(self._store, key, _chunks(source, on_chunk), chunk_size=CHUNK_BYTES)

    def fetch(self, key: str, path: Path, on_chunk: Callable[[int], None]) -> None:
        """Copy an object into a file; `on_chunk(bytes so far)` as above."""
        done = 0
        with path.open("wb") as target:
            for chunk in self._get(key).stream(min_chunk_size=CHUNK_BYTES):
                target.write(chunk)
                done += len(chunk)
                on_chunk(done)

    def open(self, key: str) -> BinaryIO:
        """A seekable reader of an object, for those who need only parts of it."""
        if self._folder is not None:
            try:
                return (self._folder / key).open("rb")
            except FileNotFoundError as error:
                raise ObjectMissingError(key) from error
        try:
            reader = obstore.open_reader(self._store, key)
        except FileNotFoundError as error:
            raise ObjectMissingError(key) from error
        return io.BufferedReader(_Reader(reader))

    def copy(self, source: str, target: str) -> None:
        try:
            obstore.copy(self._store, source, target)
        except FileNotFoundError as error:
            raise ObjectMissingError(source) from error

    def exists(self, key: str) -> bool:
        try:
            obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def list(self, prefix: str) -> Iterator[StoredObject]:
        for batch in obstore.list(self._store, prefix):
            for found in batch:
                yield StoredObject(found["path"], found["size"], found["last_modified"])

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are gone already are no error."""
        for key in keys:
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:
                continue

    def delete_prefix(self, prefix: str) -> None:
        """Remove everything under a prefix, with what an upload cut off in a local folder left there."""
        self.delete([found.key for found in self.list(prefix)])
        if self._folder is not None:
            _remove_tree(self._folder, self._folder / prefix)

    def local_path(self, key: str) -> Path | None:
        """The object as a file, where the store is a folder on this machine."""
        if self._folder is None:
            return None
        path = self._folder / key
        if not path.is_file():
            raise ObjectMissingError(key)
        return path

    def sign(self, key: str) -> str:
        """An address from which anybody can read the object for an hour; not for local folders."""
        return obstore.sign(self._store, "GET", key, SIGNED_FOR)

    def staged(self) -> Iterator[tuple[str, datetime]]:
        """Prefix and last change of uploads in progress that the store's own listing does not show."""
        if self._folder is None:
            return
        for path in self._folder.rglob("*#*"):
            changed_at = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
            yield str(path.parent.relative_to(self._folder)), changed_at

    def check(self) -> None:
        """Raise if the store cannot be reached."""
        next(iter(self.list("probe/")), None)

    def _get(self, key: str) -> Any:
        try:
            return obstore.get(self._store, key)
        except FileNotFoundError as error:
            raise ObjectMissingError(key) from error


class _Reader(io.RawIOBase):
    """obstore's reader as Python's own files are: usable in `with`, and giving plain bytes."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
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
    """Streams one object into the store, counting and hashing; memory is constant."""

    def __init__(self, store: Any, key: str) -> None:
        self.key = key
        self.bytes = 0
        self._sha256 = hashlib.sha256()
        self._writer = obstore.open_writer_async(
            store, key, buffer_size=CHUNK_BYTES, max_concurrency=UPLOAD_CHUNKS
        )

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    async def write(self, data: bytes) -> None:
        self.bytes += len(data)
        self._sha256.update(data)
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
        await self._writer.__aexit__(kind, error, traceback)


def file_sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _chunks(source: BinaryIO, on_chunk: Callable[[int], None]) -> Iterable[bytes]:
    done = 0
    while chunk := source.read(CHUNK_BYTES):
        on_chunk(done)
        yield chunk
        done += len(chunk)
    on_chunk(done)


def _remove_tree(root: Path, folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _is_local(address: str) -> bool:
    return address.startswith("file://")
