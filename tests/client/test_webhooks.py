"""Verifying webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from rotomill import Client, ConnectionFailed, WebhookError, webhooks
from standardwebhooks import Webhook

from tests.client.service import BREAK_AFTER, FakeService

# The test vector of the Standard Webhooks specification.
SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
SIGNED_AT = 1614265330
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(SIGNED_AT),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def verify(body: bytes = BODY, headers: dict[str, str] | None = None, secret: object = SECRET) -> object:
    return webhooks.verify(body, headers or HEADERS, secret, now=SIGNED_AT + 10)  # type: ignore[arg-type]  # both forms


def test_the_vector_of_the_specification_is_accepted() -> None:
    assert verify() == {"test": 2432232314}
    assert verify(secret=f"whsec_{SECRET}") == {"test": 2432232314}


def test_header_names_have_no_case() -> None:
    assert verify(headers={name.title(): value for name, value in HEADERS.items()})


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_other"},
        {"webhook-timestamp": str(SIGNED_AT + 1)},
        {"webhook-signature": "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="},
        {"webhook-signature": "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"webhook-signature": "v1,not base64 v1, g0hM"},
    ],
)
def test_a_changed_header_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(WebhookError) as caught:
        verify(headers=HEADERS | change)
    assert caught.value.code == "webhook_signature_mismatch"


def test_a_body_written_again_is_refused() -> None:
    with pytest.raises(WebhookError, match="signatures"):
        verify(body=b'{"test":2432232314}')


def test_one_good_signature_of_several_is_enough() -> None:
    signatures = f"v1a,abc v1,AAAA {HEADERS['webhook-signature']} v1,garbage!"
    assert verify(headers=HEADERS | {"webhook-signature": signatures})


def test_both_secrets_are_good_while_one_is_rotated() -> None:
    assert verify(secret=[webhooks.new_secret(), SECRET])
    with pytest.raises(WebhookError):
        verify(secret=[webhooks.new_secret(), webhooks.new_secret()])


@pytest.mark.parametrize(
    ("now", "code"), [(SIGNED_AT + 301, "webhook_too_old"), (SIGNED_AT - 301, "webhook_too_new")]
)
def test_a_webhook_of_another_time_is_refused(now: int, code: str) -> None:
    with pytest.raises(WebhookError) as caught:
        webhooks.verify(BODY, HEADERS, SECRET, now=now)
    assert caught.value.code == code
    assert webhooks.verify(BODY, HEADERS, SECRET, tolerance_seconds=400, now=now)


@pytest.mark.parametrize("name", list(HEADERS))
def test_a_missing_header_is_named(name: str) -> None:
    with pytest.raises(WebhookError, match=name):
        verify(headers={key: value for key, value in HEADERS.items() if key != name})


@pytest.mark.parametrize("timestamp", ["soon", "-5", "1e9", "²"])
def test_a_timestamp_that_is_no_number_is_refused(timestamp: str) -> None:
    with pytest.raises(WebhookError) as caught:
        verify(headers=HEADERS | {"webhook-timestamp": timestamp})
    assert caught.value.code == "webhook_timestamp_invalid"


@pytest.mark.parametrize("secret", ["", "whsec_", "not base64"])
def test_a_secret_that_is_none_is_named_so(secret: str) -> None:
    with pytest.raises(WebhookError) as caught:
        verify(secret=secret)
    assert caught.value.code == "webhook_secret_invalid"


@pytest.mark.parametrize("body", [b"no json", b"[1]"])
def test_a_signed_body_that_is_no_object_is_refused(body: bytes) -> None:
    signature = webhooks.sign(body, message_id="m", timestamp=SIGNED_AT, secret=SECRET)
    headers = {"webhook-id": "m", "webhook-timestamp": str(SIGNED_AT), "webhook-signature": signature}
    with pytest.raises(WebhookError) as caught:
        verify(body, headers)
    assert caught.value.code == "webhook_body_invalid"


def test_what_the_reference_library_signs_is_accepted_and_the_other_way_round() -> None:
    secret, body, now = webhooks.new_secret(), json.dumps({"name": "Süd"}).encode(), datetime.now(UTC)
    theirs = Webhook(secret).sign("msg_1", now, body.decode())
    ours = webhooks.sign(body, message_id="msg_1", timestamp=int(now.timestamp()), secret=secret)
    assert ours == theirs
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": ours,
    }
    assert webhooks.verify(body, headers, secret) == Webhook(secret).verify(body, headers)


def test_a_client_shows_the_secret(client: Client) -> None:
    (only,) = client.webhook_secrets()
    assert only.secret == "whsec_first"
    assert only.created_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert only.expires_at is None


def test_a_rotation_returns_the_new_secret_and_when_the_old_one_ends(client: Client) -> None:
    new, old = client.rotate_webhook_secret()
    assert (new.secret, new.expires_at) == ("whsec_number2", None)
    assert (old.secret, old.expires_at) == ("whsec_first", datetime(2026, 11, 21, 10, tzinfo=UTC))


def test_a_rotation_whose_answer_got_lost_is_not_made_twice(client: Client, service: FakeService) -> None:
    service.faults.append(BREAK_AFTER)
    with pytest.raises(ConnectionFailed):
        client.rotate_webhook_secret()
    assert [one.secret for one in client.webhook_secrets()] == ["whsec_number2", "whsec_first"]


def test_what_a_service_signs_during_a_rotation_is_accepted_with_either_secret() -> None:
    old, new, now = webhooks.new_secret(), webhooks.new_secret(), int(datetime.now(UTC).timestamp())
    signatures = [webhooks.sign(BODY, message_id="m", timestamp=now, secret=secret) for secret in (new, old)]
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(signatures),
    }
    for secret in (old, new):
        assert webhooks.verify(BODY, headers, secret)
    with pytest.raises(WebhookError):
        webhooks.verify(BODY, headers, webhooks.new_secret())
