import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from storage import deliveries, submissions
from storage.database import Database
from storage.deliveries import Delivery, DeliveryStatus
from tests.clock import Clock
from tests.receiver import Receiver, receiving
from tests.storage.records import submit_with_webhook
from worker import webhooks
from worker.addresses import Policy
from worker.sender import Sender
from worker.signing import Signing
from worker.webhooks import SCHEDULE

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNING = Signing(SECRET)
SENDER = Sender(Policy.of(allow_http=True, allowed="127.0.0.0/8", denied=""), timeout_seconds=2)


def canceled(database: Database, url: str, **webhook: str) -> Delivery:
    """A delivery that is owed: the waiting job of a caller who wants to know was canceled."""
    job = submit_with_webhook(database, url=url, **webhook)
    submissions.cancel(database, job.id)
    return deliveries.of(database, job.id)[0]


def send(database: Database, delivery: Delivery, jitter: float = 0.0) -> Delivery:
    claimed = deliveries.claim(database, delivery.id, webhooks.CLAIM)
    if claimed:
        webhooks.send(database, claimed, signing=SIGNING, sender=SENDER, jitter=lambda: jitter)
    return deliveries.of(database, delivery.job_id)[delivery.number - 1]


def test_the_signature_is_the_specifications() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    signed = webhooks.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', [SECRET], at)
    assert signed["webhook-timestamp"] == "1614265330"
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_delivery_arrives_signed_and_tells_of_the_job(database: Database, clock: Clock) -> None:
    clock.now = datetime.now(UTC)  # the receiver's library compares with the real time
    with receiving(Receiver()) as receiver:
        delivery = send(database, canceled(database, receiver.url))
    assert delivery.status is DeliveryStatus.DELIVERED
    (request,) = receiver.received
    told = Webhook(SECRET).verify(request.body, request.headers)
    assert told == json.loads(request.body)
    assert told["type"] == "job.canceled"
    assert told["data"]["id"] == delivery.job_id
    assert told["data"]["status"] == "canceled"
    assert request.headers["webhook-id"] == delivery.id


def test_a_callers_own_secret_signs_and_is_not_told(database: Database, clock: Clock) -> None:
    clock.now = datetime.now(UTC)
    own = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    with receiving(Receiver()) as receiver:
        send(database, canceled(database, receiver.url, secret=own))
    (request,) = receiver.received
    assert Webhook(own).verify(request.body, request.headers)
    assert own not in request.body.decode()


def test_a_receiver_that_fails_is_tried_on_the_published_schedule(database: Database, clock: Clock) -> None:
    waits = []
    with receiving(Receiver(answers=[500])) as receiver:
        delivery = canceled(database, receiver.url)
        while delivery.status is DeliveryStatus.PENDING:
            assert delivery.next_attempt_at is not None
            waits.append(delivery.next_attempt_at - clock.now)
            clock.now = delivery.next_attempt_at
            delivery = send(database, delivery)
    assert waits == list(SCHEDULE)
    assert sum(waits, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert delivery.status is DeliveryStatus.FAILED
    assert len(delivery.attempts) == len(receiver.received) == 10
    assert {request.headers["webhook-id"] for request in receiver.received} == {delivery.id}


def test_the_wait_is_spread_by_at_most_a_tenth(database: Database, clock: Clock) -> None:
    with receiving(Receiver(answers=[500])) as receiver:
        delivery = send(database, canceled(database, receiver.url), jitter=1.0)
    assert delivery.next_attempt_at == clock.now + timedelta(seconds=5.5)


@pytest.mark.parametrize(("status", "waited"), [(429, 3600), (503, 3600), (500, 5)])
def test_an_overloaded_receiver_says_when_to_come_back(
    database: Database, clock: Clock, status: int, waited: int
) -> None:
    with receiving(Receiver(answers=[status], headers={"retry-after": "3600"})) as receiver:
        delivery = send(database, canceled(database, receiver.url))
    assert delivery.next_attempt_at == clock.now + timedelta(seconds=waited)


def test_a_receiver_that_is_gone_is_left_alone(database: Database) -> None:
    with receiving(Receiver(answers=[410])) as receiver:
        delivery = send(database, canceled(database, receiver.url))
    assert delivery.status is DeliveryStatus.FAILED


def test_a_redirect_is_not_followed(database: Database) -> None:
    with receiving(Receiver()) as elsewhere:
        headers = {"location": elsewhere.url}
        with receiving(Receiver(answers=[307], headers=headers)) as receiver:
            delivery = send(database, canceled(database, receiver.url))
    assert delivery.status is DeliveryStatus.PENDING
    assert elsewhere.received == []
    assert delivery.attempts[0]["status_code"] == 307
    assert "redirects are not followed" in delivery.attempts[0]["error"]


def test_a_receiver_that_is_not_there_is_an_attempt_like_any_other(database: Database) -> None:
    with receiving(Receiver()) as receiver:
        url = receiver.url
    delivery = send(database, canceled(database, url))
    assert delivery.status is DeliveryStatus.PENDING
    assert delivery.attempts[0]["status_code"] is None
    assert "ConnectError" in delivery.attempts[0]["error"]


def test_two_senders_send_once(database: Database) -> None:
    with receiving(Receiver()) as receiver:
        delivery = canceled(database, receiver.url)
        claimed = deliveries.claim(database, delivery.id, webhooks.CLAIM)
        send(database, delivery)
    assert claimed is not None
    assert receiver.received == []


def test_a_sender_that_died_is_replaced(database: Database, clock: Clock) -> None:
    with receiving(Receiver()) as receiver:
        delivery = canceled(database, receiver.url)
        deliveries.claim(database, delivery.id, webhooks.CLAIM)
        clock.pass_(seconds=121)
        assert send(database, delivery).status is DeliveryStatus.DELIVERED


def test_a_redelivery_begins_the_schedule_anew_under_the_same_id(database: Database) -> None:
    with receiving(Receiver(answers=[410, 200])) as receiver:
        failed = send(database, canceled(database, receiver.url))
        again = deliveries.reschedule(database, failed.job_id, failed.number)
        assert again is not None
        delivered = send(database, again)
    assert delivered.status is DeliveryStatus.DELIVERED
    assert len(delivered.attempts) == 2
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
