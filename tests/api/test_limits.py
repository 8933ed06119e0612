"""Limits per key, and what a caller hears who meets one."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api import transfers
from api.errors import ApiError
from api.keyring import Caller
from api.limits import RateLimits, neighbourhood, stream_slots
from api.main import create_app
from api.settings import ApiSettings
from api.transfers import Asked
from storage import api_keys, submissions
from storage.database import Database
from storage.errors import DatabaseUnavailableError, LimitReachedError
from tests.api.live import listening
from tests.api.service import Service, problem
from tests.api.test_keys import bearer
from tests.api.test_submission import KEY, finish
from tests.services import redis_server
from tests.services.need import need
from tests.worker.clips import box_mask


@pytest.fixture
def database_kind() -> str:
    """What differs between databases is tested with `storage.usage`."""
    return "sqlite"


@pytest.fixture
def make_keyed(make_service: Callable[..., Service], database: Database) -> Callable[..., Service]:
    """A service whose client has a key of the owner `studio`."""

    def make(**settings: int) -> Service:
        service = make_service(host="0.0.0.0", **settings)
        service.client.headers.update(bearer(api_keys.create(database, "studio")[1]))
        return service

    return make


def test_a_key_hears_what_is_left_and_is_stopped_at_its_limit(make_keyed: Callable[..., Service]) -> None:
    client = make_keyed(requests_per_minute=3).client
    left = []
    for _ in range(3):
        answer = client.get("/v1/jobs")
        assert answer.headers["ratelimit-policy"] == '"requests";q=3;w=60'
        found = re.fullmatch(r'"requests";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
        assert found is not None
        left.append(int(found[1]))
        assert 1 <= int(found[2]) <= 60
    assert left == [2, 1, 0]
    refused = client.get("/v1/jobs")
    assert problem(refused) == (429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit"].startswith('"requests";r=0;')


def test_one_keys_limit_is_no_other_keys(make_keyed: Callable[..., Service], database: Database) -> None:
    client = make_keyed(requests_per_minute=1).client
    assert client.get("/v1/jobs").status_code == 200
    assert client.get("/v1/jobs").status_code == 429
    other = bearer(api_keys.create(database, "studio")[1])
    assert client.get("/v1/jobs", headers=other).status_code == 200
    assert client.get("/livez").status_code == 200


def test_uploads_that_wait_are_limited_and_one_that_goes_makes_room(
    make_keyed: Callable[..., Service],
) -> None:
    client = make_keyed(max_uploads=2).client
    file = {"filename": "clip.mp4", "bytes": 10}
    begun = [client.post("/v1/uploads", json=file) for _ in range(2)]
    refused = client.post("/v1/uploads", json=file)
    assert problem(refused) == (429, "too_many_open_uploads")
    assert refused.headers["retry-after"]
    client.delete(begun[0].headers["location"])
    assert client.post("/v1/uploads", json=file).status_code == 201


def test_an_open_service_and_a_limit_of_nought_limit_nothing(
    service: Service, make_keyed: Callable[..., Service]
) -> None:
    for client in (service.client, make_keyed(requests_per_minute=0).client):
        assert "ratelimit" not in client.get("/v1/jobs").headers


def test_refusals_carry_the_headers_too(make_keyed: Callable[..., Service]) -> None:
    assert "ratelimit" in make_keyed().client.get("/v1/jobs/job_unknown").headers


@pytest.mark.parametrize(
    ("settings", "status", "code"),
    [
        ({"max_active_jobs": 1}, 429, "too_many_active_jobs"),
        ({"max_jobs_per_day": 1}, 429, "too_many_jobs_today"),
        ({"max_stored_bytes": 5000}, 403, "storage_full"),
    ],
)
def test_a_job_over_a_limit_is_refused_before_its_body_is_read(
    make_keyed: Callable[..., Service], settings: dict[str, int], status: int, code: str
) -> None:
    service = make_keyed(**settings)
    accepted = service.submit(headers=KEY)
    assert accepted.status_code == 202
    # not even a form: nobody looked
    refused = service.client.post("/v1/jobs", content=bytes(5000))
    assert problem(refused) == (status, code)
    assert ("retry-after" in refused.headers) == (status == 429)
    # its own repetition is no second job
    assert service.submit(headers=KEY).json()["id"] == accepted.json()["id"]


def test_submissions_at_once_do_not_slip_through(make_keyed: Callable[..., Service]) -> None:
    service = make_keyed(max_active_jobs=2)
    files = {"video": service.clip(), "mask": box_mask()}
    headers = {"Authorization": service.client.headers["Authorization"]}
    with listening(service) as port, ThreadPoolExecutor(5) as pool:
        url = f"http://127.0.0.1:{port}/v1/jobs"
        asked = [pool.submit(httpx.post, url, files=files, headers=headers, timeout=60) for _ in range(5)]
        answers = [one.result() for one in asked]
    assert sorted(answer.status_code for answer in answers) == [202, 202, 429, 429, 429]
    assert len(list(service.services.objects.list("uploads"))) == 4


def test_uploads_begun_at_once_do_not_slip_through(make_keyed: Callable[..., Service]) -> None:
    service = make_keyed(max_stored_bytes=500)
    caller = Caller("studio", "key")

    def begin(number: int) -> bool:
        try:
            return transfers.begin(service.services, caller, Asked(f"{number}.mp4", 100, None))[1]
        except LimitReachedError:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(begin, range(32))) == 5
    answer = service.client.post("/v1/uploads", json={"filename": "clip.mp4", "bytes": 100})
    assert problem(answer) == (403, "storage_full")


def test_a_job_answered_from_the_cache_counts_too(make_keyed: Callable[..., Service]) -> None:
    service = make_keyed(max_jobs_per_day=2)
    options = {"outputs": ["masks.zip"]}
    finish(service, service.submit(options=options).json()["id"])
    assert service.submit(options=options).json()["cached"] is True
    assert problem(service.submit(options=options)) == (429, "too_many_jobs_today")


def test_usage_shows_what_is_used_and_what_may_be(make_keyed: Callable[..., Service]) -> None:
    service = make_keyed(max_active_jobs=7, max_jobs_per_day=0)
    service.submit()
    shown = service.client.get("/v1/usage").json()
    assert shown["owner"] == "studio"
    assert shown["requests_per_minute"] == 600
    assert shown["active_jobs"] == {"used": 1, "limit": 7}
    assert shown["jobs_today"]["limit"] is None
    assert shown["stored_bytes"]["used"] > len(service.clip())


def test_the_user_of_an_open_service_has_no_limits(make_service: Callable[..., Service]) -> None:
    service = make_service(max_active_jobs=1)
    assert [service.submit().status_code for _ in range(2)] == [202, 202]
    assert service.client.get("/v1/usage").json()["active_jobs"] == {"used": 2, "limit": None}


def test_one_owner_holds_only_so_many_streams(make_keyed: Callable[..., Service]) -> None:
    service = make_keyed(max_streams_at_once=1)
    job = service.submit().json()
    submissions.cancel(service.services.database, job["id"])
    path = f"/v1/jobs/{job['id']}/events"
    assert service.client.get(path).status_code == 200
    # the stream that has ended holds nothing
    assert service.client.get(path).status_code == 200


def test_what_is_away_is_said_to_be_and_when_to_come_back(service: Service) -> None:
    def away() -> None:
        raise DatabaseUnavailableError("gone")

    service.services.database.read = away  # type: ignore[assignment, method-assign]  # it fails
    service.services.database.write = away  # type: ignore[assignment, method-assign]  # it fails
    for path in ("/v1/jobs", "/v1/jobs/job_" + "0" * 32, "/v1/usage"):
        refused = service.client.get(path)
        assert problem(refused) == (503, "unavailable")
        assert refused.headers["retry-after"] == "5"
    assert problem(service.submit(headers=KEY)) == (503, "unavailable")
    assert problem(service.client.get("/v1/jobs", headers=bearer("rm_" + "A" * 43))) == (503, "unavailable")


def test_requests_are_counted_in_a_redis_that_processes_share() -> None:
    need("Redis")
    with redis_server.redis_server() as (_, port):
        one, other = (RateLimits(redis_server.address(port)) for _ in range(2))
        assert [limits.count("key:a", 2).passes for limits in (one, other, one)] == [True, True, False]


def test_without_redis_each_process_counts_for_itself() -> None:
    now = [0.0]
    limits = RateLimits("redis://127.0.0.1:1/0", clock=lambda: now[0])
    for _ in range(2):
        assert [limits.count("key:a", 2).passes for _ in range(3)] == [True, True, False]
        limits = RateLimits("redis://127.0.0.1:1/0", clock=lambda: now[0])


def test_the_neighbours_of_an_address_are_counted_together() -> None:
    assert neighbourhood("192.0.2.7") == neighbourhood("::ffff:192.0.2.7") == "192.0.2.7"
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:1") == "2001:db8::/64"
    assert neighbourhood("testclient") == "testclient"


def test_the_app_of_a_service_that_must_not_start_is_not_made(
    monkeypatch: pytest.MonkeyPatch, make_service: Callable[..., Service]
) -> None:
    monkeypatch.setattr("api.main.connect", lambda settings: make_service(host="0.0.0.0").services)
    with pytest.raises(SystemExit, match="rotomill: callers need API keys"):
        create_app()


def test_who_holds_all_slots_is_refused_another_and_others_are_not() -> None:
    async def run() -> None:
        slots = stream_slots(ApiSettings(max_streams_at_once=1))
        async with slots.hold("a"):
            async with slots.hold("b"):
                pass
            with pytest.raises(ApiError, match="too_many_streams"):
                async with slots.hold("a"):
                    pass
        async with slots.hold("a"):
            pass

    asyncio.run(run())
