"""Searching the list of jobs."""

import pytest

from storage.database import Database
from storage.jobs import StoredFile
from tests.api.service import Service, problem
from tests.storage.records import OPTIONS, submit


@pytest.fixture
def database_kind() -> str:
    """What differs between databases is tested with `storage.searching`."""
    return "sqlite"


def test_a_submitted_job_is_found_by_its_file_and_its_metadata(service: Service) -> None:
    job = service.submit(options={"metadata": {"shot": "Harbour 012"}}).json()
    for search in ("clip.mp4", "CLIP", "harbour", "012 clip", job["id"], job["id"][:16]):
        found = service.client.get("/v1/jobs", params={"search": search}).json()["jobs"]
        assert [one["id"] for one in found] == [job["id"]], search
    # keys, and what else stands in the record, are not searched
    for search in ("shot", "queued", "balanced", "mask", "job"):
        assert service.client.get("/v1/jobs", params={"search": search}).json()["jobs"] == []


def test_a_cursor_goes_on_with_the_same_search(service: Service, database: Database) -> None:
    video = StoredFile("uploads/x/video", 1000, "a" * 64, "harbour.mp4")
    wanted = [submit(database, video=video).id for _ in range(3)]
    submit(database)
    asked = {"search": "harbour", "limit": "2"}
    first = service.client.get("/v1/jobs", params=asked).json()
    rest = service.client.get("/v1/jobs", params=asked | {"cursor": first["next_cursor"]}).json()
    assert [job["id"] for job in [*first["jobs"], *rest["jobs"]]] == wanted[::-1]
    assert rest["next_cursor"] is None


def test_corrections_of_a_job_are_listed(service: Service, database: Database) -> None:
    parent = submit(database)
    correction = submit(database, refines=parent.id)
    found = service.client.get("/v1/jobs", params={"refines": parent.id}).json()["jobs"]
    assert [(job["id"], job["refines"]) for job in found] == [(correction.id, parent.id)]


def test_a_search_sees_ones_own_jobs_alone(service: Service, database: Database) -> None:
    submit(database, owner="another", options=OPTIONS | {"metadata": {"shot": "harbour"}})
    assert service.client.get("/v1/jobs", params={"search": "harbour"}).json()["jobs"] == []


@pytest.mark.parametrize("search", ["a\0b", "a\nb", "x" * 201])
def test_what_cannot_be_searched_is_refused(service: Service, search: str) -> None:
    assert problem(service.client.get("/v1/jobs", params={"search": search})) == (422, "request_invalid")
