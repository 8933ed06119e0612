"""A job's life as server-sent events, resumable by Last-Event-ID."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.dependencies import Given, Services
from api.errors import bad_request
from api.jobs import Existing, view
from api.openapi import PROBLEMS
from api.security import Authenticated
from storage import events, jobs
from storage.events import Event
from storage.jobs import TERMINAL

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

# of an event; more digits would be none of ours
NUMBER = re.compile(r"[0-9]{1,18}")

POLL_SECONDS = 0.5
# Then the follower connects anew, and shows its key again.
LONGEST_SECONDS = 900.0

RECONNECT_MILLISECONDS = 2000


def last_seen(
    last_event_id: Annotated[str | None, Header(description="The last `id` you saw.")] = None,
) -> int | None:
    """The number in a Last-Event-ID header; None without one. A dependency, since a stream cannot refuse."""
    if last_event_id is None or not last_event_id.strip():
        return None
    if not NUMBER.fullmatch(last_event_id.strip()):
        raise bad_request("last_event_id_malformed", "Last-Event-ID is the `id` of an event of this stream.")
    return min(int(last_event_id.strip()), 2**31 - 1)


async def stream_slot(given: Given, caller: Authenticated) -> AsyncIterator[None]:
    """One of the caller's event streams, until it ends."""
    async with given.streams.hold(caller.owner):
        yield


LastSeen = Annotated[int | None, Depends(last_seen)]


@router.get(
    "/{job_id}/events",
    response_class=EventSourceResponse,
    dependencies=[Depends(stream_slot)],
    responses={status: PROBLEMS[status] for status in (400, 404)},
)
async def follow_job(
    job: Existing,
    request: Request,
    given: Given,
    number: LastSeen,
) -> AsyncIterator[ServerSentEvent]:
    """The job's changes as they happen, from the newest on, or from after `Last-Event-ID`.

    `event` is job.queued, job.running, job.progress, job.succeeded, job.failed or job.canceled; `data` is
    the job. The stream ends with the job.
    """
    seen = job.events - 1 if number is None else number
    begun = time.monotonic()
    while time.monotonic() - begun < LONGEST_SECONDS:
        found = await run_in_threadpool(_views_after, given, request, job.id, seen)
        if found is None:
            return
        for event, data in found:
            seen = event.number
            yield ServerSentEvent(
                raw_data=json.dumps(data), event=event.type, id=str(seen), retry=RECONNECT_MILLISECONDS
            )
            if data["status"] in TERMINAL:
                return
        if not found and await run_in_threadpool(_has_ended, given, job.id):
            return
        await asyncio.sleep(POLL_SECONDS)


def _views_after(
    given: Services, request: Request, job_id: str, number: int
) -> list[tuple[Event, dict[str, Any]]] | None:
    """The events after a number, each with the job as it was then; None when the job is gone."""
    found = events.after(given.database, job_id, number)
    if not found:
        return []
    job = jobs.get(given.database, job_id)
    if job is None:
        return None
    now = view(job, request, given)
    return [(event, _as_it_was(now, event)) for event in found]


def _as_it_was(now: dict[str, Any], event: Event) -> dict[str, Any]:
    ended = event.snapshot["status"] in TERMINAL
    then = now | event.snapshot
    return then if ended else then | {"results": [], "finished_at": None}


def _has_ended(given: Services, job_id: str) -> bool:
    job = jobs.get(given.database, job_id)
    return job is None or job.status in TERMINAL
