"""Turns a request into a job: receive, look, find what is known already, store, hint."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from api import idempotency, json_body, metrics, named_files
from api.dependencies import Services, base_url
from api.errors import ApiError
from api.inspection import Inspected, inspect
from api.options import parse_options
from api.receivers import check_receiver
from api.schemas import JobIn
from api.security import Caller
from api.submission import Accepted, Submission, begun
from api.uploads import Received, Receiver
from storage import tracing
from storage.jobs import Job, Priority, Status, StoredFile
from storage.keys import content_keys


@dataclass(frozen=True)
class Asked:
    """A job as it is asked for; `refines` is the job that it corrects."""

    video: StoredFile
    masks: tuple[StoredFile, ...]
    options: dict[str, Any]
    refines: Job | None = None

    @property
    def bytes(self) -> int:
        """Of its files."""
        return sum(file.bytes for file in (self.video, *self.masks))


async def accept(request: Request, given: Services, caller: Caller) -> Accepted:
    """The job that the request asks for."""
    async with begun(request, given, caller) as submission:
        received = await _receive(submission)
        video, masks = received.complete()
        options = parse_options(received.options, given.settings.max_deadline_seconds)
        fingerprint = idempotency.fingerprint(video, masks, options)
        if submission.known:
            return await submission.replay(submission.known, fingerprint)
        job = await looked_at(submission, Asked(video, masks, options), received)
        return await submission.store(job, fingerprint)


async def _receive(submission: Submission) -> Received:
    if json_body.is_json(submission.request):
        asked = await named_files.body_of(submission.request, JobIn)
        return await run_in_threadpool(named_files.resolve, submission, asked)
    return await Receiver(submission).receive()


async def looked_at(submission: Submission, asked: Asked, received: Received) -> Job:
    """The job, not stored yet, once its files are its own and have been found usable. Raises ApiError."""
    given, webhook = submission.given, asked.options["webhook"]
    if webhook:
        check_receiver(given, webhook["url"])
    if received.copies:
        await submission.check_allowance(asked.bytes)
    await named_files.copy(submission, received)
    clip = asked.refines.clip if asked.refines else None
    with metrics.inspection(ApiError):
        inspected = await inspect(
            given,
            submission.caller.owner,
            asked.video,
            asked.masks,
            submission.small,
            submission.renew,
            known_clip=clip,
        )
    if webhook:
        webhook["base_url"] = base_url(submission.request, given.settings)
    return _job(submission, asked, inspected)


def _job(submission: Submission, asked: Asked, inspected: Inspected) -> Job:
    given, owner, options = submission.given, submission.caller.owner, asked.options
    starts_from = asked.refines.network_key if asked.refines else None
    results_key, network_key = content_keys(
        owner, asked.video, asked.masks, options, given.model_tag, starts_from
    )
    now = given.database.now()
    deadline = options["deadline_seconds"]
    return Job(
        id=submission.job_id,
        status=Status.QUEUED,
        options=options,
        clip=inspected.clip,
        objects=inspected.objects,
        video=asked.video,
        masks=asked.masks,
        results_key=results_key,
        network_key=network_key,
        created_at=now,
        deadline_at=now + timedelta(seconds=deadline) if deadline else None,
        owner=owner,
        priority=Priority[options["priority"].upper()],
        kept_seconds=round(given.settings.results_kept_days * 24 * 3600) or None,
        trace=tracing.traceparent(),
        refines=asked.refines.id if asked.refines else None,
        starts_from=starts_from,
    )
