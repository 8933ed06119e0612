import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from storage import deliveries, submissions, webhook_secrets
from storage.database import Database
from storage.deliveries import Delivery, DeliveryStatus
from storage.owners import LOCAL
from tests.clock import Clock
from tests.receiver import Receiver, receiving
from tests.storage.records import OPTIONS, WEBHOOK, submit, submit_with_webhook
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


def test_a_callers_own_secret_that_cannot_sign_is_a_failed_attempt_not_a_crash(database: Database) -> None:
    """Jobs of an earlier version may carry one."""
    with receiving(Receiver()) as receiver:
        delivery = send(database, canceled(database, receiver.url, secret="whsec_" + "A" * 33))
    assert receiver.received == []
    assert delivery.status is DeliveryStatus.PENDING
    assert "webhook.secret" in delivery.attempts[0]["error"]


def test_a_denied_address_is_a_failed_attempt_in_plain_words(database: Database, clock: Clock) -> None:
    with receiving(Receiver()) as receiver:
        delivery = canceled(database, receiver.url)
        claimed = deliveries.claim(database, delivery.id, webhooks.CLAIM)
        assert claimed
        strict = Sender(Policy(allow_http=True), certificates=SENDER.certificates)
        webhooks.send(database, claimed, signing=SIGNING, sender=strict, jitter=lambda: 0)
    assert receiver.received == []
    (delivery,) = deliveries.of(database, delivery.job_id)
    assert delivery.status is DeliveryStatus.PENDING
    assert delivery.next_attempt_at == clock.now + SCHEDULE[1]
    assert delivery.attempts[0]["status_code"] is None
    assert delivery.attempts[0]["error"].startswith("address_denied: webhooks are not sent to 127.0.0.1")


def test_during_a_rotation_a_delivery_verifies_with_both_secrets_and_then_with_the_new_one_alone(
    database: Database, clock: Clock
) -> None:
    clock.now = datetime.now(UTC)  # the receiver's library compares with the real time
    signing = Signing()
    (old,) = (one.secret for one in signing.secrets(database, LOCAL))
    new = signing.rotate(database, LOCAL)[0].secret
    during = verdicts(database, signing, [old, new])
    # the promise of the old one ends a day after the rotation: as if that had been yesterday
    retire_now(database)
    after = verdicts(database, signing, [old, new])
    assert during == [True, True]
    assert after == [False, True]


def verdicts(database: Database, signing: Signing, secrets: list[str]) -> list[bool]:
    """Whether a receiver accepts a delivery with each of the secrets."""
    with receiving(Receiver()) as receiver:
        delivery = canceled(database, receiver.url)
        claimed = deliveries.claim(database, delivery.id, webhooks.CLAIM)
        assert claimed
        webhooks.send(database, claimed, signing=signing, sender=SENDER)
    (request,) = receiver.received
    found = []
    for secret in secrets:
        try:
            found.append(bool(Webhook(secret).verify(request.body, request.headers)))
        except WebhookVerificationError:
            found.append(False)
    return found


def retire_now(database: Database) -> None:
    table = webhook_secrets.webhook_secrets
    with database.write() as connection:
        connection.execute(
            sa.update(table).where(table.c.retires_at.is_not(None)).values(retires_at=database.now())
        )


def test_each_owners_deliveries_are_signed_with_their_own_secret(database: Database, clock: Clock) -> None:
    clock.now = datetime.now(UTC)
    anns, bens = (SIGNING.secrets(database, owner)[0].secret for owner in ("ann", "ben"))
    with receiving(Receiver()) as receiver:
        webhook = WEBHOOK | {"url": receiver.url}
        job = submit(database, owner="ann", options=OPTIONS | {"webhook": webhook})
        submissions.cancel(database, job.id)
        send(database, deliveries.of(database, job.id)[0])
    (request,) = receiver.received
    assert Webhook(anns).verify(request.body, request.headers)
    for other in (bens, SECRET):
        with pytest.raises(WebhookVerificationError):
            Webhook(other).verify(request.body, request.headers)


def test_everything_that_is_due_is_sent(database: Database) -> None:
    with receiving(Receiver()) as receiver:
        owed = [canceled(database, receiver.url) for _ in range(5)]
        assert webhooks.send_due(database, signing=SIGNING, sender=SENDER) is False
    assert {request.headers["webhook-id"] for request in receiver.received} == {one.id for one in owed}
