"""Pictures of a job while it runs: what its worker has stored of the frames it has segmented."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from api.dependencies import Given, Services
from api.errors import ApiError, not_found
from api.jobs import Existing
from api.openapi import PROBLEMS
from storage.errors import ObjectMissingError
from storage.jobs import Job, Status
from storage.keys import live_key, live_prefix

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

# As many as a worker stores of one job (worker/live.py).
MOST_FRAMES: Final = 500

# Another attempt makes other pictures of the same frames.
HEADERS: Final = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}

MOST = 2**31 - 1


class PreviewsOut(BaseModel):
    """The frames of which there are pictures."""

    frames: list[int] = Field(description="Their numbers, in order.")


@router.get("/{job_id}/previews", response_model=PreviewsOut, responses={404: PROBLEMS[404]})
def list_previews(
    job: Existing,
    given: Given,
    after: Annotated[
        int, Query(ge=-1, le=MOST, description="Only frames after this one: the last that you have.")
    ] = -1,
) -> dict[str, Any]:
    """The frames of a running job of which there are pictures yet, at most 500; none when it does not run."""
    frames = sorted(frame for frame in _frames(given, job) if frame > after)
    return {"frames": frames[:MOST_FRAMES]}


@router.get(
    "/{job_id}/previews/{number}",
    response_class=Response,
    responses={
        200: {"description": "The frame with its objects tinted.", "content": {"image/jpeg": {}}},
        404: PROBLEMS[404],
    },
)
def fetch_preview(job: Existing, number: Annotated[int, Path(ge=0, le=MOST)], given: Given) -> Response:
    """A frame with its objects tinted, at most 640 pixels wide or high, for as long as the job runs."""
    if job.status is not Status.RUNNING:
        raise _missing()
    try:
        picture = b"".join(given.objects.read(live_key(job.id, job.attempt, number)))
    except ObjectMissingError as error:
        raise _missing() from error
    return Response(picture, media_type="image/jpeg", headers=HEADERS)


def _frames(given: Services, job: Job) -> list[int]:
    """Those of the attempt that runs: what another has left shows what is being done no more."""
    if job.status is not Status.RUNNING:
        return []
    names = (found.key.rsplit("/", 1)[1] for found in given.objects.list(live_prefix(job.id, job.attempt)))
    return [int(name.removesuffix(".jpg")) for name in names]


def _missing() -> ApiError:
    return not_found(
        "preview_not_found",
        "There is no picture of this frame, or no longer: they are there while the job runs. "
        "GET /v1/jobs/{id}/previews lists those there are; the results show all frames once it has succeeded.",
    )
