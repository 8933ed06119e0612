"""Turns a request into a job: receive, look, find what is known already, store, hint."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from anyio import CancelScope
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from api import idempotency, json_body, metrics, named_files
from api.bodies import declared_bytes
from api.dependencies import Services, base_url
from api.errors import ApiError, bad_request, sentence, unprocessable
from api.inspection import inspect
from api.limits import allowance_of
from api.multipart import INCOMPLETE
from api.receivers import check_receiver
from api.schemas import JobOptions
from api.security import Caller
from api.small_files import SmallFiles
from api.uploads import Received, Receiver
from storage import jobs, results, submissions, tracing, usage
from storage.errors import IdempotencyLostError, ObjectMissingError
from storage.idempotency import Claim, Stored
from storage.jobs import Job, Priority, Status
from storage.keys import RESULTS, UPLOADS, content_keys, result_key
from storage.results import Result
from storage.usage import Allowance

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Accepted:
    """The job, and whether an earlier request with the same key had made it."""

    job: Job
    replayed: bool = False


async def accept(request: Request, given: Services, caller: Caller) -> Accepted:
    """The job that the request asks for. Whatever refuses it leaves nothing behind."""
    job_id = jobs.new_id()
    hold: idempotency.Hold | None = None
    try:
        key = idempotency.parse_key(request.headers.get("idempotency-key"))
        if key is not None:
            hold = await run_in_threadpool(idempotency.Hold, given.database, caller.owner, key)
        with SmallFiles() as small:
            return await _accept(request, given, caller, job_id, hold, small)
    except BaseException as error:
        # also when the request's task is being canceled
        with CancelScope(shield=True):
            await run_in_threadpool(_leave_nothing, given, job_id, hold)
        if isinstance(error, ClientDisconnect):
            raise bad_request("body_incomplete", INCOMPLETE) from error
        raise


async def _accept(
    request: Request,
    given: Services,
    caller: Caller,
    job_id: str,
    hold: idempotency.Hold | None,
    small: SmallFiles,
) -> Accepted:
    found = hold.found if hold else None
    if isinstance(found, Stored) and found.job_id is None:
        raise idempotency.in_progress()
    allowance = allowance_of(given.settings, caller)
    if allowance and not isinstance(found, Stored):
        declared = declared_bytes(request)
        await run_in_threadpool(usage.check, given.database, caller.owner, allowance, declared)
    async with given.uploads.hold(caller.owner):
        return await _receive_and_store(request, given, caller, job_id, hold, small)


async def _receive_and_store(
    request: Request,
    given: Services,
    caller: Caller,
    job_id: str,
    hold: idempotency.Hold | None,
    small: SmallFiles,
) -> Accepted:
    found = hold.found if hold else None
    allowance = allowance_of(given.settings, caller)
    received = await _receive(request, given, caller, job_id, hold, small)
    video, masks = received.complete()
    options = parse_options(received.options, given.settings.max_deadline_seconds)
    if options["webhook"]:
        check_receiver(given, options["webhook"]["url"])
    fingerprint = idempotency.fingerprint(video, masks, options)
    if isinstance(found, Stored):
        idempotency.check_same(found, fingerprint)
        return await run_in_threadpool(_replay, given, found, job_id)
    if allowance and received.copies:
        named = sum(file.bytes for file in (video, *masks))
        await run_in_threadpool(usage.check, given.database, caller.owner, allowance, named)
    on_wait = hold.renew if hold else _nothing
    await named_files.copy(given, received, on_wait)
    with metrics.inspection(ApiError):
        inspected = await inspect(given, caller.owner, video, masks, small, on_wait)
    if options["webhook"]:
        options["webhook"]["base_url"] = base_url(request, given.settings)
    results_key, network_key = content_keys(caller.owner, video, masks, options, given.model_tag)
    now = given.database.now()
    deadline = options["deadline_seconds"]
    job = Job(
        id=job_id,
        status=Status.QUEUED,
        options=options,
        clip=inspected.clip,
        objects=inspected.objects,
        video=video,
        masks=masks,
        results_key=results_key,
        network_key=network_key,
        created_at=now,
        deadline_at=now + timedelta(seconds=deadline) if deadline else None,
        owner=caller.owner,
        priority=Priority[options["priority"].upper()],
        kept_seconds=round(given.settings.results_kept_days * 24 * 3600) or None,
        trace=tracing.traceparent(),
    )
    claim = replace(found, fingerprint=fingerprint) if isinstance(found, Claim) else None
    return Accepted(await run_in_threadpool(_store, given, job, claim, allowance))


async def _nothing() -> None:
    """No key has to be held."""


async def _receive(
    request: Request,
    given: Services,
    caller: Caller,
    job_id: str,
    hold: idempotency.Hold | None,
    small: SmallFiles,
) -> Received:
    if json_body.is_json(request):
        asked = await named_files.body_of(request)
        return await run_in_threadpool(named_files.resolve, given, caller, asked, job_id)

    async def on_progress() -> None:
        if hold is not None:
            await hold.renew()

    return await Receiver(given.objects, given.settings, job_id, small, on_progress).receive(request)


def parse_options(text: str | None, max_deadline_seconds: int) -> dict[str, Any]:
    """The options with their defaults, as plain JSON values."""
    try:
        asked = json.loads(text) if text and text.strip() else {}
    except ValueError as error:
        raise unprocessable("options_not_json", f"`options` is not JSON: {error}.") from error
    try:
        options = JobOptions.model_validate(asked)
    except ValidationError as error:
        found = sentence(list(error.errors(include_url=False)))
        raise unprocessable("options_invalid", f"`options` cannot be used: {found}.") from error
    if options.deadline_seconds and options.deadline_seconds > max_deadline_seconds:
        detail = f"`options` cannot be used: deadline_seconds: at most {max_deadline_seconds:,}."
        raise unprocessable("options_invalid", detail)
    values = options.model_dump(mode="json")
    values["outputs"] = sorted(set(values["outputs"]))
    return values


def _replay(given: Services, stored: Stored, unused_job_id: str) -> Accepted:
    given.objects.delete_prefix(f"{UPLOADS}/{unused_job_id}")
    job = jobs.get(given.database, stored.job_id or "")
    if job is None:
        detail = "The job that this Idempotency-Key made has been deleted. Use a new key for a new job."
        raise unprocessable("idempotency_key_reused", detail)
    return Accepted(job, replayed=True)


def _store(given: Services, job: Job, claim: Claim | None, allowance: Allowance | None) -> Job:
    known = _known_results(given, job)
    if known:
        now = given.database.now()
        job = replace(
            job, status=Status.SUCCEEDED, progress=1.0, started_at=now, finished_at=now, cached=True
        )
    try:
        stored = submissions.submit(given.database, job, found=known, claim=claim, allowance=allowance)
    except IdempotencyLostError as error:
        raise idempotency.in_progress() from error
    _tell(given, stored)
    metrics.job_accepted(stored)
    log.info("job accepted", job_id=stored.id, status=stored.status.value, cached=stored.cached)
    return stored


def _tell(given: Services, job: Job) -> None:
    """Hint at what is stored already; without the hint the recovery loop finds it some seconds later."""
    try:
        if job.status is Status.QUEUED:
            given.send_hint(job.id)
        elif job.options["webhook"]:
            given.send_deliveries_due()
    except Exception:
        log.exception("hint not sent", job_id=job.id)


def _known_results(given: Services, job: Job) -> Sequence[Result]:
    """Copies of an equal job's results, under this job's id; none if there is no such job (any more)."""
    equal = jobs.succeeded_like(given.database, job.results_key)
    if equal is None:
        return ()
    copies = []
    try:
        for result in results.of(given.database, equal.id):
            key = result_key(job.id, 0, result.name)
            given.objects.copy(result.object_key, key)
            copies.append(replace(result, object_key=key))
    except ObjectMissingError:
        given.objects.delete_prefix(f"{RESULTS}/{job.id}")
        return ()
    return copies


def _leave_nothing(given: Services, job_id: str, hold: idempotency.Hold | None) -> None:
    try:
        if jobs.get(given.database, job_id) is None:
            given.objects.delete_prefix(f"{UPLOADS}/{job_id}")
            given.objects.delete_prefix(f"{RESULTS}/{job_id}")
        if hold is not None:
            hold.release()
    except Exception:
        log.exception("could not clean up; the sweep will", job_id=job_id)
