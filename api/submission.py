"""One request for a job, from its first byte until the job is stored: whatever refuses it leaves nothing behind."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog
from anyio import CancelScope
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api import idempotency, metrics
from api.bodies import declared_bytes
from api.dependencies import Services
from api.errors import bad_request, unprocessable
from api.limits import allowance_of
from api.multipart import INCOMPLETE
from api.security import Caller
from api.small_files import SmallFiles
from storage import jobs, results, submissions, usage
from storage.errors import IdempotencyLostError, ObjectMissingError
from storage.idempotency import Claim, Stored
from storage.jobs import Job, Status
from storage.keys import RESULTS, UPLOADS, result_key
from storage.results import Result
from storage.usage import Allowance

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Accepted:
    """The job, and whether an earlier request with the same key had made it."""

    job: Job
    replayed: bool = False


@dataclass(frozen=True)
class Submission:
    """A request for a job, and what is held for it: an id, its key, its small files."""

    request: Request
    given: Services
    caller: Caller
    job_id: str
    hold: idempotency.Hold | None
    small: SmallFiles
    allowance: Allowance | None

    @property
    def known(self) -> Stored | None:
        """What an earlier request with the same key has made."""
        found = self.hold.found if self.hold else None
        return found if isinstance(found, Stored) else None

    async def renew(self) -> None:
        """Keep the key: the request goes on."""
        if self.hold is not None:
            await self.hold.renew()

    async def check_allowance(self, new_bytes: int) -> None:
        """Raise LimitReachedError where one more job with so many bytes is too much, unless there is to be none."""
        if self.allowance and not self.known:
            await run_in_threadpool(
                usage.check, self.given.database, self.caller.owner, self.allowance, new_bytes
            )

    async def replay(self, known: Stored, fingerprint: str) -> Accepted:
        """The job that the key has made before, if it was for the same."""
        idempotency.check_same(known, fingerprint)
        return await run_in_threadpool(_replay, self.given, known, self.job_id)

    async def store(self, job: Job, fingerprint: str) -> Accepted:
        """The job, stored, and told to those who have to know."""
        found = self.hold.found if self.hold else None
        claim = replace(found, fingerprint=fingerprint) if isinstance(found, Claim) else None
        return Accepted(await run_in_threadpool(_store, self.given, job, claim, self.allowance))


@asynccontextmanager
async def begun(request: Request, given: Services, caller: Caller) -> AsyncIterator[Submission]:
    """The request as a submission, for as long as the block runs. An error in it removes what has come."""
    job_id = jobs.new_id()
    hold: idempotency.Hold | None = None
    try:
        hold = await _hold(request, given, caller)
        with SmallFiles() as small:
            allowance = allowance_of(given.settings, caller)
            submission = Submission(request, given, caller, job_id, hold, small, allowance)
            await submission.check_allowance(declared_bytes(request))
            async with given.uploads.hold(caller.owner):
                yield submission
    except BaseException as error:
        # also when the request's task is being canceled
        with CancelScope(shield=True):
            await run_in_threadpool(_leave_nothing, given, job_id, hold)
        if isinstance(error, ClientDisconnect):
            raise bad_request("body_incomplete", INCOMPLETE) from error
        raise


async def _hold(request: Request, given: Services, caller: Caller) -> idempotency.Hold | None:
    key = idempotency.parse_key(request.headers.get("idempotency-key"))
    if key is None:
        return None
    hold = await run_in_threadpool(idempotency.Hold, given.database, caller.owner, key)
    if isinstance(hold.found, Stored) and hold.found.job_id is None:
        raise idempotency.in_progress()
    return hold


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
