"""Whose delivery is next."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from storage import deliveries, submissions
from storage.database import Database
from storage.deliveries import MOST_AT_ONE_RECEIVER, Delivery, DeliveryStatus
from tests.clock import Clock
from tests.storage.records import OPTIONS, WEBHOOK, submit

CLAIM = timedelta(minutes=2)


def owe(database: Database, owner: str, host: str, count: int = 1) -> None:
    """Deliveries that are due: of canceled jobs, whose callers want to know."""
    webhook = WEBHOOK | {"url": f"https://{host}/hook"}
    for _ in range(count):
        job = submit(database, owner=owner, options=OPTIONS | {"webhook": webhook})
        submissions.cancel(database, job.id)


def claim(database: Database) -> Delivery | None:
    return deliveries.claim_next(database, CLAIM)


def claimed(database: Database) -> tuple[str, str | None]:
    found = claim(database)
    assert found is not None
    return found.owner, found.receiver


def settle(database: Database, delivery: Delivery, **change: Any) -> None:
    attempt = {"at": database.now().isoformat(), "status_code": 200, "error": None}
    outcome = {"status": DeliveryStatus.DELIVERED, "next_attempt_at": None} | change
    deliveries.record(database, delivery, attempt=attempt, **outcome)


def test_each_is_claimed_once_oldest_first(database: Database, clock: Clock) -> None:
    for host in ("a.example", "b.example", "c.example"):
        owe(database, "ann", host)
        clock.pass_(seconds=1)
    assert [claimed(database)[1] for _ in range(3)] == ["a.example", "b.example", "c.example"]
    assert claim(database) is None


def test_thousands_owed_to_one_dead_receiver_delay_nobody_else(database: Database, clock: Clock) -> None:
    owe(database, "ann", "dead.example", 40)
    clock.pass_(minutes=5)
    owe(database, "ben", "alive.example", 2)
    held = [claimed(database) for _ in range(2)]
    assert sorted(held) == [("ann", "dead.example"), ("ben", "alive.example")]
    assert claimed(database)[0] in {"ann", "ben"}


def test_a_receiver_that_answers_nobody_holds_few_senders(database: Database) -> None:
    owe(database, "ann", "dead.example", 10)
    for _ in range(MOST_AT_ONE_RECEIVER):
        assert claim(database)
    assert claim(database) is None
    owe(database, "ann", "alive.example")
    assert claimed(database) == ("ann", "alive.example")


def test_an_owner_with_many_dead_receivers_leaves_turns_to_others(database: Database, clock: Clock) -> None:
    for number in range(20):
        owe(database, "ann", f"dead{number}.example", 2)
    for _ in range(3):
        assert claimed(database)[0] == "ann"
    clock.pass_(seconds=10)
    owe(database, "ben", "alive.example", 3)
    found = []
    for _ in range(3):
        delivery = claim(database)
        assert delivery is not None
        found.append(delivery.owner)
        settle(database, delivery)
    assert found == ["ben", "ben", "ben"]


def test_what_was_sent_or_waits_for_its_time_is_not_due(database: Database, clock: Clock) -> None:
    owe(database, "ann", "a.example", 2)
    first, second = claim(database), claim(database)
    assert first is not None
    assert second is not None
    settle(database, first)
    settle(
        database,
        second,
        status=DeliveryStatus.PENDING,
        next_attempt_at=clock.now + timedelta(seconds=5),
    )
    assert claim(database) is None
    clock.pass_(seconds=5)
    again = claim(database)
    assert again is not None
    assert again.id == second.id


def test_the_claim_of_a_sender_that_died_runs_out(database: Database, clock: Clock) -> None:
    owe(database, "ann", "a.example")
    assert claim(database)
    assert claim(database) is None
    clock.pass_(seconds=121)
    assert claim(database)


def test_deliveries_of_an_earlier_version_are_sent_too(database: Database) -> None:
    owe(database, "ann", "a.example", 3)
    with database.write() as connection:
        connection.execute(sa.update(deliveries.deliveries).values(receiver=None))
    assert all(claim(database) for _ in range(3))


def test_many_senders_at_once_claim_each_delivery_once(database: Database) -> None:
    for number in range(10):
        owe(database, "ann", f"r{number}.example")
    with ThreadPoolExecutor(8) as pool:
        found = [one for one in pool.map(lambda _: claim(database), range(20)) if one]
    # on PostgreSQL one that somebody else is just claiming is passed over
    assert len({one.id for one in found}) == len(found)
    while one := claim(database):
        found.append(one)
    assert len({one.id for one in found}) == 10


def test_the_due_are_counted_up_to_a_bound(database: Database) -> None:
    assert deliveries.count_due(database, 8) == 0
    owe(database, "ann", "a.example", 5)
    assert deliveries.count_due(database, 8) == 5
    assert deliveries.count_due(database, 3) == 3


def test_one_asked_for_again_while_it_is_being_sent_is_owed_again(database: Database) -> None:
    """The attempt under way might be the last, and fail."""
    owe(database, "ann", "a.example")
    sending = claim(database)
    assert sending is not None
    assert deliveries.reschedule(database, sending.job_id, sending.number) is not None
    settle(database, sending, status=DeliveryStatus.FAILED)
    (owed,) = deliveries.of(database, sending.job_id)
    assert (owed.status, owed.tries) == (DeliveryStatus.PENDING, 0)
