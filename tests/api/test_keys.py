"""Who gets in: API keys, their revocation, and when the service may be open."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import exposure, keyring
from api.main import create_app
from api.settings import ApiSettings
from storage import api_keys
from storage.database import Database
from tests.api.calls import OPEN, calls
from tests.api.service import Service, problem

UNKNOWN = "rm_" + "A" * 43


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture
def database_kind() -> str:
    """What differs between databases is tested with `storage.api_keys`."""
    return "sqlite"


def test_every_call_wants_a_key_but_health_and_documentation(locked: Service) -> None:
    found = list(calls(locked.client.app))  # type: ignore[arg-type]  # httpx knows it as any ASGI app
    assert len(found) > 10
    for method, path in found:
        response = locked.client.request(method, path.replace("{number}", "1"))
        if path == "/v1/session":
            assert response.status_code in {200, 204, 422}, "how one shows a key"
        elif path.startswith("/v1/"):
            assert response.status_code == 401, (method, path)
            assert response.headers["www-authenticate"] == "Bearer"
        else:
            assert path in OPEN | {"/livez", "/readyz", "/metrics"}, "a new call outside /v1 needs a thought"
    assert problem(locked.client.get("/v1/jobs")) == (401, "api_key_missing")
    assert locked.client.get("/openapi.json").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        bearer(UNKNOWN),
        bearer("rm_"),
        bearer("x" * 5000),
        {"Authorization": "Bearer rm_\xfc".encode()},
        {"X-API-Key": UNKNOWN},
        {"X-API-Key": "' OR 1=1 --"},
    ],
)
def test_a_key_that_is_none_opens_nothing_even_where_none_is_needed(
    make_service: Callable[..., Service], headers: Mapping[str, str]
) -> None:
    for settings in ({}, {"host": "0.0.0.0"}):
        response = make_service(**settings).client.get("/v1/jobs", headers=headers)
        assert problem(response) == (401, "api_key_invalid")
        assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_another_scheme_is_no_key(locked: Service) -> None:
    refused = locked.client.get("/v1/jobs", headers={"Authorization": "Basic cm06cm0="})
    assert problem(refused) == (401, "api_key_missing")


def test_a_key_opens_its_owners_jobs_by_either_header(locked: Service, key: str) -> None:
    locked.client.headers.update(bearer(key))
    job = locked.submit()
    assert job.status_code == 202
    locked.client.headers.pop("Authorization")
    for headers in (bearer(key), {"Authorization": f"bearer {key}"}, {"X-API-Key": key}):
        assert [found["id"] for found in locked.client.get("/v1/jobs", headers=headers).json()["jobs"]] == [
            job.json()["id"]
        ]


def test_an_open_service_honours_a_key(service: Service, key: str) -> None:
    service.submit(headers=bearer(key))
    assert service.client.get("/v1/jobs").json()["jobs"] == []
    assert len(service.client.get("/v1/jobs", headers=bearer(key)).json()["jobs"]) == 1


def test_a_revoked_key_opens_nothing_after_some_seconds(locked: Service, database: Database) -> None:
    now = [0.0]
    locked.services.keyring = keyring.Keyring(database, clock=lambda: now[0])
    revoked, text = api_keys.create(database, "studio")
    assert locked.client.get("/v1/jobs", headers=bearer(text)).status_code == 200
    api_keys.revoke(database, revoked.id)
    now[0] += keyring.REMEMBERED_SECONDS
    assert problem(locked.client.get("/v1/jobs", headers=bearer(text))) == (401, "api_key_invalid")


def test_a_remembered_key_costs_no_query(locked: Service, database: Database, key: str) -> None:
    assert locked.services.keyring.look_up(key) is not None
    database.close()
    found = locked.services.keyring.remembered(key)
    assert found is not None
    assert found.owner == "studio"


def test_who_guesses_keys_is_slowed_and_a_good_key_passes_beside(locked: Service, key: str) -> None:
    codes = {problem(locked.client.get("/v1/jobs", headers=bearer(UNKNOWN)))[0] for _ in range(70)}
    assert codes == {401, 429}
    refused = locked.client.get("/v1/jobs", headers=bearer(UNKNOWN))
    assert problem(refused) == (429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert locked.client.get("/v1/jobs", headers=bearer(key)).status_code == 200


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, None),
        ({"host": "::1"}, None),
        ({"host": "0.0.0.0", "exposed_on": "127.0.0.1"}, None),
        ({"api_keys_required": False}, None),
        # behind a proxy of the operator's that knows its callers
        ({"public_url": "https://roto.example", "api_keys_required": False}, None),
        ({"host": "0.0.0.0"}, "keys create"),
        ({"host": ""}, "keys create"),
        ({"host": "192.168.1.5"}, "keys create"),
        ({"exposed_on": "0.0.0.0"}, "keys create"),
        ({"public_url": "https://roto.example"}, "keys create"),
        ({"api_keys_required": True}, "keys create"),
        ({"host": "0.0.0.0", "api_keys_required": False}, "Remove ROTOMILL_API_KEYS_REQUIRED"),
        ({"exposed_on": "10.0.0.2", "api_keys_required": False}, "Remove ROTOMILL_API_KEYS_REQUIRED"),
    ],
)
def test_an_open_service_starts_on_loopback_alone(
    database: Database, settings: dict[str, Any], words: str | None
) -> None:
    objection = exposure.objection(ApiSettings(**settings), database)
    assert (objection is None) if words is None else (words in (objection or ""))


def test_with_a_key_it_starts_anywhere_and_with_a_revoked_one_it_does_not(database: Database) -> None:
    key, _ = api_keys.create(database, "studio")
    settings = ApiSettings(host="0.0.0.0")
    assert exposure.objection(settings, database) is None
    api_keys.revoke(database, key.id)
    assert exposure.objection(settings, database) is not None


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example"}, "host_not_allowed"),
        ({"Host": "127.0.0.1.evil.example:8000"}, "host_not_allowed"),
        ({"Host": ""}, "host_not_allowed"),
        ({"Host": "localhost:8000"}, None),
        ({"Host": "[::1]:8000"}, None),
        ({"Host": "192.168.1.5:8000"}, None),
        ({"Host": "roto.test"}, None),
        ({"Origin": "https://evil.example"}, "cross_site_refused"),
        ({"Origin": "http://127.0.0.1:3000"}, "cross_site_refused"),
        ({"Origin": "null"}, "cross_site_refused"),
        ({"Origin": "file://"}, "cross_site_refused"),
        ({"Sec-Fetch-Site": "cross-site"}, "cross_site_refused"),
        ({"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}, None),
    ],
)
def test_an_open_service_is_closed_to_web_pages_of_strangers(
    make_service: Callable[..., Service], headers: Mapping[str, str], code: str | None
) -> None:
    client = make_service(allowed_hosts="other.test, Roto.test").client
    response = client.post("/v1/webhook-secret/rotate", headers=headers)
    if code is None:
        assert response.status_code == 201, response.text
    else:
        assert problem(response) == (403, code)
    # a page may well send a GET; it cannot read the answer, unless its name is made to mean us
    readable = client.get("/v1/jobs", headers=headers).status_code == 200
    assert readable == (code != "host_not_allowed")


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via"])
def test_an_open_service_does_not_answer_whom_a_proxy_lets_through(
    make_service: Callable[..., Service], name: str
) -> None:
    client = make_service().client
    refused = client.get("/v1/jobs", headers={name: "192.0.2.7"})
    assert problem(refused) == (403, "exposed_without_keys")
    assert "ROTOMILL_PUBLIC_URL" in refused.json()["detail"]
    # unless its operator says that the proxy knows its callers
    knowing = make_service(api_keys_required=False).client
    assert knowing.get("/v1/jobs", headers={name: "192.0.2.7"}).status_code == 200


def test_an_open_service_answers_no_other_machine_however_it_was_started(service: Service) -> None:
    """The server was told to listen on every address, and the settings were not."""
    client = TestClient(create_app(service.services), base_url="http://192.168.1.5:8000")
    assert problem(client.get("/v1/jobs")) == (403, "exposed_without_keys")
    assert client.get("/livez").status_code == 200
