from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from storage import retention, submissions, uploads, usage
from storage.database import Database
from storage.errors import LimitReachedError
from storage.jobs import StoredFile
from storage.uploads import Upload
from storage.usage import Allowance, Usage
from tests.clock import Clock
from tests.storage.records import claim, new_job

BYTES = 1100  # of a job's clip and mask in these tests


def submit(database: Database, allowance: Allowance, owner: str = "a") -> str:
    job = new_job(database, owner=owner)
    return submissions.submit(database, job, allowance=allowance).id


def refusal(database: Database, allowance: Allowance, owner: str = "a") -> LimitReachedError:
    with pytest.raises(LimitReachedError) as caught:
        submit(database, allowance, owner)
    return caught.value


def test_what_an_owner_uses_is_its_own(database: Database) -> None:
    first = submit(database, Allowance())
    submit(database, Allowance())
    submit(database, Allowance(), "b")
    assert usage.of(database, "a") == Usage(active_jobs=2, jobs_today=2, stored_bytes=2 * BYTES)
    submissions.cancel(database, first)
    assert usage.of(database, "a") == Usage(active_jobs=1, jobs_today=2, stored_bytes=2 * BYTES)
    assert usage.of(database, "c") == Usage(0, 0, 0)


def test_active_jobs_are_limited_and_an_ended_one_makes_room(database: Database) -> None:
    allowance = Allowance(active_jobs=2)
    first = submit(database, allowance)
    second = new_job(database, owner="a")
    submissions.submit(database, second, allowance=allowance)
    claim(database, second)
    assert refusal(database, allowance).what == "active_jobs"
    submit(database, allowance, "b")
    submissions.cancel(database, first)
    submit(database, allowance)


def test_jobs_of_a_day_are_limited_and_deleting_them_does_not_help(database: Database, clock: Clock) -> None:
    allowance = Allowance(jobs_a_day=2)
    for _ in range(2):
        submissions.delete(database, submit(database, allowance))
    error = refusal(database, allowance)
    assert (error.what, error.wait_seconds) == ("jobs_a_day", 12 * 3600 + 1)  # it is noon
    clock.pass_(hours=12)
    submit(database, allowance)
    assert usage.of(database, "a").jobs_today == 1


def test_stored_bytes_are_limited_and_expiry_makes_room(database: Database, clock: Clock) -> None:
    allowance = Allowance(stored_bytes=2 * BYTES)
    job = submissions.submit(database, new_job(database, owner="a", kept_seconds=60), allowance=allowance)
    submit(database, allowance)
    assert refusal(database, allowance).what == "stored_bytes"
    submissions.cancel(database, job.id)
    clock.pass_(minutes=2)
    retention.expire_due(database)
    submit(database, allowance)


def test_a_refused_job_counts_for_nothing(database: Database) -> None:
    allowance = Allowance(active_jobs=1)
    submit(database, allowance)
    refusal(database, allowance)
    assert usage.of(database, "a") == Usage(1, 1, BYTES)


def test_a_check_before_the_upload_says_the_same(database: Database) -> None:
    allowance = Allowance(stored_bytes=2 * BYTES)
    submit(database, allowance)
    usage.check(database, "a", allowance, BYTES)
    with pytest.raises(LimitReachedError):
        usage.check(database, "a", allowance, BYTES + 1)


def test_who_is_at_the_limit_may_not_begin_what_does_not_say_how_long_it_is(database: Database) -> None:
    allowance = Allowance(stored_bytes=2 * BYTES)
    submit(database, allowance)
    usage.check(database, "a", allowance, 0)
    submit(database, allowance)
    with pytest.raises(LimitReachedError):
        usage.check(database, "a", allowance, 0)


def test_of_many_submissions_at_once_none_slips_through(database: Database) -> None:
    jobs = [new_job(database, owner="a") for _ in range(24)]
    jobs = [replace(job, video=StoredFile(f"v{n}", 1000, "a" * 64)) for n, job in enumerate(jobs)]

    def attempt(number: int) -> bool:
        try:
            submissions.submit(database, jobs[number], allowance=Allowance(active_jobs=5))
        except LimitReachedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(24))) == 5
    assert usage.of(database, "a").active_jobs == 5


def test_of_many_uploads_at_once_none_slips_through(database: Database) -> None:
    allowance = Allowance(stored_bytes=5 * BYTES)
    submit(database, allowance)

    def attempt(_number: int) -> bool:
        room = usage.room(database, "a", allowance, BYTES)
        try:
            return uploads.begin(database, new_upload(database), room)
        except LimitReachedError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(24))) == 4
    assert usage.of(database, "a") == Usage(1, 1, 5 * BYTES)


def test_of_many_uploads_at_once_no_more_begin_than_may_wait(database: Database, clock: Clock) -> None:
    allowance = Allowance(uploads=5)

    def attempt(_number: int) -> bool:
        try:
            return uploads.begin(database, new_upload(database), usage.room(database, "a", allowance, 0))
        except LimitReachedError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(24))) == 5
    with pytest.raises(LimitReachedError, match="uploads"):
        usage.check(database, "a", allowance, 0)
    usage.check(database, "b", allowance, 0)
    clock.pass_(hours=25)
    assert attempt(0)


def new_upload(database: Database) -> Upload:
    now = database.now()
    return Upload(
        id=uploads.new_id(),
        owner="a",
        filename="clip.mp4",
        bytes=BYTES,
        part_bytes=BYTES,
        object_key="incoming/file",
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )
