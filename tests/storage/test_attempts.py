from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from storage import attempts, deliveries, recovery, results, submissions
from storage.database import Database
from storage.errors import LeaseLostError
from storage.jobs import Job, Stage, Status
from storage.results import Result
from tests.clock import Clock
from tests.storage.records import LEASE, claim, stored, submit, submit_with_webhook

RESULT = Result("masks.zip", "results/x/1/masks.zip", 10, "e" * 64, "application/zip")


def test_a_queued_job_is_claimed_once_however_many_try(database: Database) -> None:
    job = submit(database)

    def try_to_claim(number: int) -> bool:
        return attempts.claim(database, job.id, worker=str(number), lease=LEASE) is not None

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(try_to_claim, range(24)))
    assert sum(won) == 1
    assert stored(database, job).attempt == 1


def test_a_claim_starts_the_job_and_sets_its_lease(database: Database, clock: Clock) -> None:
    attempt = claim(database, submit(database))
    assert attempt.number == 1
    assert attempt.job.status is Status.RUNNING
    assert attempt.job.stage is Stage.FETCHING
    assert attempt.job.started_at == clock.now
    assert attempt.job.lease_expires_at == clock.now + LEASE


def test_a_job_past_its_deadline_is_not_claimed(database: Database, clock: Clock) -> None:
    job = submit(database, deadline_at=clock.now + timedelta(seconds=5))
    clock.pass_(seconds=6)
    assert attempts.claim(database, job.id, worker="one", lease=LEASE) is None


def test_a_report_renews_the_lease_and_brings_back_the_wish_to_cancel(
    database: Database, clock: Clock
) -> None:
    attempt = claim(database, submit(database))
    clock.pass_(seconds=20)
    told = {"stage": Stage.SEGMENTING, "progress": 0.5, "eta_seconds": 9.0, "lease": LEASE}
    assert attempts.report(database, attempt, **told) is False  # type: ignore[arg-type]  # mixed values
    assert stored(database, attempt.job).lease_expires_at == clock.now + LEASE
    submissions.cancel(database, attempt.job.id)
    assert attempts.beat(database, attempt, lease=LEASE) is True


def test_success_stores_results_and_owes_the_webhook_together(database: Database) -> None:
    attempt = claim(database, submit_with_webhook(database))
    job = attempts.succeed(database, attempt, found=[RESULT], timings={"storing": 1.0})
    assert job.status is Status.SUCCEEDED
    assert job.progress == 1.0
    assert job.stage is None
    assert list(results.of(database, job.id)) == [RESULT]
    assert [owed.event for owed in deliveries.of(database, job.id)] == ["job.succeeded"]


@pytest.mark.parametrize("ending", ["succeed", "fail", "cancel", "hand_back", "beat"])
def test_a_worker_that_lost_its_lease_changes_nothing(database: Database, clock: Clock, ending: str) -> None:
    job = submit_with_webhook(database)
    sleeper = claim(database, job, "sleeper")
    clock.pass_(seconds=31)
    recovery.expire_leases(database)
    winner = claim(database, job, "winner")
    before = stored(database, job)
    endings: dict[str, Callable[[], object]] = {
        "succeed": lambda: attempts.succeed(database, sleeper, found=[RESULT], timings={}),
        "fail": lambda: attempts.fail(database, sleeper, code="x", detail="x"),
        "cancel": lambda: attempts.cancel(database, sleeper),
        "hand_back": lambda: attempts.hand_back(database, sleeper),
        "beat": lambda: attempts.beat(database, sleeper, lease=LEASE),
    }
    with pytest.raises(LeaseLostError):
        endings[ending]()
    assert stored(database, job) == before
    assert results.of(database, job.id) == []
    assert deliveries.of(database, job.id) == []
    assert attempts.succeed(database, winner, found=[RESULT], timings={}).attempt == 2


def test_a_job_that_is_handed_back_waits_again_and_counts_no_lost_worker(database: Database) -> None:
    attempt = claim(database, submit(database))
    job = attempts.hand_back(database, attempt)
    assert job.status is Status.QUEUED
    assert job.lost_workers == 0
    assert claim(database, job).number == 2


def test_the_third_stumble_fails_the_job_with_its_reason(database: Database) -> None:
    job = submit(database)
    for _ in range(3):
        job = attempts.stumble(database, claim(database, job), code="internal_error", detail="disk full")
    assert job.status is Status.FAILED
    assert job.error_code == "internal_error"


def test_an_outcome_whose_answer_got_lost_may_be_recorded_again(database: Database) -> None:
    attempt = claim(database, submit_with_webhook(database))
    first = attempts.succeed(database, attempt, found=[RESULT], timings={})
    assert attempts.succeed(database, attempt, found=[RESULT], timings={}) == first
    assert len(deliveries.of(database, first.id)) == 1


def test_uploads_and_results_count_as_stored(database: Database) -> None:
    job = submit(database)
    assert stored(database, job).stored_bytes == 1100
    attempts.succeed(database, claim(database, job), found=[RESULT], timings={})
    assert stored(database, job).stored_bytes == 1110


@pytest.mark.parametrize("ending", ["hand_back", "stumble"])
def test_a_cancel_that_the_worker_did_not_come_to_hear_is_carried_out(
    database: Database, ending: str
) -> None:
    attempt = claim(database, submit_with_webhook(database))
    submissions.cancel(database, attempt.job.id)
    endings: dict[str, Callable[[], Job]] = {
        "hand_back": lambda: attempts.hand_back(database, attempt),
        "stumble": lambda: attempts.stumble(database, attempt, code="internal_error", detail="disk full"),
    }
    job = endings[ending]()
    assert (job.status, job.error_code) == (Status.CANCELED, None)
    assert [owed.event for owed in deliveries.of(database, job.id)] == ["job.canceled"]
