"""Another owner's ids on every call: what is not yours is not there."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from storage import api_keys
from storage.database import Database
from tests.api.calls import calls
from tests.api.service import Service, problem
from tests.api.test_keys import bearer
from tests.api.test_submission import KEY, finish
from tests.storage.records import OPTIONS, WEBHOOK, submit

# Calls without an id of anything: each is asked below what it shows.
WITHOUT_ID = {
    ("POST", "/v1/jobs"),
    ("GET", "/v1/jobs"),
    ("POST", "/v1/uploads"),
    ("GET", "/v1/webhook-secret"),
    ("POST", "/v1/webhook-secret/rotate"),
    ("GET", "/v1/usage"),
    ("GET", "/v1/presets"),
    ("POST", "/v1/session"),
    ("GET", "/v1/session"),
    ("DELETE", "/v1/session"),
    ("POST", "/v1/masks/suggest"),  # stores nothing
}


@dataclass
class Owners:
    """A service with two owners: the first has an upload, and a job with a result and a delivery."""

    service: Service
    mine: dict[str, str]
    theirs: dict[str, str]
    ids: dict[str, str]

    def request(self, method: str, path: str, headers: dict[str, str], ids: dict[str, str]) -> httpx.Response:
        response: httpx.Response = self.service.client.request(method, path.format(**ids), headers=headers)
        return response


@pytest.fixture
def owners(make_service: Callable[..., Service], database: Database) -> Owners:
    service = make_service(host="0.0.0.0")
    job = submit(database, owner="first", options=OPTIONS | {"webhook": WEBHOOK})
    finish(service, job.id)
    mine, theirs = (bearer(api_keys.create(database, owner)[1]) for owner in ("first", "second"))
    asked = {"filename": "clip.mp4", "bytes": 100}
    upload = service.client.post("/v1/uploads", headers=mine, json=asked).json()
    ids = {"job_id": job.id, "name": "masks.zip", "number": "1", "upload_id": upload["id"]}
    return Owners(service, mine, theirs, ids)


def test_another_owners_ids_are_unknown_on_every_call(owners: Owners) -> None:
    unknown = owners.ids | {"job_id": "job_" + "0" * 32, "upload_id": "upl_" + "0" * 32}
    tried = 0
    for method, path in calls(owners.service.client.app):  # type: ignore[arg-type]  # httpx knows it as any ASGI app
        if not path.startswith("/v1/") or (method, path) in WITHOUT_ID:
            continue
        assert "{" in path, f"{path} is new: add it to WITHOUT_ID, and a test of what it shows"
        refused = owners.request(method, path, owners.theirs, owners.ids)
        never_was = owners.request(method, path, owners.theirs, unknown)
        assert refused.status_code == never_was.status_code == 404, (method, path, refused.text)
        if method != "HEAD":
            words, other_words = refused.json(), never_was.json()
            assert words.pop("instance") != other_words.pop("instance")
            assert words == other_words
        tried += 1
    assert tried >= 12


def test_its_owner_still_has_everything(owners: Owners) -> None:
    """After all that was tried with the ids above, which must have changed nothing."""
    test_another_owners_ids_are_unknown_on_every_call(owners)
    path = f"/v1/jobs/{owners.ids['job_id']}"
    get = owners.service.client.get
    assert get(f"{path}/results/masks.zip", headers=owners.mine).content == b"zip"
    assert len(get(f"{path}/deliveries", headers=owners.mine).json()["deliveries"]) == 1
    assert get(f"{path}/events", headers=owners.mine).status_code == 200
    upload = get(f"/v1/uploads/{owners.ids['upload_id']}", headers=owners.mine).json()
    assert (upload["status"], upload["arrived"]) == ("open", [])


def test_lists_show_ones_own(owners: Owners) -> None:
    get = owners.service.client.get
    assert get("/v1/jobs", headers=owners.theirs).json() == {"jobs": [], "next_cursor": None}
    cursor = {"cursor": owners.ids["job_id"]}
    assert get("/v1/jobs", headers=owners.theirs, params=cursor).json()["jobs"] == []
    assert len(get("/v1/jobs", headers=owners.mine).json()["jobs"]) == 1


def test_no_job_is_made_of_another_owners_upload(owners: Owners) -> None:
    path = f"/v1/uploads/{owners.ids['upload_id']}"
    owners.service.client.put(path, headers=owners.mine, content=bytes(100)).raise_for_status()
    named = {"video": owners.ids["upload_id"], "mask": owners.ids["upload_id"]}
    theirs = owners.service.client.post("/v1/jobs", headers=owners.theirs, json=named)
    assert problem(theirs) == (404, "upload_not_found")
    assert problem(owners.service.client.post("/v1/jobs", headers=owners.mine, json=named))[0] == 422


def test_webhook_secrets_are_ones_own(owners: Owners) -> None:
    client = owners.service.client
    shown = [
        client.get("/v1/webhook-secret", headers=headers).json()["secrets"][0]["secret"]
        for headers in (owners.mine, owners.theirs, owners.mine)
    ]
    assert shown[0] == shown[2] != shown[1]
    client.post("/v1/webhook-secret/rotate", headers=owners.theirs)
    assert client.get("/v1/webhook-secret", headers=owners.mine).json()["secrets"][0]["secret"] == shown[0]


def test_an_idempotency_key_is_its_owners(owners: Owners) -> None:
    first, second = (
        owners.service.submit(headers=KEY | headers).json()["id"] for headers in (owners.mine, owners.theirs)
    )
    assert first != second
    assert owners.service.submit(headers=KEY | owners.mine).json()["id"] == first


def test_an_equal_job_of_another_owner_is_no_answer(owners: Owners) -> None:
    """What comes at once would tell one owner what another has sent."""
    options = {"outputs": ["masks.zip"]}
    first = owners.service.submit(options=options, headers=owners.mine).json()
    finish(owners.service, first["id"])
    assert owners.service.submit(options=options, headers=owners.theirs).json()["cached"] is False
    assert owners.service.submit(options=options, headers=owners.mine).json()["cached"] is True


def test_jobs_of_an_open_time_belong_to_the_owner_local(owners: Owners, database: Database) -> None:
    """A key can be made for it."""
    job = submit(database)
    path = f"/v1/jobs/{job.id}"
    assert problem(owners.service.client.get(path, headers=owners.mine)) == (404, "job_not_found")
    local = bearer(api_keys.create(database, "local")[1])
    assert owners.service.client.get(path, headers=local).status_code == 200
