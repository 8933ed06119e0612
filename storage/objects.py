"""Files in an object store: a local folder, S3, GCS or Azure, by one address (obstore)."""

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import obstore

from storage.bucket import make_bucket
from storage.errors import ObjectMissingError
from storage.stores import COPY_SILENCE, converted, converted_write, is_local, is_s3, open_store
from storage.streams import CHUNK_BYTES, UPLOAD_CHUNKS, BlockingWriter, ObjectReader, ObjectWriter

if TYPE_CHECKING:
    from storage.signing import S3

SIGNED_FOR = timedelta(hours=1)

# For as long a call is repeated where the store is away or refuses: a worker has time, a caller who waits has less.
PATIENCE = timedelta(seconds=60)


@dataclass(frozen=True)
class StoredObject:
    """An object's key, size in bytes and last change."""

    key: str
    bytes: int
    changed_at: datetime


class Objects:
    """The object store of one installation. Keys are relative, with `/` between their parts.

    Every call may raise ObjectsUnavailableError, after `patience` in vain. `public_url` is how those outside reach an
    S3 store: its host is part of what is signed.
    """

    def __init__(self, address: str, *, public_url: str = "", patience: timedelta = PATIENCE) -> None:
        self._address = address
        self._public_url = public_url
        self._patience = patience
        self._store = open_store(address, patience=patience)
        self._folder = Path(address.removeprefix("file://")) if is_local(address) else None

    @cached_property
    def s3(self) -> "S3 | None":
        """What S3 can beyond obstore, where the store is one."""
        if not is_s3(self._address):
            return None
        # boto3 takes its time and memory, and those who only read and write need neither
        from storage.signing import S3  # noqa: PLC0415

        return S3(self._address, public_url=self._public_url)

    @cached_property
    def _copier(self) -> Any:
        return open_store(self._address, patience=self._patience, silence=COPY_SILENCE)

    @cached_property
    def _impatient(self) -> Any:
        return open_store(self._address, patience=timedelta(0), silence=timedelta(seconds=3))

    def prepare(self) -> bool:
        """Make the bucket if it is missing, and let browsers in; whether it was made. Safe to call again."""
        made = make_bucket(self._address)
        if self.s3 is not None:
            self.s3.let_browsers_in()
        return made

    def writer(self, key: str, *, hashes: bool = True) -> ObjectWriter:
        """An asynchronous writer that hashes what passes; nothing is stored unless it ends well."""
        return ObjectWriter(self._store, key, hashes=hashes)

    def put_file(self, key: str, path: Path, on_chunk: Callable[[int], None]) -> None:
        """Store a file; `on_chunk(bytes so far)` is called as it goes and may raise to stop it."""
        if path.stat().st_size <= CHUNK_BYTES:
            on_chunk(0)
            with converted_write(key):
                # one request in place of three, and nothing unfinished wherever it is cut off
                obstore.put(self._store, key, path.read_bytes(), use_multipart=False)
            return
        with path.open("rb") as source, converted_write(key):
            chunks = _chunks(source, on_chunk)
            obstore.put(self._store, key, chunks, chunk_size=CHUNK_BYTES, max_concurrency=UPLOAD_CHUNKS)

    def put_once(self, key: str, content: bytes) -> None:
        """Store a few bytes that are not worth waiting for: tried once, and given up after seconds of silence."""
        with converted_write(key):
            obstore.put(self._impatient, key, content, use_multipart=False)

    def join(self, parts: Iterable[str], key: str, on_chunk: Callable[[], None]) -> str:
        """Make one object of several, in order; its SHA-256 (hex). The parts stay."""
        with BlockingWriter(self._store, key) as writer:
            for part in parts:
                for chunk in self.read(part):
                    writer.write(chunk)
                    on_chunk()
        return writer.sha256

    def fetch(self, key: str, path: Path, on_chunk: Callable[[int], None]) -> None:
        """Copy an object into a file; `on_chunk(bytes so far)` as above."""
        done = 0
        with path.open("wb") as target:
            for chunk in self.read(key):
                target.write(chunk)
                done += len(chunk)
                on_chunk(done)

    def read(self, key: str) -> Iterator[bytes]:
        """An object's content, in chunks."""
        with converted(key):
            yield from obstore.get(self._store, key).stream(min_chunk_size=CHUNK_BYTES)

    def part(self, key: str, start: int, size: int) -> bytes:
        """So many bytes of an object from `start` on, in one request; fewer where it ends before."""
        with converted(key):
            return bytes(obstore.get_range(self._store, key, start=start, length=size))

    def chunks(self, key: str, begin: int, end: int, chunk_bytes: int) -> Iterator[bytes]:
        """The bytes from `begin` up to `end`, as they come. Raises ObjectMissingError at once where there is none."""
        with converted(key):
            found = obstore.get(self._store, key, options={"range": (begin, end)})
        return _passed_on(found.stream(min_chunk_size=chunk_bytes), key)

    def sha256(self, key: str, on_chunk: Callable[[], None]) -> str:
        """The digest (hex) of an object, which is read for it; memory is constant."""
        digest = hashlib.sha256()
        for chunk in self.read(key):
            digest.update(chunk)
            on_chunk()
        return digest.hexdigest()

    def open(self, key: str) -> BinaryIO:
        """A seekable reader of an object, for those who need only parts of it."""
        if self._folder is not None:
            try:
                return (self._folder / key).open("rb")
            except FileNotFoundError as error:
                raise ObjectMissingError(key) from error
        return io.BufferedReader(ObjectReader(self._store, key))

    def copy(self, source: str, target: str) -> None:
        with converted(source):
            obstore.copy(self._copier, source, target)

    def exists(self, key: str) -> bool:
        return self.size(key) is not None

    def size(self, key: str) -> int | None:
        """An object's bytes; None where there is no such object."""
        try:
            with converted(key):
                return obstore.head(self._store, key)["size"]
        except ObjectMissingError:
            return None

    def list(self, prefix: str) -> Iterator[StoredObject]:
        with converted(prefix):
            for batch in obstore.list(self._store, prefix):
                for found in batch:
                    yield StoredObject(found["path"], found["size"], found["last_modified"])

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are gone already are no error."""
        if is_s3(self._address):
            with converted():
                obstore.delete(self._store, keys)  # a thousand a request
            return
        for key in keys:
            with suppress(ObjectMissingError), converted(key):
                obstore.delete(self._store, key)

    def delete_prefix(self, prefix: str) -> None:
        """Remove everything under a prefix, with what an upload cut off in a local folder left there."""
        if keys := [found.key for found in self.list(prefix)]:
            self.delete(keys)
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

    def sign(self, key: str, *, method: str = "GET", name: str = "", media_type: str = "") -> str:
        """An address from which anybody can read the object for an hour; not for local folders.

        Where the store is S3, its answer carries `name` and `media_type`.
        """
        if self.s3 is not None:
            return self.s3.sign_read(key, SIGNED_FOR, method=method, name=name, media_type=media_type)
        return obstore.sign(self._store, "HEAD" if method == "HEAD" else "GET", key, SIGNED_FOR)

    def staged(self) -> Iterator[StoredObject]:
        """Half-written files of a local folder, named `key#N`, which the store's own listing does not show."""
        if self._folder is None:
            return
        # os.walk passes over folders that vanish meanwhile, as rglob does not
        for place, _, names in os.walk(self._folder):
            for name in names:
                path = Path(place, name)
                if "#" in name and (found := _stat(path)):
                    changed_at = datetime.fromtimestamp(found.st_mtime, UTC)
                    yield StoredObject(str(path.relative_to(self._folder)), found.st_size, changed_at)

    def remove_unfinished(
        self, before: datetime, kept: Callable[[str], bool] = lambda _key: False
    ) -> Sequence[str]:
        """Remove what was begun and has not been touched since, but for uploads in parts of keys that are `kept`.

        The keys. Killed processes leave it: staged files in a folder, multipart uploads on S3.
        """
        if self.s3 is not None:
            removed = []
            for key, upload_id in self.s3.unfinished(before, kept):
                self.s3.abort(key, upload_id)
                removed.append(key)
            return removed
        staged = [found.key for found in self.staged() if found.changed_at <= before]
        for key in staged:
            if self._folder is not None:
                (self._folder / key).unlink(missing_ok=True)
        return staged

    def check(self) -> None:
        """Raise, within seconds, if the store cannot be reached."""
        with converted():
            next(iter(obstore.list(self._impatient, "probe/")), None)


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


def _passed_on(stream: Iterable[Any], key: str) -> Iterator[bytes]:
    with converted(key):
        for chunk in stream:
            yield bytes(chunk)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _remove_tree(root: Path, folder: Path) -> None:
    """Remove a folder and those above it that are empty then; another process may be doing the same."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            Path(place, name).unlink(missing_ok=True)
        with suppress(OSError):
            Path(place).rmdir()
    while folder != root:
        folder = folder.parent
        if folder == root:
            return
        with suppress(OSError):
            folder.rmdir()
