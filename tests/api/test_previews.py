"""Pictures of a job while it runs, as a page asks for them."""

import pytest

from storage import attempts, submissions
from storage.attempts import Attempt
from storage.database import Database
from storage.keys import attempt_prefix, live_key
from storage.objects import Objects
from tests.api.service import Service, problem
from tests.storage.records import claim, submit


@pytest.fixture
def running(database: Database, objects: Objects) -> Attempt:
    """A job that runs, with pictures of three frames."""
    attempt = claim(database, submit(database))
    for frame in (10, 9, 0):
        objects.put_once(live_key(attempt.job.id, attempt.number, frame), b"\xff\xd8 %d" % frame)
    return attempt


def path_of(attempt: Attempt) -> str:
    return f"/v1/jobs/{attempt.job.id}/previews"


def listed(service: Service, attempt: Attempt, query: str = "") -> list[int]:
    frames: list[int] = service.client.get(path_of(attempt) + query).raise_for_status().json()["frames"]
    return frames


def test_the_frames_of_which_there_are_pictures_come_in_order(service: Service, running: Attempt) -> None:
    assert listed(service, running) == [0, 9, 10]
    assert listed(service, running, "?after=0") == [9, 10]
    assert listed(service, running, "?after=10") == []


def test_a_picture_is_a_jpeg_that_is_kept_but_shortly(service: Service, running: Attempt) -> None:
    shown = service.client.get(f"{path_of(running)}/9", follow_redirects=False)
    assert (shown.status_code, shown.content) == (200, b"\xff\xd8 9")
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["cache-control"] == "private, max-age=60"
    assert problem(service.client.get(f"{path_of(running)}/8")) == (404, "preview_not_found")


def test_a_list_ends_with_500_frames(service: Service, running: Attempt, objects: Objects) -> None:
    for frame in range(11, 511):
        objects.put_once(live_key(running.job.id, running.number, frame), b"")
    assert listed(service, running) == [0, *range(9, 508)]
    assert listed(service, running, "?after=507") == [508, 509, 510]


def test_a_job_that_has_ended_or_waits_again_shows_none(
    service: Service, running: Attempt, database: Database
) -> None:
    attempts.hand_back(database, running)
    assert listed(service, running) == []
    assert problem(service.client.get(f"{path_of(running)}/9")) == (404, "preview_not_found")
    submissions.cancel(database, running.job.id)
    assert listed(service, running) == []


def test_only_the_attempt_that_runs_is_shown(
    service: Service, running: Attempt, database: Database, objects: Objects
) -> None:
    attempts.hand_back(database, running)
    again = claim(database, running.job, worker="two")
    objects.put_once(live_key(running.job.id, again.number, 4), b"\xff\xd8 new")
    assert listed(service, running) == [4]
    assert problem(service.client.get(f"{path_of(running)}/9")) == (404, "preview_not_found")


def test_what_is_not_a_frames_number_is_refused(service: Service, running: Attempt) -> None:
    for rest in ("/x", "/-1", "/99999999999", "?after=x", "?after=99999999999"):
        assert problem(service.client.get(path_of(running) + rest)) == (422, "request_invalid")


def test_pictures_count_against_nobodys_bytes(service: Service, running: Attempt) -> None:
    before = service.client.get("/v1/usage").json()
    assert listed(service, running) == [0, 9, 10]
    assert service.client.get("/v1/usage").json() == before


def test_deleting_a_job_removes_pictures_that_were_left(
    service: Service, running: Attempt, database: Database, objects: Objects
) -> None:
    attempts.cancel(database, running)
    assert service.client.delete(f"/v1/jobs/{running.job.id}").status_code == 204
    assert list(objects.list(attempt_prefix(running.job.id, running.number))) == []
