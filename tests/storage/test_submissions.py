from storage import attempts, deliveries, events, jobs, listing, submissions, turns
from storage.database import Database
from storage.jobs import Status
from tests.clock import Clock
from tests.storage.records import LEASE, claim, stored, submit, submit_with_webhook


def test_a_waiting_job_is_canceled_at_once_and_its_caller_is_told(database: Database) -> None:
    job = submit_with_webhook(database)
    canceled = submissions.cancel(database, job.id)
    assert canceled is not None
    assert canceled.status is Status.CANCELED
    assert [owed.event for owed in deliveries.of(database, job.id)] == ["job.canceled"]


def test_a_running_job_is_marked_and_its_worker_ends_it(database: Database) -> None:
    attempt = claim(database, submit(database))
    marked = submissions.cancel(database, attempt.job.id)
    assert marked is not None
    assert (marked.status, marked.cancel_requested) == (Status.RUNNING, True)
    assert attempts.cancel(database, attempt).status is Status.CANCELED


def test_a_job_that_has_ended_stays_as_it_is(database: Database) -> None:
    attempt = claim(database, submit(database))
    attempts.succeed(database, attempt, found=[], timings={})
    unchanged = submissions.cancel(database, attempt.job.id)
    assert unchanged is not None
    assert unchanged.status is Status.SUCCEEDED


def test_a_running_job_is_not_deleted(database: Database) -> None:
    job = claim(database, submit(database)).job
    assert submissions.delete(database, job.id) is None
    assert jobs.get(database, job.id) is not None


def test_deleting_removes_events_and_deliveries_too(database: Database) -> None:
    job = submit_with_webhook(database)
    submissions.cancel(database, job.id)
    assert submissions.delete(database, job.id) is not None
    assert jobs.get(database, job.id) is None
    assert deliveries.of(database, job.id) == []
    assert events.after(database, job.id, 0) == []


def test_the_queue_is_served_in_the_order_of_submission(database: Database) -> None:
    first, second = submit(database), submit(database)
    assert [turns.queue_position(database, job) for job in (first, second)] == [1, 2]
    claim(database, first)
    assert turns.queue_position(database, stored(database, second)) == 1
    assert turns.queue_position(database, stored(database, first)) is None


def test_a_network_is_in_use_by_its_jobs_and_by_those_that_have_yet_to_go_on_from_it(
    database: Database,
) -> None:
    first = submit(database, network_key="1" * 64)
    second = submit(database, network_key="2" * 64, starts_from="1" * 64)
    assert jobs.networks_awaited(database) == {"1" * 64}
    submissions.delete(database, first.id)
    assert jobs.network_in_use(database, "1" * 64)
    attempts.succeed(database, claim(database, second), found=[], timings={})
    assert not jobs.network_in_use(database, "1" * 64)
    assert jobs.network_in_use(database, "2" * 64)
    assert jobs.networks_awaited(database) == set()


def test_a_correction_that_is_asked_for_anew_is_one_still(database: Database) -> None:
    correction = submit(database, refines="job_1", starts_from="1" * 64)
    again = submissions.anew(database, correction)
    assert (again.refines, again.starts_from) == ("job_1", "1" * 64)


def test_every_change_is_an_event_with_the_next_number(database: Database, clock: Clock) -> None:
    job = submit(database)
    attempt = claim(database, job)
    clock.pass_(seconds=2)
    attempts.report(
        database, attempt, stage=jobs.Stage.SEGMENTING, progress=0.4, eta_seconds=3.0, lease=LEASE
    )
    attempts.succeed(database, attempt, found=[], timings={})
    found = events.after(database, job.id, 0)
    assert [event.type for event in found] == ["job.queued", "job.running", "job.progress", "job.succeeded"]
    assert [event.number for event in found] == [1, 2, 3, 4]
    assert found[2].snapshot["progress"] == 0.4
    assert events.after(database, job.id, 3)[0].type == "job.succeeded"


def test_pages_are_newest_first_and_meet_without_gap(database: Database) -> None:
    submitted = [submit(database).id for _ in range(5)]
    first = listing.page(database, limit=2)
    rest = listing.page(database, before=first[-1].id, limit=10)
    assert [job.id for job in [*first, *rest]] == sorted(submitted, reverse=True)
