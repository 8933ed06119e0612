"""Showing and rotating the secret that signs a caller's webhooks, and the addresses that webhooks may have."""

from typing import Any

import pytest

from api.security import Caller, authenticated
from tests.api.service import Service, problem
from tests.clock import Clock
from worker.addresses import Policy
from worker.signing import Signing

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def secrets(service: Service) -> list[dict[str, Any]]:
    response = service.client.get("/v1/webhook-secret")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    found: list[dict[str, Any]] = response.json()["secrets"]
    return found


def test_a_secret_is_there_before_the_first_webhook(service: Service) -> None:
    (only,) = secrets(service)
    assert only["secret"].startswith("whsec_")
    assert only["expires_at"] is None
    assert secrets(service) == [only]


def test_a_rotation_says_until_when_the_old_one_signs_too(service: Service, clock: Clock) -> None:
    (old,) = secrets(service)
    response = service.client.post("/v1/webhook-secret/rotate")
    assert response.status_code == 201
    new, before = response.json()["secrets"]
    assert before["secret"] == old["secret"]
    assert before["expires_at"] == "2026-11-21T12:00:00Z"
    assert new["expires_at"] is None
    assert secrets(service) == [new, before]
    clock.pass_(hours=24)
    assert secrets(service) == [new]


def test_rotations_without_end_are_refused(service: Service) -> None:
    for _ in range(4):
        assert service.client.post("/v1/webhook-secret/rotate").status_code == 201
    assert problem(service.client.post("/v1/webhook-secret/rotate")) == (409, "webhook_secrets_too_many")


def test_a_caller_sees_and_rotates_their_own_alone(service: Service) -> None:
    app: Any = service.client.app
    shown: dict[str, list[dict[str, Any]]] = {}
    for owner in ("ann", "ben", "ann"):
        app.dependency_overrides[authenticated] = lambda owner=owner: Caller(owner)
        shown.setdefault(owner, secrets(service))
    assert shown["ann"][0]["secret"] != shown["ben"][0]["secret"]
    service.client.post("/v1/webhook-secret/rotate")  # by ann
    app.dependency_overrides[authenticated] = lambda: Caller("ben")
    assert secrets(service) == shown["ben"]


def test_the_secret_of_the_setting_is_shown_where_there_are_no_keys(service: Service) -> None:
    service.services.signing = Signing(SECRET)
    assert [one["secret"] for one in secrets(service)] == [SECRET]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/hook", "must begin with https://"),
        ("https://example.com:25/hook", "port 25"),
        ("https://localhost/hook", "not sent to localhost"),
        ("https://127.0.0.1/hook", "loopback"),
        ("https://2130706433/hook", "loopback"),
        ("https://0x7f.1/hook", "loopback"),
        ("https://0177.0.0.1/hook", "loopback"),
        ("https://①②⑦.⓪.⓪.①/hook", "loopback"),
        ("https://[::ffff:127.0.0.1]/hook", "IPv4 inside IPv6"),
        ("https://[64:ff9b::10.0.0.1]/hook", "NAT64"),
        ("https://169.254.169.254/latest/meta-data", "link-local"),
        ("https://10.0.0.1/hook", "private"),
        ("https://[fd00:ec2::254]/hook", "private"),
    ],
)
def test_a_webhook_to_an_address_that_is_plainly_denied_is_refused(
    service: Service, url: str, said: str
) -> None:
    response = service.submit(options={"webhook": {"url": url}})
    assert problem(response) == (422, "options_invalid")
    assert said in response.json()["detail"]
    assert "webhook.url" in response.json()["detail"]
    assert service.nothing_is_left()


def test_an_allowed_network_is_accepted(service: Service) -> None:
    service.services.webhook_policy = Policy.of(allow_http=True, allowed="127.0.0.0/8", denied="")
    assert service.submit(options={"webhook": {"url": "http://127.0.0.1:9000/"}}).status_code == 202


def test_a_secret_that_could_not_sign_is_refused(service: Service) -> None:
    webhook = {"url": "https://example.com/hook", "secret": "whsec_" + "A" * 33}
    assert problem(service.submit(options={"webhook": webhook})) == (422, "options_invalid")
