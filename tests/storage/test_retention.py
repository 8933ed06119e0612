from datetime import timedelta

from storage import attempts, jobs, results, retention, submissions
from storage.database import Database
from storage.jobs import Job, Status
from tests.clock import Clock
from tests.storage.records import claim, stored, submit
from tests.storage.test_attempts import RESULT

DAY = 24 * 3600


def ended(database: Database, kept_seconds: int | None = DAY) -> Job:
    attempt = claim(database, submit(database, kept_seconds=kept_seconds))
    return attempts.succeed(database, attempt, found=[RESULT], timings={})


def test_a_job_that_ends_says_when_its_files_will_go(database: Database, clock: Clock) -> None:
    waiting = submit(database, kept_seconds=DAY)
    assert waiting.expires_at is None
    canceled = submissions.cancel(database, waiting.id)
    assert canceled is not None
    assert canceled.expires_at == clock.now + timedelta(days=1)


def test_a_job_answered_at_once_expires_like_any_other(database: Database, clock: Clock) -> None:
    job = submit(database, status=Status.SUCCEEDED, finished_at=clock.now, kept_seconds=DAY)
    assert job.expires_at == clock.now + timedelta(days=1)


def test_files_go_when_their_time_has_come_and_not_before(database: Database, clock: Clock) -> None:
    job = ended(database)
    clock.pass_(seconds=DAY - 1)
    assert retention.expire_due(database) == []
    clock.pass_(seconds=1)
    assert retention.expire_due(database) == [job.id]
    assert retention.expire_due(database) == []
    after = stored(database, job)
    assert (after.status, after.expired_at, after.stored_bytes) == (Status.SUCCEEDED, clock.now, 0)
    assert results.of(database, job.id) == []
    assert jobs.with_files(database, [job.id]) == set()


def test_jobs_without_a_term_stay(database: Database, clock: Clock) -> None:
    job = ended(database, kept_seconds=None)
    clock.pass_(hours=24 * 365)
    assert retention.expire_due(database) == []
    assert jobs.with_files(database, [job.id]) == {job.id}


def test_an_expired_job_answers_no_equal_one(database: Database, clock: Clock) -> None:
    job = ended(database)
    assert jobs.succeeded_like(database, job.results_key) is not None
    clock.pass_(seconds=DAY)
    retention.expire_due(database)
    assert jobs.succeeded_like(database, job.results_key) is None


def test_records_are_forgotten_some_time_after_their_files(database: Database, clock: Clock) -> None:
    job = ended(database)
    clock.pass_(seconds=DAY)
    retention.expire_due(database)
    assert retention.forget(database, timedelta(days=90)) == 0
    clock.pass_(hours=24 * 91)
    assert retention.forget(database, timedelta(days=90)) == 1
    assert jobs.get(database, job.id) is None
