"""The parts of an upload: sent to the store itself where it can sign for them, else to the API."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from anyio import to_thread

from storage.errors import MultipartMissingError, ObjectsUnavailableError
from storage.keys import incoming_prefix, part_key
from storage.objects import Objects
from storage.uploads import StoredPart, Upload

if TYPE_CHECKING:
    from storage.signing import S3

# A moment's work for most connections, and a 2 GiB clip is 128 of them.
PART_BYTES: Final = 16 * 1024**2

# S3 takes no more of one object.
MOST_PARTS: Final = 10_000


class Parts(Protocol):
    """Where parts go, and how they become one object. All calls may raise ObjectsUnavailableError."""

    def begin(self, key: str) -> str | None:
        """The store's own id of the upload, if it gives one."""

    def address(self, upload: Upload, number: int, lifetime: timedelta) -> str | None:
        """Where to PUT a part, without a key of ours; None: at the API."""

    async def take(self, upload: Upload, number: int, body: AsyncIterator[bytes]) -> None:
        """Store one part of exactly its length, as it arrives here. What `body` raises comes through.

        Raises MultipartMissingError where the store has dropped the upload.
        """

    def arrived(self, upload: Upload) -> list[StoredPart]:
        """The parts that are there. Raises MultipartMissingError where the store has dropped the upload."""

    def assemble(self, upload: Upload, parts: list[StoredPart], on_chunk: Callable[[], None]) -> str | None:
        """Make the object of its parts; its SHA-256 (hex) where that comes along.

        Once more is no error where it has been made before.
        """

    def remove_parts(self, upload: Upload) -> None:
        """Remove the parts, of which the object has no need any more."""

    def remove(self, upload: Upload) -> None:
        """Remove parts and object."""


def parts_of(objects: Objects) -> Parts:
    return SignedParts(objects, objects.s3) if objects.s3 else OwnParts(objects)


class SignedParts:
    """On S3, a multipart upload: the parts need not pass through us."""

    def __init__(self, objects: Objects, s3: "S3") -> None:
        self._objects = objects
        self._s3 = s3

    def begin(self, key: str) -> str | None:
        return self._s3.begin(key)

    def address(self, upload: Upload, number: int, lifetime: timedelta) -> str | None:
        part = StoredPart(number, upload.bytes_of_part(number))
        return self._s3.sign_part(upload.object_key, upload.multipart_id or "", part, lifetime)

    async def take(self, upload: Upload, number: int, body: AsyncIterator[bytes]) -> None:
        part = StoredPart(number, upload.bytes_of_part(number))
        try:
            await self._s3.put_part(upload.object_key, upload.multipart_id or "", part, body)
        except ObjectsUnavailableError:
            # one that refuses before it has read everything may break off before it has said why
            await to_thread.run_sync(self.arrived, upload)
            raise

    def arrived(self, upload: Upload) -> list[StoredPart]:
        return self._s3.arrived(upload.object_key, upload.multipart_id or "")

    def assemble(self, upload: Upload, parts: list[StoredPart], on_chunk: Callable[[], None]) -> str | None:
        try:
            self._s3.finish(upload.object_key, upload.multipart_id or "", parts)
        except MultipartMissingError:
            if not self._objects.exists(upload.object_key):
                raise
        on_chunk()
        return None

    def remove_parts(self, upload: Upload) -> None:
        if upload.multipart_id:
            self._s3.abort(upload.object_key, upload.multipart_id)

    def remove(self, upload: Upload) -> None:
        self.remove_parts(upload)
        self._objects.delete_prefix(incoming_prefix(upload.id))


class OwnParts:
    """In a folder and on other stores, an object each; they are put together when all are there."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def begin(self, key: str) -> str | None:  # noqa: ARG002 — of the interface
        return None

    def address(self, upload: Upload, number: int, lifetime: timedelta) -> str | None:  # noqa: ARG002
        return None

    async def take(self, upload: Upload, number: int, body: AsyncIterator[bytes]) -> None:
        # what counts is the digest of the whole
        async with self._objects.writer(part_key(upload.id, number), hashes=False) as writer:
            async for chunk in body:
                await writer.write(chunk)

    def arrived(self, upload: Upload) -> list[StoredPart]:
        found = self._objects.list(f"{incoming_prefix(upload.id)}/parts")
        return sorted(
            (StoredPart(int(part.key.rsplit("/", 1)[1]), part.bytes) for part in found),
            key=lambda part: part.number,
        )

    def assemble(self, upload: Upload, parts: list[StoredPart], on_chunk: Callable[[], None]) -> str | None:
        keys = [part_key(upload.id, part.number) for part in parts]
        return self._objects.join(keys, upload.object_key, on_chunk)

    def remove_parts(self, upload: Upload) -> None:
        self._objects.delete_prefix(f"{incoming_prefix(upload.id)}/parts")

    def remove(self, upload: Upload) -> None:
        self._objects.delete_prefix(incoming_prefix(upload.id))


def part_bytes_for(size: int) -> int:
    """How long the parts of a file of so many bytes are: whole MiB, and not too many parts."""
    mebibyte = 1024**2
    return max(PART_BYTES, -(-size // (MOST_PARTS * mebibyte)) * mebibyte)
