from datetime import timedelta
from itertools import pairwise

from storage import attempts, recovery, submissions
from storage.database import Database
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
