"""The calls for single pictures: what a clip is, its frames, and a job's masks."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api import caching, frames, inspection, jobs, upload_routes
from api.dependencies import Given, Services
from api.errors import ApiError, conflict, gone, not_found
from api.inspection import EVERYBODY
from api.masks import mask_of
from api.observation import CLIENT_GONE
from api.openapi import PROBLEMS
from api.security import Authenticated
from api.small_files import SmallFiles
from api.waiting import to_its_end
from storage.errors import ObjectMissingError
from storage.jobs import Job, StoredFile
from storage.uploads import Upload

router = APIRouter(prefix="/v1", tags=["pictures"])

# Of the pictures themselves: raised when the same frame comes to look otherwise.
_VERSION: Final = "1"

MOST_WIDTH: Final = 16_384

Number = Annotated[
    int, Path(ge=0, le=2**31 - 1, description="The frame's number, from 0, as they are shown.")
]
Width = Annotated[
    int | None,
    Query(ge=16, le=MOST_WIDTH, description="Scale the frame down to so many pixels; never up."),
]


def _picture(media_type: str) -> dict[int | str, dict[str, Any]]:
    image = {"schema": {"type": "string", "contentMediaType": media_type}}
    own: dict[int | str, dict[str, Any]] = {
        200: {"description": "The picture.", "content": {media_type: image}},
        304: {"description": "The one that If-None-Match names."},
    }
    return own | {status: PROBLEMS[status] for status in (404, 409, 410)}


def complete_upload(upload: upload_routes.Existing) -> Upload:
    """The caller's upload, whole."""
    if upload.sha256 is None:
        detail = "The upload is not complete. Send its parts, and POST /v1/uploads/{id}/complete."
        raise conflict("upload_incomplete", detail)
    return upload


def kept_job(job: jobs.Existing) -> Job:
    """The caller's job, its files not expired."""
    if job.expired_at is not None:
        detail = "The job's files have expired. Submit the clip and mask again."
        raise ApiError(HTTPStatus.GONE, "result_expired", detail)
    return job


Complete = Annotated[Upload, Depends(complete_upload)]
Kept = Annotated[Job, Depends(kept_job)]


@router.get(
    "/uploads/{upload_id}/clip",
    responses={status: PROBLEMS[status] for status in (404, 409, 410, 422)},
)
async def show_clip(upload: Complete, given: Given, caller: Authenticated) -> dict[str, Any]:
    """What a complete upload is as a clip, as a job's `clip` would say; or 422 with what a job would be refused for."""
    video = StoredFile(upload.object_key, upload.bytes, upload.sha256 or "", upload.filename)
    with SmallFiles() as small:
        try:
            found = await inspection.inspect(given, caller.owner, video, (), small, _wait)
        except ObjectMissingError as error:
            raise _gone() from error
    return found.clip


async def _wait() -> None:
    """Nothing is held that could be lost meanwhile."""


@router.get("/uploads/{upload_id}/frames/{number}", response_class=Response, responses=_picture("image/jpeg"))
async def show_frame_of_upload(
    upload: Complete,
    number: Number,
    request: Request,
    given: Given,
    caller: Authenticated,
    width: Width = None,
) -> Response:
    """A frame of a complete upload, upright and at its own size, as a JPEG."""
    video = StoredFile(upload.object_key, upload.bytes, upload.sha256 or "")
    return await _frame(given, request, caller.owner, video, number, width)


@router.get("/jobs/{job_id}/frames/{number}", response_class=Response, responses=_picture("image/jpeg"))
async def show_frame_of_job(
    job: Kept, number: Number, request: Request, given: Given, caller: Authenticated, width: Width = None
) -> Response:
    """A frame of a job's clip, upright and at its own size, as a JPEG."""
    _check_number(number, job)
    return await _frame(given, request, caller.owner, job.video, number, width)


@router.get("/jobs/{job_id}/masks/{number}", response_class=Response, responses=_picture("image/png"))
def show_mask(job: Kept, number: Number, request: Request, given: Given) -> Response:
    """The mask of a frame, as `masks.zip` has it: an indexed PNG, 0 for background, object k in colour k."""
    result = jobs.result_of(given, job, "masks.zip")
    _check_number(number, job)
    tag = f'"{result.sha256[:32]}-{number}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=31536000, immutable"}
    if caching.is_known(request, tag):
        return caching.unchanged(headers)
    try:
        content = mask_of(given.objects, result, number, int(job.clip["frames"]))
    except ObjectMissingError as error:
        raise _gone() from error
    return _answer(content, "image/png", headers)


async def _frame(
    given: Services, request: Request, owner: str, video: StoredFile, number: int, width: int | None
) -> Response:
    tag = f'"{video.sha256[:32]}-{number}-{width or "full"}-{_VERSION}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=3600"}
    if caching.is_known(request, tag):
        return caching.unchanged(headers)
    if number >= given.settings.max_frames:
        raise _no_frame(number)
    async with given.owner_pictures.hold(owner), given.pictures.hold(EVERYBODY):
        if await request.is_disconnected():  # went on to another frame while this one waited
            return Response(status_code=CLIENT_GONE)
        try:
            picture = await to_its_end(partial(frames.jpeg_of, given, video.key, number, width))
        except ObjectMissingError as error:
            raise _gone() from error
    if picture is None:
        raise _no_frame(number)
    return _answer(picture, "image/jpeg", headers)


def _answer(content: bytes, media_type: str, headers: dict[str, str]) -> Response:
    return Response(content, media_type=media_type, headers=headers | {"X-Content-Type-Options": "nosniff"})


def _check_number(number: int, job: Job) -> None:
    if number >= int(job.clip["frames"]):
        raise _no_frame(number)


def _no_frame(number: int) -> ApiError:
    return not_found("frame_not_found", f"The clip has no frame {number}; the first is 0.")


def _gone() -> ApiError:
    return gone("result_gone", "The file is no longer stored. Send the clip again.")
