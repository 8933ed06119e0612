"""Sends what is owed to webhooks: Standard Webhooks 1.0, one attempt at a time, on the published schedule.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from standardwebhooks import Webhook

from storage import deliveries, jobs
from storage.database import Database
from storage.deliveries import Delivery, DeliveryStatus
from storage.jobs import Job
from worker import observation
from worker.sender import Answer, Sender
from worker.signing import Signing

log = structlog.get_logger(__name__)

# The specification's schedule: the wait before each of ten attempts, about 75 hours and a half in all.
SCHEDULE = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)

# so that receivers that come back are not met by all deliveries in the same second
JITTER = 0.1

# how long a claimed delivery is left to its sender; longer than any time-out we allow
CLAIM = timedelta(minutes=2)

GONE = 410
MOST_RETRY_AFTER = timedelta(hours=24)

# How long one call of `send_due` goes on: the courier's other tasks wait for it.
SENDING_SECONDS = 2.0


def headers(delivery_id: str, body: str, secrets: Sequence[str], at: datetime) -> dict[str, str]:
    """What lets a receiver verify the body, by any of the secrets. `at` must be UTC: the library drops the zone."""
    return {
        "content-type": "application/json",
        "user-agent": "Rotomill-Webhooks/1",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(delivery_id, at, body) for secret in secrets),
    }


def send_due(database: Database, *, signing: Signing, sender: Sender) -> bool:
    """Send what is due, in turn, for a little while; whether there may be more."""
    end = time.monotonic() + SENDING_SECONDS
    while time.monotonic() < end:
        delivery = deliveries.claim_next(database, CLAIM)
        if delivery is None:
            return False
        send(database, delivery, signing=signing, sender=sender)
    return True


def send(
    database: Database,
    delivery: Delivery,
    *,
    signing: Signing,
    sender: Sender,
    jitter: Callable[[], float] = random.random,
) -> None:
    """Send a delivery that we have claimed, and record what came of it."""
    job = jobs.get(database, delivery.job_id)
    with observation.delivery(delivery, job) as sent:
        at = database.now()
        answer = _sent(database, job, delivery, at, signing, sender)
        status, next_attempt_at = verdict(delivery, answer, database.now(), jitter())
        attempt = {"at": at.isoformat(), "status_code": answer.status_code, "error": answer.error}
        deliveries.record(database, delivery, status=status, attempt=attempt, next_attempt_at=next_attempt_at)
        sent.stands(status, answer)
        about = {"job_id": delivery.job_id, "delivery_id": delivery.id}
        log.info("delivery attempted", **about, delivery_status=status.value, **_told(answer))
        if status is DeliveryStatus.FAILED:
            log.warning("delivery given up", **about, owner=delivery.owner, receiver=delivery.receiver)


def _sent(
    database: Database, job: Job | None, delivery: Delivery, at: datetime, signing: Signing, sender: Sender
) -> Answer:
    own_secret = (job.options.get("webhook") or {}).get("secret") if job else None
    secrets = (
        [own_secret] if own_secret else [one.secret for one in signing.secrets(database, delivery.owner)]
    )
    try:
        signed = headers(delivery.id, delivery.body, secrets, at)
    except ValueError:  # a job of an earlier version, which did not look so closely
        return Answer(
            None, error="secret_invalid: the job's webhook.secret is not base64, so nothing can sign"
        )
    return sender.post(delivery.url, delivery.body, signed)


def verdict(
    delivery: Delivery, answer: Answer, now: datetime, jitter: float
) -> tuple[DeliveryStatus, datetime | None]:
    """Where the delivery stands after an answer, and when to try again. `jitter` is in 0–1."""
    if answer.accepted:
        return DeliveryStatus.DELIVERED, None
    tries = delivery.tries + 1
    if answer.status_code == GONE or tries >= len(SCHEDULE):
        return DeliveryStatus.FAILED, None
    wait = SCHEDULE[tries] * (1 + JITTER * jitter)
    if answer.retry_after is not None:
        wait = max(wait, min(answer.retry_after, MOST_RETRY_AFTER))
    return DeliveryStatus.PENDING, now + wait


def _told(answer: Answer) -> dict[str, Any]:
    return {"status_code": answer.status_code, "error": answer.error}
