"""The demonstration's webhook receiver."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from rotomill import WebhookError, webhooks

from demo.receiver import NothingReceivedError, Receiver


def send(receiver: Receiver, secret: str, body: bytes) -> int:
    now = int(time.time())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": webhooks.sign(body, message_id="msg_1", timestamp=now, secret=secret),
    }
    return httpx.post(receiver.url, content=body, headers=headers, trust_env=False).status_code


def test_a_signed_webhook_is_accepted_and_handed_on() -> None:
    secret = webhooks.new_secret()
    with Receiver(secret) as receiver:
        assert send(receiver, secret, json.dumps({"type": "job.succeeded"}).encode()) == 204
        notice = receiver.wait(5)
    assert (notice.message_id, notice.payload) == ("msg_1", {"type": "job.succeeded"})


def test_a_webhook_signed_by_somebody_else_is_refused_and_told() -> None:
    with Receiver(webhooks.new_secret()) as receiver:
        assert send(receiver, webhooks.new_secret(), b"{}") == 400
        with pytest.raises(WebhookError):
            receiver.wait(5)


def test_no_webhook_is_an_error_after_a_while() -> None:
    with Receiver(webhooks.new_secret()) as receiver, pytest.raises(NothingReceivedError):
        receiver.wait(0.01)
