"""A secret per owner, and its rotation."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from storage import webhook_secrets
from storage.database import Database
from storage.errors import TooManySecretsError
from storage.webhook_secrets import MOST_VALID, adopt, new_secret, rotate
from tests.clock import Clock

DAY = timedelta(hours=24)


def valid(database: Database, owner: str = "ann") -> list[str]:
    return [one.secret for one in webhook_secrets.valid(database, owner)]


def test_the_first_secret_is_made_on_first_need_and_stays(database: Database) -> None:
    first = valid(database)
    assert len(first) == 1
    assert first[0].startswith("whsec_")
    assert valid(database) == first


def test_owners_have_secrets_of_their_own(database: Database) -> None:
    before = valid(database, "ben")
    assert valid(database, "ann") != before
    rotate(database, "ann", overlap=DAY)
    assert valid(database, "ben") == before


def test_after_a_rotation_two_are_valid_for_the_overlap_and_then_the_new_one(
    database: Database, clock: Clock
) -> None:
    (old,) = valid(database)
    new, before = rotate(database, "ann", overlap=DAY)
    assert before.secret == old
    assert new.secret != old
    assert (new.retires_at, before.retires_at) == (None, clock.now + DAY)
    clock.pass_(hours=23, minutes=59)
    assert valid(database) == [new.secret, old]
    clock.pass_(minutes=1)
    assert valid(database) == [new.secret]


def test_a_rotation_before_the_first_need_leaves_something_to_rotate_from(database: Database) -> None:
    assert len(rotate(database, "ann", overlap=DAY)) == 2


def test_a_second_rotation_does_not_shorten_what_was_promised_of_the_first(
    database: Database, clock: Clock
) -> None:
    (old,) = valid(database)
    rotate(database, "ann", overlap=DAY)
    clock.pass_(hours=1)
    third, second, first = rotate(database, "ann", overlap=DAY)
    assert first.secret == old
    clock.pass_(hours=23)
    assert valid(database) == [third.secret, second.secret]


def test_rotations_without_end_are_refused_until_the_oldest_has_retired(
    database: Database, clock: Clock
) -> None:
    for _ in range(MOST_VALID - 1):
        rotate(database, "ann", overlap=DAY)
    with pytest.raises(TooManySecretsError):
        rotate(database, "ann", overlap=DAY)
    assert len(valid(database)) == MOST_VALID
    clock.pass_(hours=24)
    rotate(database, "ann", overlap=DAY)


def test_many_who_need_the_first_secret_at_once_get_the_same(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: tuple(valid(database)), range(16)))
    assert len(set(found)) == 1
    assert len(found[0]) == 1


def test_a_setting_is_adopted_once_and_its_change_is_a_rotation(database: Database, clock: Clock) -> None:
    first, second = new_secret(), new_secret()
    for _ in range(2):
        adopt(database, "local", first, overlap=DAY)
    assert valid(database, "local") == [first]
    for secret in (second, first, second):  # one process has the new setting, another still the old one
        adopt(database, "local", secret, overlap=DAY)
    assert valid(database, "local") == [second, first]
    clock.pass_(hours=25)
    adopt(database, "local", first, overlap=DAY)  # a process that was forgotten
    assert valid(database, "local") == [second]


def test_a_rotation_by_the_caller_outlives_the_setting(database: Database, clock: Clock) -> None:
    setting = new_secret()
    adopt(database, "local", setting, overlap=DAY)
    new = rotate(database, "local", overlap=DAY)[0]
    clock.pass_(hours=25)
    adopt(database, "local", setting, overlap=DAY)
    assert valid(database, "local") == [new.secret]


def test_many_who_adopt_the_same_setting_at_once_store_it_once(database: Database) -> None:
    secret = new_secret()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: adopt(database, "local", secret, overlap=DAY), range(16)))
    assert valid(database, "local") == [secret]
