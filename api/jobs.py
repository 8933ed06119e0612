"""The calls about jobs: submit, list, show, cancel, delete, and fetch a result."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, RedirectResponse

from api import caching, metrics, streaming
from api.dependencies import Given, Services, base_url
from api.errors import ApiError, conflict, gone, not_found
from api.new_jobs import accept
from api.openapi import PROBLEMS, RESULT_RESPONSES, SUBMISSION
from api.schemas import JobOut, JobPage
from api.security import Authenticated
from storage import jobs, listing, results, submissions, turns
from storage.errors import ObjectMissingError
from storage.jobs import TERMINAL, Job, Status
from storage.keys import RESULTS, UPLOADS, network_object_key
from storage.results import Result
from storage.views import job_view

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

MAX_PAGE = 200

# what no job can have as its id is not asked for: a database may refuse to look for it
JOB_ID = re.compile(r"job_[0-9a-f]{32}")


def existing_job(job_id: str, given: Given, caller: Authenticated) -> Job:
    """The caller's job of this id. Another owner's is no more there than one that never was."""
    job = jobs.get(given.database, job_id) if JOB_ID.fullmatch(job_id) else None
    if job is None or job.owner != caller.owner:
        raise not_found(
            "job_not_found", "There is no such job; it may have been deleted. GET /v1/jobs lists yours."
        )
    return job


Existing = Annotated[Job, Depends(existing_job)]


def view(
    job: Job, request: Request, given: Services, positions: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """The job's public JSON, as of now; `positions` in the queue where they are known already."""
    if positions is None:
        positions = turns.queue_positions(given.database, [job])
    return job_view(
        job,
        results.of(given.database, job.id) if job.status is Status.SUCCEEDED else (),
        base_url=base_url(request, given.settings),
        queue_position=positions.get(job.id),
    )


@router.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    response_model=JobOut,
    openapi_extra=SUBMISSION,
    responses={status: PROBLEMS[status] for status in (400, 404, 409, 410, 413, 422)},
)
async def submit_job(
    request: Request, response: Response, given: Given, caller: Authenticated
) -> dict[str, Any]:
    """Submit a clip and the mask of its first frame.

    The upload is checked before it is accepted. What was accepted is stored and will be done once, whatever
    happens to the processes. A job equal to one that has succeeded is answered with its results at once.
    """
    accepted = await accept(request, given, caller)
    response.headers["Location"] = f"/v1/jobs/{accepted.job.id}"
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return await run_in_threadpool(view, accepted.job, request, given)


