import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage import attempts, retention, submissions
from storage.database import Database
from storage.keys import live_key, network_object_key, result_key, upload_key
from storage.objects import Objects
from storage.results import Result
from tests.clock import Clock
from tests.storage.records import claim, new_job, stored, submit
from tests.storage.test_objects import files, write
from worker import queue, recovery

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def real_time(clock: Clock) -> None:
    """Files carry the machine's own time."""
    clock.now = datetime.now(UTC)


def test_objects_of_no_job_are_swept_once_they_are_idle(
    database: Database, objects: Objects, clock: Clock
) -> None:
    job = submit(database)
    write(objects, job.video.key, b"kept")
    write(objects, upload_key("job_never_stored", "video"), b"left by a crash")
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert objects.exists(upload_key("job_never_stored", "video"))
    clock.pass_(hours=2)
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert [found.key for found in objects.list("uploads")] == [job.video.key]


def test_what_lost_attempts_left_is_swept_though_their_jobs_live_on(
    database: Database, objects: Objects, clock: Clock
) -> None:
    done, running = submit(database), submit(database)
    first = claim(database, done)
    attempts.hand_back(database, first)
    made = Result("masks.zip", result_key(done.id, 2, "masks.zip"), 1, "e" * 64, "application/zip")
    attempts.succeed(database, claim(database, done), found=[made], timings={})
    claim(database, running)
    clock.pass_(hours=-2)
    kept = [made.object_key, result_key(running.id, 1, "masks.zip")]
    for key in (result_key(done.id, 1, "masks.zip"), result_key(done.id, 10, "masks.zip"), *kept):
        write(objects, key, b"x")
    clock.pass_(hours=4)
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert sorted(found.key for found in objects.list("results")) == sorted(kept)


def test_pictures_of_attempts_that_run_no_more_are_swept_beside_their_results(
    database: Database, objects: Objects, clock: Clock
) -> None:
    done, running = submit(database), submit(database)
    made = Result("masks.zip", result_key(done.id, 1, "masks.zip"), 1, "e" * 64, "application/zip")
    attempts.succeed(database, claim(database, done), found=[made], timings={})
    claim(database, running)
    kept = [made.object_key, live_key(running.id, 1, 5)]
    for key in (live_key(done.id, 1, 5), *kept):
        write(objects, key, b"x")
    clock.pass_(hours=2)
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert sorted(found.key for found in objects.list("results")) == sorted(kept)


def test_what_a_killed_upload_left_half_written_is_swept(
    database: Database, objects: Objects, tmp_path: Path, clock: Clock
) -> None:
    folder = tmp_path / "objects/uploads/job_cut_off"
    folder.mkdir(parents=True)
    (folder / "video#1").write_bytes(b"half")
    clock.pass_(hours=2)
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert files(tmp_path / "objects") == []


def test_an_upload_that_still_grows_is_left_alone(
    database: Database, objects: Objects, tmp_path: Path, clock: Clock
) -> None:
    folder = tmp_path / "objects/uploads/job_uploading"
    folder.mkdir(parents=True)
    half = folder / "video#1"
    half.write_bytes(b"half")
    clock.pass_(hours=2)
    soon = time.time() + 7100
    os.utime(half, (soon, soon))
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert half.exists()


def test_old_networks_are_let_go(database: Database, objects: Objects, clock: Clock) -> None:
    write(objects, network_object_key("d" * 64), b"weights")
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert objects.exists(network_object_key("d" * 64))
    clock.pass_(days=8)
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert not objects.exists(network_object_key("d" * 64))


def test_a_network_that_a_correction_goes_on_from_is_kept_until_that_has_ended(
    database: Database, objects: Objects, clock: Clock
) -> None:
    write(objects, network_object_key("d" * 64), b"weights")
    correction = submit(database, network_key="e" * 64, starts_from="d" * 64)
    clock.pass_(days=8)
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert objects.exists(network_object_key("d" * 64))
    submissions.cancel(database, correction.id)
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert not objects.exists(network_object_key("d" * 64))


def test_a_job_whose_hint_was_lost_is_hinted_at_again(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hinted: list[str] = []
    monkeypatch.setattr(queue, "send_hint", lambda job_id, **_life: hinted.append(job_id))
    job = submit(database)
    recovery.recover(database)
    assert hinted == []
    clock.pass_(seconds=11)
    recovery.recover(database)
    assert hinted == [job.id]


def test_files_that_have_expired_are_removed_and_their_job_still_known(
    database: Database, objects: Objects, clock: Clock
) -> None:
    job = submit(database, kept_seconds=60)
    write(objects, job.video.key, b"clip")
    submissions.cancel(database, job.id)
    recovery.expire(database, objects, records_kept=timedelta(days=1))
    assert objects.exists(job.video.key)
    clock.pass_(seconds=61)
    recovery.expire(database, objects, records_kept=timedelta(days=1))
    assert not objects.exists(job.video.key)
    assert stored(database, job).expired_at == clock.now


def test_what_an_expired_job_left_behind_is_swept(database: Database, objects: Objects, clock: Clock) -> None:
    job = submit(database, kept_seconds=60)
    write(objects, job.video.key, b"clip")
    submissions.cancel(database, job.id)
    clock.pass_(seconds=61)
    retention.expire_due(database)
    assert recovery.orphans(database, objects, timedelta(0)) == {f"uploads/{job.id}"}


def test_a_submission_that_takes_long_keeps_files_that_are_old(
    database: Database, objects: Objects, clock: Clock
) -> None:
    """In a folder the copy of an upload is as old as the upload."""
    job = new_job(database)
    write(objects, job.video.key, b"clip")
    clock.now += timedelta(minutes=50)
    assert recovery.orphans(database, objects, HOUR) == set()
    old = time.time() - 2 * 3600
    os.utime(objects.local_path(job.video.key) or "", (old, old))
    assert recovery.orphans(database, objects, HOUR) == set(), "the job's own id says that it is young"
    clock.now += timedelta(minutes=11)
    assert recovery.orphans(database, objects, HOUR) == {f"uploads/{job.id}"}


def test_what_cannot_be_removed_keeps_nothing_else(
    database: Database, objects: Objects, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (new_job(database) for _ in range(2))
    for job in (first, second):
        write(objects, job.video.key, b"clip")
    write(objects, network_object_key("d" * 64), b"weights")
    clock.now += 2 * WEEK
    remove = objects.delete_prefix

    def guarded(prefix: str) -> None:
        if first.id in prefix:
            raise PermissionError(prefix)
        remove(prefix)

    monkeypatch.setattr(objects, "delete_prefix", guarded)
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert [objects.exists(key) for key in (first.video.key, second.video.key)] == [True, False]
    assert not objects.exists(network_object_key("d" * 64))
