"""Begins uploads, finds them again, and tells where their parts go."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from api import completion
from api.dependencies import Services
from api.errors import ApiError, conflict, not_found, too_large, unprocessable
from api.limits import allowance_of
from api.security import Caller
from storage import uploads, usage
from storage.errors import LimitReachedError, MultipartMissingError
from storage.keys import incoming_key
from storage.parts import part_bytes_for, parts_of
from storage.uploads import StoredPart, Upload, UploadStatus
from storage.usage import Allowance

log = structlog.get_logger(__name__)

# A store looks at it when a part begins; who comes later asks again. Until then it takes its part any number of times.
SIGNED_FOR = timedelta(minutes=30)


@dataclass(frozen=True)
class Asked:
    """What a caller wants to send."""

    filename: str
    bytes: int
    idempotency_key: str | None


def begin(given: Services, caller: Caller, asked: Asked) -> tuple[Upload, bool]:
    """The new upload, and True; or the one that the same idempotency key has begun, and False."""
    settings = given.settings
    if asked.bytes > settings.max_video_bytes:
        detail = f"A file may have at most {settings.max_video_bytes:,} bytes. Cut or compress it."
        raise too_large("upload_too_large", detail)
    if known := _known(given, caller, asked):
        return known, False
    allowance = Allowance()
    if limits := allowance_of(settings, caller):
        allowance = Allowance(stored_bytes=limits.stored_bytes, uploads=settings.max_uploads)
        usage.check(given.database, caller.owner, allowance, asked.bytes)
    room = usage.room(given.database, caller.owner, allowance, asked.bytes)
    upload = _begun(given, caller, asked)
    refusal: Exception = conflict(
        "request_in_progress", "The upload of this Idempotency-Key has just ended. Ask again."
    )
    try:
        if uploads.begin(given.database, upload, room):
            log.info("upload begun", upload_id=upload.id, bytes=upload.bytes)
            return upload, True
    except LimitReachedError as error:
        refusal = error
    parts_of(given.objects).remove(upload)
    # the same request sent twice at once: the other one was first
    if known := _known(given, caller, asked):
        return known, False
    raise refusal


def _known(given: Services, caller: Caller, asked: Asked) -> Upload | None:
    if asked.idempotency_key is None:
        return None
    known = uploads.with_key(given.database, caller.owner, asked.idempotency_key)
    if known and has_expired(given, known):
        completion.remove(given, known)
        return None
    if known and (known.filename, known.bytes) != (asked.filename, asked.bytes):
        detail = "This Idempotency-Key was used for another file. Use a new key for a new upload."
        raise unprocessable("idempotency_key_reused", detail)
    return known


def _begun(given: Services, caller: Caller, asked: Asked) -> Upload:
    upload_id, now = uploads.new_id(), given.database.now()
    key = incoming_key(upload_id)
    return Upload(
        id=upload_id,
        owner=caller.owner,
        filename=asked.filename,
        bytes=asked.bytes,
        part_bytes=part_bytes_for(asked.bytes),
        object_key=key,
        multipart_id=parts_of(given.objects).begin(key),
        idempotency_key=asked.idempotency_key,
        created_at=now,
        expires_at=now + completion.kept(given),
    )


def existing(given: Services, caller: Caller, upload_id: str) -> Upload:
    """The caller's upload. Raises ApiError where there is none (any more)."""
    upload = uploads.get(given.database, caller.owner, upload_id)
    if upload is None:
        raise not_there()
    if has_expired(given, upload):
        raise completion.expired()
    return upload


def not_there() -> ApiError:
    return not_found("upload_not_found", "There is no such upload; POST /v1/uploads begins one.")


def has_expired(given: Services, upload: Upload) -> bool:
    """Whether its time has passed, its objects being removed already or soon."""
    return upload.status is UploadStatus.EXPIRED or upload.expires_at <= given.database.now()


def arrived(given: Services, upload: Upload) -> list[StoredPart]:
    """The parts of an open upload that are there."""
    try:
        return parts_of(given.objects).arrived(upload)
    except MultipartMissingError:
        return []  # it is being completed just now, or the store has dropped it, which completing it will tell


def addresses(
    given: Services, upload: Upload, first: int, count: int, *, signed: bool = True
) -> list[tuple[int, str | None]]:
    """Number and signed address of parts from `first` on; no address where they are to go to the API."""
    if upload.status is UploadStatus.COMPLETE:
        raise completion.completed()
    numbers = range(first, min(first + count, upload.part_count + 1))
    if not signed:
        return [(number, None) for number in numbers]
    lifetime = min(SIGNED_FOR, upload.expires_at - given.database.now())
    parts = parts_of(given.objects)
    return [(number, parts.address(upload, number, lifetime)) for number in numbers]
