from datetime import timedelta
from itertools import pairwise

import pytest

from storage import attempts, recovery, submissions
from storage.database import Database
from storage.errors import LeaseLostError
from storage.jobs import Status
from tests.clock import Clock
from tests.storage.records import LEASE, claim, stored, submit


def test_a_silent_workers_job_waits_again(database: Database, clock: Clock) -> None:
    job = claim(database, submit(database)).job
    clock.pass_(seconds=31)
    assert [found.id for found in recovery.expire_leases(database)] == [job.id]
    again = stored(database, job)
    assert again.status is Status.QUEUED
    assert again.lost_workers == 1
    assert again.stage is None


def test_a_renewed_lease_is_left_alone(database: Database, clock: Clock) -> None:
    attempt = claim(database, submit(database))
    clock.pass_(seconds=20)
    attempts.beat(database, attempt, lease=LEASE)
    clock.pass_(seconds=20)
    assert recovery.expire_leases(database) == []


def test_the_third_lost_worker_fails_the_job(database: Database, clock: Clock) -> None:
    job = submit(database)
    for _ in range(3):
        claim(database, job)
        clock.pass_(seconds=31)
        recovery.expire_leases(database)
    failed = stored(database, job)
    assert failed.status is Status.FAILED
    assert failed.error_code == "worker_lost"
    assert failed.attempt == 3


def test_a_cancel_that_no_worker_lived_to_hear_is_carried_out(database: Database, clock: Clock) -> None:
    job = claim(database, submit(database)).job
    submissions.cancel(database, job.id)
    clock.pass_(seconds=31)
    recovery.expire_leases(database)
    assert stored(database, job).status is Status.CANCELED


def test_a_waiting_job_fails_at_its_deadline(database: Database, clock: Clock) -> None:
    job = submit(database, deadline_at=clock.now + timedelta(seconds=60))
    assert recovery.fail_overdue(database) == []
    clock.pass_(seconds=61)
    recovery.fail_overdue(database)
    failed = stored(database, job)
    assert (failed.status, failed.error_code) == (Status.FAILED, "deadline_exceeded")


def test_a_lost_hint_is_sent_again_less_and_less_often_but_for_ever(database: Database, clock: Clock) -> None:
    submit(database)
    assert recovery.take_due_hints(database) == []
    sent = []
    for second in range(10, 3601, 10):
        clock.pass_(seconds=10)
        if recovery.take_due_hints(database):
            sent.append(second)
    waits = [later - earlier for earlier, later in pairwise(sent)]
    assert sent[0] == 10
    assert waits[:2] == [20, 40]
    assert set(waits[2:]) == {60}


def test_a_job_whose_worker_was_lost_gets_its_hint_at_once(database: Database, clock: Clock) -> None:
    job = claim(database, submit(database)).job
    clock.pass_(seconds=31)
    recovery.expire_leases(database)
    assert [hint.job_id for hint in recovery.take_due_hints(database)] == [job.id]


def test_a_running_job_is_taken_from_its_worker_which_changes_nothing_any_more(database: Database) -> None:
    attempt = claim(database, submit(database))
    job = recovery.take_back(database, attempt.job.id)
    assert job is not None
    assert (job.status, job.worker, job.lost_workers) == (Status.QUEUED, None, 0)
    with pytest.raises(LeaseLostError):
        attempts.beat(database, attempt, lease=LEASE)
    assert claim(database, job, "two").number == attempt.number + 1


def test_a_waiting_job_that_is_taken_back_is_hinted_at_now(database: Database) -> None:
    job = submit(database)
    assert recovery.take_due_hints(database) == []
    recovery.take_back(database, job.id)
    assert [hint.job_id for hint in recovery.take_due_hints(database)] == [job.id]


def test_a_job_that_ended_or_is_being_canceled_is_not_taken_back(database: Database) -> None:
    ended = submit(database)
    submissions.cancel(database, ended.id)
    attempt = claim(database, submit(database))
    submissions.cancel(database, attempt.job.id)
    for job_id, status in ((ended.id, Status.CANCELED), (attempt.job.id, Status.RUNNING)):
        job = recovery.take_back(database, job_id)
        assert job is not None
        assert job.status is status
    assert recovery.take_back(database, "job_unknown") is None
