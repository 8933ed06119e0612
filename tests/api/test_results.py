"""Results that lie in an S3 store."""

import httpx
import pytest

from storage.objects import Objects
from tests.api.service import Service, problem
from tests.api.test_submission import finish


@pytest.fixture(params=["rclone", "moto"])
def objects_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


def test_a_result_is_fetched_from_the_store_under_its_name(service: Service, objects: Objects) -> None:
    job = service.submit().json()
    finish(service, job["id"])
    path = f"/v1/jobs/{job['id']}/results/masks.zip"
    for method in ("GET", "HEAD"):
        told = service.client.request(method, path, follow_redirects=False)
        assert told.status_code == 307
        assert told.headers["cache-control"] == "no-store"
        found = httpx.request(method, told.headers["location"], headers={"Range": "bytes=0-"})
        assert found.status_code in {200, 206}
    answer = httpx.get(service.client.get(path, follow_redirects=False).headers["location"])
    assert answer.headers["content-disposition"] == 'inline; filename="masks.zip"'
    assert problem(service.client.get(f"/v1/jobs/{job['id']}/results/none")) == (404, "result_not_found")
