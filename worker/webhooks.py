"""Sends what is owed to webhooks: Standard Webhooks 1.0, one attempt at a time, on the published schedule.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import structlog
from standardwebhooks import Webhook

from storage import deliveries, jobs
from storage.database import Database
from storage.deliveries import Delivery, DeliveryStatus

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
OVERLOADED = frozenset({429, 502, 503, 504})
MOST_RETRY_AFTER = timedelta(hours=24)


@dataclass(frozen=True)
class Answer:
    """What the receiver said: a status code, or an error where it said nothing."""

    status_code: int | None
    error: str | None = None
    retry_after: timedelta | None = None

    @property
    def accepted(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


def headers(delivery_id: str, body: str, secret: str, at: datetime) -> dict[str, str]:
    """The three headers that let a receiver verify the body. `at` must be UTC: the library drops the zone."""
    return {
        "content-type": "application/json",
        "user-agent": "Rotomill-Webhooks/1",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery_id, at, body),
    }


def post(client: httpx.Client, url: str, body: str, signed: dict[str, str]) -> Answer:
    """One attempt. Redirects are not followed, and the answer's body is not read."""
    try:
        with client.stream("POST", url, content=body.encode(), headers=signed) as response:
            return Answer(response.status_code, retry_after=_retry_after(response))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Answer(None, error=f"{type(error).__name__}: {error}"[:300])


def deliver(
    database: Database,
    delivery_id: str,
    *,
    secret: str,
    client: httpx.Client,
    jitter: Callable[[], float] = random.random,
) -> None:
    """Send a delivery if it is due and record what came of it."""
    delivery = deliveries.claim(database, delivery_id, CLAIM)
    if delivery is None:
        return
    job = jobs.get(database, delivery.job_id)
    own_secret = (job.options.get("webhook") or {}).get("secret") if job else None
    at = database.now()
    answer = post(
        client, delivery.url, delivery.body, headers(delivery.id, delivery.body, own_secret or secret, at)
    )
    status, next_attempt_at = verdict(delivery, answer, database.now(), jitter())
    attempt = {"at": at.isoformat(), "status_code": answer.status_code, "error": answer.error}
    deliveries.record(database, delivery, status=status, attempt=attempt, next_attempt_at=next_attempt_at)
    log.info(
        "delivery attempted",
        job_id=delivery.job_id,
        delivery_id=delivery.id,
        delivery_status=status.value,
        **_told(answer),
    )


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


def _retry_after(response: httpx.Response) -> timedelta | None:
    if response.status_code not in OVERLOADED:
        return None
    seconds = response.headers.get("retry-after", "")
    return timedelta(seconds=int(seconds)) if seconds.isdigit() else None


def _told(answer: Answer) -> dict[str, Any]:
    return {"status_code": answer.status_code, "error": answer.error}
