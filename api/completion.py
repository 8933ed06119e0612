"""Completes an upload: its parts become one object, whose size and digest are then known."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus

import structlog

from api.dependencies import Services
from api.errors import ApiError, conflict, gone, too_large, unprocessable
from storage import uploads
from storage.errors import MultipartMissingError, ObjectMissingError, PartsChangedError
from storage.parts import Parts, parts_of
from storage.uploads import StoredPart, Upload, UploadStatus

log = structlog.get_logger(__name__)

RENEW_EVERY_SECONDS = 20.0

_MOST_NAMED = 20


def expired() -> ApiError:
    return gone("upload_expired", "The upload has expired. Begin a new one with POST /v1/uploads.")


def completed() -> ApiError:
    return conflict("upload_complete", "The upload is complete already: name its id in POST /v1/jobs.")


def completing() -> ApiError:
    detail = (
        "The upload is being completed by another request. Ask for it again until its `status` is `complete`."
    )
    return conflict("upload_completing", detail, {"Retry-After": "2"})


def complete(given: Services, upload: Upload, sha256: str | None) -> Upload:
    """Put the parts together and see whether they are what was declared. Once more changes nothing."""
    held = hold(given, upload)
    if held.status is UploadStatus.COMPLETE:
        return _checked(given, held, sha256)
    parts = parts_of(given.objects)
    try:
        digest = _assembled(given, parts, held, Renewal(given, held).renew_if_due)
    except BaseException:
        with suppress(Exception):
            uploads.release(given.database, held)
        raise
    done = record(given, held, digest)
    parts.remove_parts(held)
    return _checked(given, done, sha256)


def hold(given: Services, upload: Upload) -> Upload:
    """The upload, for this request alone; or the complete one."""
    held = uploads.hold(given.database, upload)
    if held is not None:
        return held
    now = uploads.get(given.database, upload.owner, upload.id)
    if now is None or now.status is UploadStatus.EXPIRED:
        raise expired()
    if now.status is not UploadStatus.COMPLETE:
        raise completing()
    return now


def _assembled(given: Services, parts: Parts, held: Upload, on_chunk: Callable[[], None]) -> str:
    """The SHA-256 (hex) of the object that the parts have become."""
    try:
        return _put_together(given, parts, held, on_chunk)
    except ObjectMissingError as error:
        # removed, or completed by another, while we read
        _discard(given, held)
        raise expired() from error


def _put_together(given: Services, parts: Parts, held: Upload, on_chunk: Callable[[], None]) -> str:
    digest = None
    try:
        found = parts.arrived(held)
        _refuse_oversize(given, held, found)
        _refuse_incomplete(held, found)
        digest = parts.assemble(held, found, on_chunk)
    except PartsChangedError as error:
        detail = "Parts were replaced while they were put together. Send no more, then complete it again."
        raise conflict("upload_incomplete", detail) from error
    except MultipartMissingError as error:
        # an earlier completion got so far and no further, or the store has dropped the parts
        if not given.objects.exists(held.object_key):
            _discard(given, held)
            raise expired() from error
    if given.objects.size(held.object_key) != held.bytes:
        _discard(given, held)
        raise unprocessable("upload_changed", "Parts changed while they were put together. Begin anew.")
    return digest or given.objects.sha256(held.object_key, on_chunk)


def _refuse_oversize(given: Services, held: Upload, found: list[StoredPart]) -> None:
    within = all(
        part.number <= held.part_count and part.bytes <= held.bytes_of_part(part.number) for part in found
    )
    if not within:
        _discard(given, held)
        detail = f"More was sent than the {held.bytes:,} bytes declared; nothing was kept. Begin anew."
        raise too_large("upload_too_large", detail)


def _refuse_incomplete(held: Upload, found: list[StoredPart]) -> None:
    sizes = {part.number: part.bytes for part in found}
    missing = [
        number for number in range(1, held.part_count + 1) if sizes.get(number) != held.bytes_of_part(number)
    ]
    if missing:
        named = ", ".join(map(str, missing[:_MOST_NAMED]))
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        detail = f"These parts are missing or too short: {named}{more}. Send them, then complete it."
        raise conflict("upload_incomplete", detail)


def record(given: Services, held: Upload, digest: str) -> Upload:
    done = uploads.complete(given.database, held, digest, kept(given))
    if done is None:
        # deleted or expired meanwhile, whose objects were removed before ours was there; or taken over by another
        refusal = lost(given, held)
        if refusal.status is HTTPStatus.GONE:
            parts_of(given.objects).remove(held)
        raise refusal
    log.info("upload complete", upload_id=done.id, bytes=done.bytes)
    return done


def lost(given: Services, held: Upload) -> ApiError:
    """What to say where an upload is held no more: it is gone, or another request goes on with it."""
    now = uploads.get(given.database, held.owner, held.id)
    return expired() if now is None or now.status is UploadStatus.EXPIRED else completing()


def _discard(given: Services, held: Upload) -> None:
    """Remove what cannot become a file. Raises ApiError where it is held no more: then it is not ours to remove."""
    if not uploads.delete_held(given.database, held):
        raise lost(given, held)
    parts_of(given.objects).remove(held)


def _checked(given: Services, done: Upload, sha256: str | None) -> Upload:
    if sha256 is not None and sha256 != done.sha256:
        remove(given, done)
        detail = f"What arrived has the SHA-256 {done.sha256}; nothing was kept. Begin anew."
        raise unprocessable("upload_checksum_differs", detail)
    return done


class Renewal:
    """Goes on holding an upload while it is worked on. Raises ApiError where it has been lost."""

    def __init__(self, given: Services, held: Upload) -> None:
        self._given = given
        self._held = held
        self._renewed = time.monotonic()

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self._renewed > RENEW_EVERY_SECONDS

    def renew(self) -> None:
        self._renewed = time.monotonic()
        if not uploads.renew(self._given.database, self._held):
            raise lost(self._given, self._held)

    def renew_if_due(self) -> None:
        if self.is_due:
            self.renew()


def remove(given: Services, upload: Upload) -> None:
    """Abort an upload, or let go of a complete one. Jobs made from it keep their copies."""
    uploads.delete(given.database, upload)
    parts_of(given.objects).remove(upload)


def kept(given: Services) -> timedelta:
    """How long an upload waits."""
    return timedelta(hours=given.settings.upload_kept_hours)
