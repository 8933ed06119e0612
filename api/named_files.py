"""A submission as JSON: the files of a new job are uploads that came before."""

from collections.abc import Mapping
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter
from fastapi import Request
from pydantic import BaseModel, ValidationError

from api import completion, json_body, transfers
from api.dependencies import Services
from api.errors import ApiError, bad_request, conflict, gone, sentence, too_large, unprocessable
from api.schemas import JobIn, RefineIn
from api.submission import Submission
from api.uploads import MAX_OPTIONS_BYTES, Received, check_mask_count
from api.waiting import to_its_end, while_waiting
from storage import uploads
from storage.errors import ObjectMissingError
from storage.jobs import StoredFile
from storage.keys import INCOMING, mask_key, upload_key
from storage.uploads import UploadStatus

# the ids of a thousand masks, besides the options
MAX_BODY_BYTES = 2 * MAX_OPTIONS_BYTES

# A store may take minutes for large files: more at once than one owner may send, and fewer than there are threads.
_copies = CapacityLimiter(16)


Model = TypeVar("Model", bound=BaseModel)


async def body_of(request: Request, model: type[Model]) -> Model:
    """What the request asks for. Raises ApiError."""
    body = await json_body.read(request, MAX_BODY_BYTES)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False)
        if any(one["type"] == "json_invalid" for one in found):
            raise bad_request("body_malformed", "The body is not JSON. See /docs for its form.") from error
        code = "options_invalid" if found[0]["loc"][:1] == ("options",) else "request_invalid"
        raise unprocessable(code, f"The job cannot be made: {sentence(list(found))}.") from error


def resolve(submission: Submission, asked: JobIn) -> Received:
    """The uploads that are named, as files that the job will have. Raises ApiError. Nothing is copied yet."""
    masks = _masks_of(asked.masks, submission, first=asked.mask)
    received = Received(options=asked.options.model_dump_json(exclude_unset=True))
    received.video = _named(submission, asked.video, None, upload_key(submission.job_id, "video"), received)
    for frame, upload_id in masks.items():
        key = mask_key(submission.job_id, frame)
        received.masks[frame] = _named(submission, upload_id, frame, key, received)
    return received


def resolve_corrections(submission: Submission, asked: RefineIn) -> Received:
    """As `resolve`, for masks that correct a job."""
    received = Received(options=asked.options.model_dump_json(exclude_unset=True))
    for frame, upload_id in _masks_of(asked.masks, submission).items():
        key = mask_key(submission.job_id, frame, corrects=True)
        received.masks[frame] = _named(submission, upload_id, frame, key, received)
    return received


async def copy(submission: Submission, received: Received) -> None:
    """Give the job files of its own, made by the store itself, so that nothing done to an upload or to another job
    hurts it.
    """
    if received.has_expired:
        raise completion.expired()
    copying = to_its_end(partial(_copy, submission.given, received.copies), _copies)
    await while_waiting(copying, submission.renew)


def _copy(given: Services, copies: Mapping[str, str]) -> None:
    for target, source in copies.items():
        try:
            given.objects.copy(source, target)
        except ObjectMissingError as error:
            raise _source_gone(source) from error


def _source_gone(source: str) -> ApiError:
    if source.startswith(f"{INCOMING}/"):
        return completion.expired()
    return gone("result_expired", "The job's files are gone. Submit the clip and masks as a new job.")


def _masks_of(
    named: Mapping[str, str], submission: Submission, first: str | None = None
) -> Mapping[int, str]:
    masks = {int(frame): upload_id for frame, upload_id in named.items()}
    if (first is not None and 0 in masks) or len(masks) < len(named):
        detail = "A frame was given two masks (`mask` is that of frame 0). Name one for each."
        raise unprocessable("field_repeated", detail)
    masks = masks if first is None else {0: first, **masks}
    check_mask_count(len(masks), submission.given.settings)
    return masks


def _named(
    submission: Submission, upload_id: str, frame: int | None, key: str, received: Received
) -> StoredFile:
    given = submission.given
    upload = uploads.get(given.database, submission.caller.owner, upload_id)
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
    received.copies[key] = upload.object_key
    return StoredFile(key, upload.bytes, upload.sha256, upload.filename, frame)
