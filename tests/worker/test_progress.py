from datetime import timedelta

import pytest

from storage import recovery, submissions
from storage.attempts import Attempt
from storage.database import Database
from storage.errors import LeaseLostError
from storage.jobs import Stage
from tests.clock import Clock
from tests.storage.records import claim, stored, submit
from worker.errors import CanceledError, DeadlineExceededError, HandedBackError
from worker.estimate import Work
from worker.progress import Progress


def progress_of(database: Database, attempt: Attempt, *, stopping: bool = False) -> Progress:
    return Progress(
        database, attempt, heartbeat_seconds=0.01, lease_seconds=30, stop_requested=lambda: stopping
    )


def test_a_beat_stores_where_the_job_is(database: Database) -> None:
    attempt = claim(database, submit(database))
    progress = progress_of(database, attempt)
    progress.plan({Stage.SEGMENTING: Work(10, 1.0)})
    progress.begin(Stage.SEGMENTING)
    progress.beat()
    found = stored(database, attempt.job)
    assert found.stage is Stage.SEGMENTING
    assert found.eta_seconds == pytest.approx(10, abs=0.5)


def test_beats_without_news_make_no_events(database: Database) -> None:
    attempt = claim(database, submit(database))
    progress = progress_of(database, attempt)
    progress.beat()
    before = stored(database, attempt.job).events
    progress.beat()
    assert stored(database, attempt.job).events == before


def test_work_hears_of_a_cancel_at_its_next_word(database: Database) -> None:
    attempt = claim(database, submit(database))
    progress = progress_of(database, attempt)
    submissions.cancel(database, attempt.job.id)
    progress.beat()
    with pytest.raises(CanceledError):
        progress.advance(1)


def test_work_stops_at_its_deadline(database: Database, clock: Clock) -> None:
    attempt = claim(database, submit(database, deadline_at=clock.now + timedelta(seconds=10)))
    progress = progress_of(database, attempt)
    clock.pass_(seconds=11)
    progress.beat()
    with pytest.raises(DeadlineExceededError):
        progress.check()


def test_a_worker_told_to_stop_hands_back(database: Database) -> None:
    progress = progress_of(database, claim(database, submit(database)), stopping=True)
    with pytest.raises(HandedBackError):
        progress.begin(Stage.FINE_TUNING)


def check_for_ever(progress: Progress) -> None:
    while True:
        progress.check()


def test_the_thread_notices_that_the_lease_was_given_away(database: Database, clock: Clock) -> None:
    attempt = claim(database, submit(database))
    with progress_of(database, attempt) as progress:
        clock.pass_(seconds=60)
        recovery.expire_leases(database)
        with pytest.raises(LeaseLostError):
            check_for_ever(progress)


def test_followers_see_even_a_short_stage(database: Database) -> None:
    attempt = claim(database, submit(database))
    with Progress(
        database, attempt, heartbeat_seconds=60, lease_seconds=90, stop_requested=lambda: False
    ) as progress:
        progress.begin(Stage.STORING)
        while stored(database, attempt.job).stage is not Stage.STORING:
            progress.check()