@router.get("", response_model=JobPage, responses={422: PROBLEMS[422]})
def list_jobs(
    request: Request,
    given: Given,
    caller: Authenticated,
    status: Annotated[Status | None, Query(description="Only jobs of this status.")] = None,
    search: Annotated[
        str | None,
        Query(
            max_length=200,
            pattern=r"^[^\x00-\x1f\x7f]*$",
            description="Only jobs with all of these words in the file's name or the metadata's values, or with an id "
            "that begins so. Upper and lower case are the same.",
        ),
    ] = None,
    refines: Annotated[
        str | None, Query(pattern=f"^{JOB_ID.pattern}$", description="Only corrections of this job.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[
        str | None, Query(pattern=f"^{JOB_ID.pattern}$", description="`next_cursor` of the last page.")
    ] = None,
) -> dict[str, Any]:
    """Your jobs, newest first."""
    found = listing.page(
        given.database,
        owner=caller.owner,
        status=status,
        search=search,
        refines=refines,
        before=cursor,
        limit=limit + 1,
    )
    page = found[:limit]
    positions = turns.queue_positions(given.database, page)
    return {
        "jobs": [view(job, request, given, positions) for job in page],
        "next_cursor": page[-1].id if len(found) > limit else None,
    }


@router.get("/{job_id}", response_model=JobOut, responses={404: PROBLEMS[404]})
def show_job(job: Existing, request: Request, given: Given) -> dict[str, Any]:
    """A job as it stands."""
    return view(job, request, given)


@router.post("/{job_id}/cancel", response_model=JobOut, responses={s: PROBLEMS[s] for s in (404, 409)})
def cancel_job(job: Existing, request: Request, given: Given) -> dict[str, Any]:
    """Stop a job within 5 seconds, in every stage. Canceling a canceled job changes nothing."""
    after = submissions.cancel(given.database, job.id) or job
    if after.status in TERMINAL and after.status is not Status.CANCELED:
        detail = f"The job has already {after.status.value}; there is nothing left to cancel."
        raise conflict("job_finished", detail)
    if after.status is Status.CANCELED and job.status is Status.QUEUED:
        metrics.CANCELED_WAITING.inc()
    if after.status is Status.CANCELED and after.options.get("webhook"):
        given.send_deliveries_due()
    return view(after, request, given)


@router.delete("/{job_id}", status_code=HTTPStatus.NO_CONTENT, responses={s: PROBLEMS[s] for s in (404, 409)})
def delete_job(job: Existing, given: Given) -> None:
    """Remove a job and everything stored for it. A running job must be canceled first."""
    deleted = submissions.delete(given.database, job.id)
    if deleted is None and jobs.get(given.database, job.id) is not None:
        detail = "The job is running. Cancel it, wait until it is canceled, then delete it."
        raise conflict("job_running", detail)
    for prefix in (UPLOADS, RESULTS):
        given.objects.delete_prefix(f"{prefix}/{job.id}")
    for key in filter(None, (job.network_key, job.starts_from)):
        if not jobs.network_in_use(given.database, key):
            given.objects.delete([network_object_key(key)])


@router.head("/{job_id}/results/{name}", include_in_schema=False)
@router.get(
    "/{job_id}/results/{name}",
    response_class=FileResponse,
    responses=RESULT_RESPONSES | {s: PROBLEMS[s] for s in (404, 409)},
)
def fetch_result(
    job: Existing,
    name: str,
    request: Request,
    given: Given,
    redirect: Annotated[
        bool, Query(description="Whether a signed address will do; `false`: the file itself, from here.")
    ] = True,
) -> Response:
    """A result file, with Range; or a redirect to where the object store serves it."""
    result = result_of(given, job, name)
    try:
        path = given.objects.local_path(result.object_key)
    except ObjectMissingError as error:
        raise _gone() from error
    if path is None and not redirect:
        return _passed_on(given, result, request)
    if path is None:
        signed = given.objects.sign(
            result.object_key, method=request.method, name=result.name, media_type=result.media_type
        )
        # what it leads to changes with the hour
        return RedirectResponse(signed, status_code=307, headers={"Cache-Control": "no-store"})
    headers = streaming.headers_of(result)
    if caching.is_known(request, headers["ETag"]):
        return caching.unchanged(headers)
    return FileResponse(path, headers=headers)


def result_of(given: Services, job: Job, name: str) -> Result:
    """The job's result of this name. Raises ApiError where it has none (any more)."""
    if job.expired_at is not None:
        detail = "The job's results have expired. Submit the clip and mask again."
        raise ApiError(HTTPStatus.GONE, "result_expired", detail)
    if job.status is not Status.SUCCEEDED:
        detail = f"The job is {job.status.value}; results are there once it has succeeded."
        raise conflict("job_not_succeeded", detail)
    result = next((found for found in results.of(given.database, job.id) if found.name == name), None)
    if result is None:
        detail = "The job has no such result; its `results` name those it has."
        raise not_found("result_not_found", detail)
    return result


def _passed_on(given: Services, result: Result, request: Request) -> Response:
    try:
        return streaming.stored(given.objects, result, request)
    except ObjectMissingError as error:
        raise _gone() from error


def _gone() -> ApiError:
    detail = "The result is no longer stored. Submit the clip and mask again."
    return gone("result_gone", detail)
