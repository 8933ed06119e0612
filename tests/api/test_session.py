"""Signing in with a key that the browser keeps."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from api import keyring
from api.session_cookie import NAME, SECURE_NAME
from storage import api_keys
from storage.database import Database
from tests.api.service import Service, problem
from tests.api.test_keys import UNKNOWN, bearer
from tests.api.test_submission import finish
from tests.storage.records import submit

OWN = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def database_kind() -> str:
    """What differs between databases is tested with `storage.api_keys`."""
    return "sqlite"


def sign_in(service: Service, key: str, headers: Mapping[str, str] = OWN) -> Any:
    return service.client.post("/v1/session", json={"key": key}, headers=headers)


def attributes(response: Any) -> set[str]:
    return {part.strip() for part in response.headers["set-cookie"].lower().split(";")[1:]}


def test_who_signs_in_needs_no_header(locked: Service, key: str, database: Database) -> None:
    assert problem(locked.client.get("/v1/jobs"))[0] == 401
    assert sign_in(locked, key).status_code == 204
    job = submit(database, owner="studio")
    finish(locked, job.id)
    # as <img>, <video> and EventSource ask
    for path in ("", f"/{job.id}", f"/{job.id}/results/masks.zip", f"/{job.id}/events"):
        assert locked.client.get(f"/v1/jobs{path}").status_code == 200, path
    assert locked.client.post(f"/v1/jobs/{job.id}/cancel", headers=OWN).status_code == 409
    assert locked.client.delete(f"/v1/jobs/{job.id}", headers=OWN).status_code == 204


def test_the_cookie_is_for_our_own_pages_and_no_script(locked: Service, key: str) -> None:
    response = sign_in(locked, f" {key} ")
    assert response.cookies[NAME] == key
    assert {"httponly", "samesite=strict", "path=/"} <= attributes(response)
    assert not {"secure"} & attributes(response)
    assert not any(part.startswith("domain") for part in attributes(response))
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("settings", "base_url"),
    [({}, "https://roto.example"), ({"public_url": "https://roto.example"}, "http://127.0.0.1:8000")],
)
def test_over_https_the_cookie_never_goes_in_the_clear(
    make_service: Callable[..., Service], key: str, settings: dict[str, str], base_url: str
) -> None:
    """Also where a proxy has the certificate."""
    service = make_service(host="0.0.0.0", **settings)
    service.client.base_url = base_url
    response = sign_in(service, key, {"Origin": "https://roto.example"})
    assert response.headers["set-cookie"].startswith(f"{SECURE_NAME}={key};")
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= attributes(response)
    service.client.cookies.clear()
    get = service.client.get
    assert get("/v1/jobs", headers={"Cookie": f"{SECURE_NAME}={key}"}).status_code == 200
    # one that a page without https may have planted
    assert problem(get("/v1/jobs", headers={"Cookie": f"{NAME}={key}"})) == (401, "api_key_missing")


def test_the_session_says_who_is_signed_in(locked: Service, key: str) -> None:
    def shown(headers: Mapping[str, str] | None = None) -> Any:
        response = locked.client.get("/v1/session", headers=headers)
        assert response.headers["cache-control"] == "no-store"
        return response.json()

    nobody = {"keys_required": True, "signed_in": False, "owner": None}
    studio = {"keys_required": True, "signed_in": True, "owner": "studio"}
    assert shown() == nobody
    assert shown(bearer(key)) == studio
    assert shown(bearer(UNKNOWN)) == nobody
    sign_in(locked, key)
    assert shown() == studio
    assert locked.client.delete("/v1/session", headers=OWN).status_code == 204
    assert shown() == nobody
    assert problem(locked.client.get("/v1/jobs")) == (401, "api_key_missing")


def test_an_open_service_needs_no_session_and_minds_no_old_cookie(service: Service) -> None:
    assert service.client.get("/v1/session").json() == {
        "keys_required": False,
        "signed_in": False,
        "owner": None,
    }
    service.client.cookies.set(NAME, UNKNOWN)
    assert service.client.get("/v1/jobs").status_code == 200
    assert service.client.post("/v1/webhook-secret/rotate").status_code == 201
    rebound = service.client.get("/v1/session", headers={"Host": "evil.example"})
    assert problem(rebound) == (403, "host_not_allowed")


def test_a_key_that_is_none_signs_nobody_in(locked: Service, key: str) -> None:
    refused = sign_in(locked, UNKNOWN)
    assert problem(refused) == (401, "api_key_invalid")
    assert "set-cookie" not in refused.headers
    assert problem(sign_in(locked, ""))[0] == 422
    assert problem(sign_in(locked, "x" * 201))[0] == 422
    form = locked.client.post("/v1/session", data={"key": key})
    assert problem(form) == (422, "request_invalid")


@pytest.mark.parametrize("way", ["sign in", "ask with a header", "ask with a cookie", "call with a cookie"])
def test_who_guesses_keys_is_slowed_whichever_way(locked: Service, key: str, way: str) -> None:
    def guess() -> Any:
        if way == "sign in":
            return sign_in(locked, UNKNOWN)
        path = "/v1/jobs" if way == "call with a cookie" else "/v1/session"
        headers = bearer(UNKNOWN) if way == "ask with a header" else {"Cookie": f"{NAME}={UNKNOWN}"}
        return locked.client.get(path, headers=headers)

    answers = [guess() for _ in range(61)]
    assert all(answer.status_code in {200, 401} for answer in answers[:60])
    assert problem(answers[60]) == (429, "rate_limited")
    assert sign_in(locked, key).status_code == 204


def test_a_session_ends_with_its_key(locked: Service, database: Database) -> None:
    now = [0.0]
    locked.services.keyring = keyring.Keyring(database, clock=lambda: now[0])
    made, text = api_keys.create(database, "studio")
    sign_in(locked, text)
    assert locked.client.get("/v1/jobs").status_code == 200
    api_keys.revoke(database, made.id)
    now[0] += keyring.REMEMBERED_SECONDS
    assert problem(locked.client.get("/v1/jobs")) == (401, "api_key_invalid")
    assert locked.client.get("/v1/session").json()["signed_in"] is False


def test_a_header_goes_before_the_cookie(locked: Service, key: str, database: Database) -> None:
    sign_in(locked, key)
    other = api_keys.create(database, "other")[1]
    mine = submit(database, owner="studio")
    for headers in (bearer(other), {"X-API-Key": other}):
        assert locked.client.get("/v1/session", headers=headers).json()["owner"] == "other"
        assert locked.client.get(f"/v1/jobs/{mine.id}", headers=headers).status_code == 404
    assert problem(locked.client.get("/v1/jobs", headers=bearer(UNKNOWN))) == (401, "api_key_invalid")


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        (OWN, True),
        ({"Origin": "http://127.0.0.1:8000"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        # another port of this machine is another page, and gets our cookie
        ({"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
    ],
)
def test_with_a_cookie_only_our_own_page_changes_anything(
    locked: Service, key: str, headers: Mapping[str, str], is_ours: bool
) -> None:
    sign_in(locked, key)
    post = locked.client.post
    changed = post("/v1/webhook-secret/rotate", headers=headers)
    if is_ours:
        assert changed.status_code == 201
    else:
        assert problem(changed) == (403, "cross_site_refused")
    # a program shows its key itself
    assert post("/v1/webhook-secret/rotate", headers={**bearer(key), **headers}).status_code == 201


def test_behind_a_proxy_the_page_has_the_public_address(
    make_service: Callable[..., Service], key: str
) -> None:
    service = make_service(host="0.0.0.0", public_url="https://roto.example/")
    cookie = {"Cookie": f"{SECURE_NAME}={key}"}
    for origin, is_ours in (
        ("https://roto.example", True),
        ("https://ROTO.example", True),
        ("http://roto.example", False),
        ("https://roto.example.evil.example", False),
        ("https://roto.example:8443", False),
    ):
        # whatever Host the proxy sends on
        response = service.client.post("/v1/webhook-secret/rotate", headers=cookie | {"Origin": origin})
        assert (response.status_code == 201) == is_ours, origin


def test_no_other_page_signs_anybody_in_or_out(locked: Service, key: str) -> None:
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert problem(sign_in(locked, key, foreign)) == (403, "cross_site_refused")
    assert sign_in(locked, key, {}).status_code == 204, "a program may"
    assert problem(locked.client.delete("/v1/session", headers=foreign)) == (403, "cross_site_refused")
    assert locked.client.get("/v1/jobs").status_code == 200
