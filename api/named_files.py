"""A submission as JSON: the files of a new job are uploads that came before."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from anyio import CapacityLimiter
from fastapi import Request
from pydantic import ValidationError

from api import completion, json_body, transfers
from api.dependencies import Services
from api.errors import bad_request, conflict, sentence, too_large, unprocessable
from api.schemas import JobIn
from api.security import Caller
from api.uploads import MAX_OPTIONS_BYTES, Received
from api.waiting import to_its_end, while_waiting
from storage import uploads
from storage.errors import ObjectMissingError
from storage.jobs import StoredFile
from storage.keys import upload_key
from storage.uploads import UploadStatus

# the ids of a thousand masks, besides the options
MAX_BODY_BYTES = 2 * MAX_OPTIONS_BYTES

# A store may take minutes for large files: more at once than one owner may send, and fewer than there are threads.
_copies = CapacityLimiter(16)


async def body_of(request: Request) -> JobIn:
    """What the request asks for. Raises ApiError."""
    body = await json_body.read(request, MAX_BODY_BYTES)
    try:
        return JobIn.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False)
        if any(one["type"] == "json_invalid" for one in found):
            raise bad_request("body_malformed", "The body is not JSON. See /docs for its form.") from error
        code = "options_invalid" if found[0]["loc"][:1] == ("options",) else "request_invalid"
        raise unprocessable(code, f"The job cannot be made: {sentence(list(found))}.") from error


def resolve(given: Services, caller: Caller, asked: JobIn, job_id: str) -> Received:
    """The uploads that are named, as files that the job will have. Raises ApiError. Nothing is copied yet."""
    masks = _masks_of(given, asked)
    received = Received(options=asked.options.model_dump_json(exclude_unset=True))
    received.video = _named(given, caller, asked.video, job_id, None, received)
    for frame, upload_id in masks.items():
        received.masks[frame] = _named(given, caller, upload_id, job_id, frame, received)
    return received


async def copy(given: Services, received: Received, on_wait: Callable[[], Awaitable[None]]) -> None:
    """Give the job files of its own, made by the store itself, so that nothing done to an upload hurts it.

    `on_wait` is called every few seconds meanwhile.
    """
    if received.has_expired:
        raise completion.expired()
    await while_waiting(to_its_end(partial(_copy, given, received.copies), _copies), on_wait)


def _copy(given: Services, copies: Mapping[str, str]) -> None:
    for target, source in copies.items():
        try:
            given.objects.copy(source, target)
        except ObjectMissingError as error:
            raise completion.expired() from error


def _masks_of(given: Services, asked: JobIn) -> Mapping[int, str]:
    further = {int(frame): upload_id for frame, upload_id in asked.masks.items()}
    if 0 in further or len(further) < len(asked.masks):
        detail = "A frame was given two masks (`mask` is that of frame 0). Name one for each."
        raise unprocessable("field_repeated", detail)
    if len(further) + 1 > given.settings.max_masks:
        detail = f"A job takes at most {given.settings.max_masks} masks; leave some out."
        raise unprocessable("too_many_masks", detail)
    return {0: asked.mask, **further}


def _named(
    given: Services, caller: Caller, upload_id: str, job_id: str, frame: int | None, received: Received
) -> StoredFile:
    upload = uploads.get(given.database, caller.owner, upload_id)
    if upload is None:
        raise transfers.not_there()
    if upload.sha256 is None:
        if upload.status is UploadStatus.EXPIRED:
            raise completion.expired()
        detail = (
            f"The upload {upload.id} is not complete. Send its parts, and POST /v1/uploads/{{id}}/complete."
        )
        raise conflict("upload_incomplete", detail)
    if frame is not None and upload.bytes > given.settings.max_mask_bytes:
        most = given.settings.max_mask_bytes
        detail = f"The mask of frame {frame} may have at most {most:,} bytes. Save it as PNG."
        raise too_large("mask_too_large", detail)
    # a request that is sent again is answered though its uploads are gone: by their digests it is known
    received.has_expired |= transfers.has_expired(given, upload)
    key = upload_key(job_id, "video" if frame is None else f"mask_{frame:05d}")
    received.copies[key] = upload.object_key
    return StoredFile(key, upload.bytes, upload.sha256, upload.filename, frame)
