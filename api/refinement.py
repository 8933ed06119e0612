"""POST /v1/jobs/{id}/refine: a job that corrects another, and goes on from what that has learnt."""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from api import idempotency, json_body, named_files
from api.dependencies import Given, Services
from api.errors import conflict, gone, unprocessable
from api.jobs import existing_job, view
from api.new_jobs import Asked, looked_at
from api.openapi import PROBLEMS, REFINEMENT
from api.options import changed, parse_changes
from api.schemas import JobOut, RefineIn
from api.security import Authenticated, Caller
from api.submission import Accepted, Submission, begun
from api.uploads import Received, Receiver, check_mask_count
from storage.jobs import Job, Status, StoredFile
from storage.keys import moved


@dataclass(frozen=True)
class Sent:
    """What came: masks, and the options that are to change."""

    received: Received
    changes: dict[str, Any]

    def fingerprint(self, job_id: str) -> str:
        """As `idempotency.fingerprint`, of the correction of a job."""
        masks = [self.received.masks[frame] for frame in sorted(self.received.masks)]
        return idempotency.fingerprint_of_correction(job_id, masks, self.changes)


router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.post(
    "/{job_id}/refine",
    status_code=HTTPStatus.ACCEPTED,
    response_model=JobOut,
    openapi_extra=REFINEMENT,
    responses={status: PROBLEMS[status] for status in (400, 404, 409, 410, 413, 422)},
)
async def refine_job(
    job_id: str, request: Request, response: Response, given: Given, caller: Authenticated
) -> dict[str, Any]:
    """Correct a job that has succeeded: send the right masks of frames that it has wrong.

    The new job has the clip and the masks of this one, with those that you send in the place of its own for the same
    frames, and goes on from the network that this one has fine-tuned. Options that you do not name are this one's.
    """
    accepted = await _accept(job_id, request, given, caller)
    response.headers["Location"] = f"/v1/jobs/{accepted.job.id}"
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return await run_in_threadpool(view, accepted.job, request, given)


async def _accept(job_id: str, request: Request, given: Services, caller: Caller) -> Accepted:
    async with begun(request, given, caller) as submission:
        if submission.known:
            # the job that it refines may have been deleted since
            sent = await _receive(submission)
            return await submission.replay(submission.known, sent.fingerprint(job_id))
        before = await run_in_threadpool(_refinable, job_id, given, caller)
        sent = await _receive(submission)
        video, masks = _files(submission, before, sent.received)
        options = changed(before.options, sent.changes, given.settings.max_deadline_seconds)
        job = await looked_at(submission, Asked(video, masks, options, before), sent.received)
        if job.objects < before.objects:
            raise _object_missing(before)
        return await submission.store(job, sent.fingerprint(job_id))


def _refinable(job_id: str, given: Services, caller: Caller) -> Job:
    job = existing_job(job_id, given, caller)
    if job.expired_at is not None:
        raise gone("result_expired", "The job's files have expired. Submit the clip and masks as a new job.")
    if job.status is not Status.SUCCEEDED:
        detail = f"The job is {job.status.value}; it can be refined once it has succeeded."
        raise conflict("job_not_succeeded", detail)
    return job


async def _receive(submission: Submission) -> Sent:
    if json_body.is_json(submission.request):
        asked = await named_files.body_of(submission.request, RefineIn)
        received = await run_in_threadpool(named_files.resolve_corrections, submission, asked)
    else:
        received = await Receiver(submission, corrects=True).receive()
    if not received.masks:
        detail = (
            "Send the right mask of at least one frame in the form field `mask_N` (N: its number from 0)."
        )
        raise unprocessable("mask_missing", detail)
    return Sent(received, parse_changes(received.options, submission.given.settings.max_deadline_seconds))


def _files(
    submission: Submission, before: Job, received: Received
) -> tuple[StoredFile, tuple[StoredFile, ...]]:
    """The new job's clip and masks; those of the job before are to be copied."""
    kept = [mask for mask in before.masks if (mask.frame or 0) not in received.masks]
    check_mask_count(len(kept) + len(received.masks), submission.given.settings)
    video, *others = (_copied(file, submission, received) for file in (before.video, *kept))
    masks = sorted([*others, *received.masks.values()], key=lambda mask: mask.frame or 0)
    return video, tuple(masks)


def _copied(file: StoredFile, submission: Submission, received: Received) -> StoredFile:
    copy = replace(file, key=moved(file, submission.job_id))
    received.copies[copy.key] = file.key
    return copy


def _object_missing(before: Job) -> Exception:
    detail = (
        f"The job has {before.objects} objects, and with these corrections not every one is in a mask any more. "
        "Show each in one of them, or submit a new job without it."
    )
    return unprocessable("mask_object_missing", detail)
