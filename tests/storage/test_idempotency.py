from dataclasses import replace
from datetime import timedelta

import pytest

from storage import idempotency, submissions
from storage.database import Database
from storage.errors import IdempotencyLostError
from storage.idempotency import Claim, Stored
from storage.owners import LOCAL
from tests.clock import Clock
from tests.storage.records import new_job

LOCK = timedelta(seconds=60)


def held(database: Database, key: str = "key", token: str = "one") -> Claim:
    found = idempotency.claim(database, LOCAL, key, token, LOCK)
    assert isinstance(found, Claim)
    return replace(found, fingerprint="f" * 64)


def test_a_key_leads_to_the_job_it_made(database: Database) -> None:
    job = submissions.submit(database, new_job(database), claim=held(database))
    assert idempotency.claim(database, LOCAL, "key", "two", LOCK) == Stored("f" * 64, job.id)


def test_a_key_is_busy_while_its_first_request_is_being_received(database: Database) -> None:
    held(database)
    assert idempotency.claim(database, LOCAL, "key", "two", LOCK) == Stored(None, None)


def test_a_refused_request_gives_its_key_back(database: Database) -> None:
    idempotency.release(database, held(database))
    assert isinstance(idempotency.claim(database, LOCAL, "key", "two", LOCK), Claim)


def test_the_key_of_a_request_that_died_is_free_after_a_while(database: Database, clock: Clock) -> None:
    held(database)
    clock.pass_(seconds=61)
    assert isinstance(idempotency.claim(database, LOCAL, "key", "two", LOCK), Claim)


def test_a_request_that_lost_its_key_makes_no_job(database: Database, clock: Clock) -> None:
    slow = held(database)
    clock.pass_(seconds=61)
    held(database, token="two")
    job = new_job(database)
    with pytest.raises(IdempotencyLostError):
        submissions.submit(database, job, claim=slow)
    assert submissions.delete(database, job.id) is None


def test_a_renewed_key_is_kept(database: Database, clock: Clock) -> None:
    slow = held(database)
    for _ in range(5):
        clock.pass_(seconds=50)
        idempotency.renew(database, slow, LOCK)
    assert idempotency.claim(database, LOCAL, "key", "two", LOCK) == Stored(None, None)


def test_a_key_is_forgotten_after_a_day(database: Database, clock: Clock) -> None:
    submissions.submit(database, new_job(database), claim=held(database))
    clock.pass_(hours=25)
    assert isinstance(idempotency.claim(database, LOCAL, "key", "two", LOCK), Claim)


def test_the_same_key_of_another_owner_is_another_key(database: Database) -> None:
    job = submissions.submit(database, new_job(database), claim=held(database))
    assert isinstance(idempotency.claim(database, "another", "key", "two", LOCK), Claim)
    assert idempotency.claim(database, LOCAL, "key", "three", LOCK) == Stored("f" * 64, job.id)
