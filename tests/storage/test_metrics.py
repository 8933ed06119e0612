"""What the database knows that operators watch."""

from storage import attempts, metrics
from storage.database import Database
from storage.deliveries import DeliveryStatus
from storage.jobs import Priority, Status
from tests.clock import Clock
from tests.storage.records import claim, submit, submit_with_webhook


def test_an_empty_database_has_a_zero_for_everything(database: Database) -> None:
    assert set(metrics.totals(database).jobs.values()) == {0}
    assert metrics.totals(database).stored_bytes == 0
    found = metrics.survey(database)
    assert set(found.queue.values()) == {0}
    assert (found.oldest_queued_seconds, found.oldest_due_seconds, found.expired_leases) == (0, 0, 0)
    assert (found.workers, found.running, found.uploads) == ([], 0, 0)


def test_waiting_jobs_are_counted_by_priority_and_the_oldest_is_aged(
    database: Database, clock: Clock
) -> None:
    submit(database, priority=Priority.LOW)
    clock.pass_(seconds=50)
    submit(database, priority=Priority.HIGH)
    found = metrics.survey(database)
    assert found.queue == {Priority.LOW: 1, Priority.NORMAL: 0, Priority.HIGH: 1}
    assert found.oldest_queued_seconds == 50


def test_a_running_job_whose_worker_is_silent_is_an_expired_lease(database: Database, clock: Clock) -> None:
    claim(database, submit(database))
    assert metrics.survey(database).expired_leases == 0
    clock.pass_(seconds=31)
    found = metrics.survey(database)
    assert (found.expired_leases, found.running) == (1, 1)


def test_a_delivery_that_nobody_sends_grows_overdue(database: Database, clock: Clock) -> None:
    attempt = claim(database, submit_with_webhook(database))
    attempts.fail(database, attempt, code="clip_corrupt", detail="It is broken.")
    clock.pass_(seconds=20)
    found = metrics.survey(database)
    assert found.deliveries == {DeliveryStatus.PENDING: 1, DeliveryStatus.FAILED: 0}
    assert found.oldest_due_seconds == 20


def test_stored_bytes_are_those_of_all_jobs(database: Database) -> None:
    submit(database)
    submit(database)
    found = metrics.totals(database)
    assert (found.stored_bytes, found.jobs[Status.QUEUED]) == (2 * 1100, 2)
