"""Results that lie in a store, and how they come from there or through the API."""

from collections.abc import Callable

import httpx
import pytest

from tests.api.service import Service, problem
from tests.api.test_submission import finish


@pytest.fixture(params=["folder", "rclone", "moto"])
def objects_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.mark.parametrize("objects_kind", ["rclone", "moto"])
def test_a_result_is_fetched_from_the_store_under_its_name(service: Service) -> None:
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


CONTENT = bytes(range(256)) * 4096


@pytest.fixture
def fetched(service: Service) -> Callable[..., httpx.Response]:
    """Fetches a result of a mebibyte through the API."""
    job_id = service.submit().json()["id"]
    finish(service, job_id, CONTENT)
    path = f"/v1/jobs/{job_id}/results/masks.zip"

    def fetch(method: str = "GET", **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: httpx.Response = service.client.request(
            method, path, params={"redirect": "false"}, headers=sent, follow_redirects=False
        )
        return answer

    return fetch


def test_a_result_comes_through_the_api_for_those_who_may_not_be_led_elsewhere(
    fetched: Callable[..., httpx.Response],
) -> None:
    whole = fetched()
    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert whole.headers["content-length"] == str(len(CONTENT))
    assert whole.headers["content-type"] == "application/zip"
    assert whole.headers["content-disposition"] == 'inline; filename="masks.zip"'
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["cache-control"].startswith("private")
    head = fetched("HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert {name: head.headers[name] for name in ("etag", "content-length")} == {
        name: whole.headers[name] for name in ("etag", "content-length")
    }


def test_a_part_of_it_comes_where_a_range_is_asked_for(fetched: Callable[..., httpx.Response]) -> None:
    for asked, first, end in (
        ("bytes=0-", 0, len(CONTENT)),
        ("bytes=0-0", 0, 1),
        ("bytes=700000-700099", 700_000, 700_100),
        ("bytes=1048575-9999999", len(CONTENT) - 1, len(CONTENT)),
        ("bytes=-5", len(CONTENT) - 5, len(CONTENT)),
        ("bytes=-99999999", 0, len(CONTENT)),
    ):
        part = fetched(Range=asked)
        assert (part.status_code, part.content) == (206, CONTENT[first:end])
        assert part.headers["content-range"] == f"bytes {first}-{end - 1}/{len(CONTENT)}"
        assert part.headers["content-length"] == str(end - first)
    assert fetched("HEAD", Range=asked).headers["content-range"] == part.headers["content-range"]


def test_a_range_beyond_the_end_cannot_be_had(fetched: Callable[..., httpx.Response]) -> None:
    refused = fetched(Range="bytes=1048576-")
    assert refused.status_code == 416
    assert refused.headers["content-range"] == f"bytes */{len(CONTENT)}"


def test_what_the_caller_has_is_not_sent_again(fetched: Callable[..., httpx.Response]) -> None:
    tag = fetched("HEAD").headers["etag"]
    assert (fetched(If_None_Match=tag).status_code, fetched(If_None_Match='"other"').status_code) == (
        304,
        200,
    )
    assert fetched(Range="bytes=0-9", If_Range=tag).status_code == 206
    assert fetched(Range="bytes=0-9", If_Range='"other"').status_code == 200


def test_a_result_that_is_lost_is_gone(service: Service) -> None:
    job_id = service.submit().json()["id"]
    finish(service, job_id)
    service.services.objects.delete_prefix("results")
    path = f"/v1/jobs/{job_id}/results/masks.zip"
    assert problem(service.client.get(path, params={"redirect": "false"})) == (410, "result_gone")
