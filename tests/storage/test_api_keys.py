import pytest

from storage import api_keys
from storage.database import Database
from tests.clock import Clock


def test_a_key_is_found_by_its_text_and_only_its_hash_is_stored(database: Database) -> None:
    key, text = api_keys.create(database, "studio", "render farm")
    assert api_keys.KEY.fullmatch(text)
    assert api_keys.find(database, text) == key
    with database.read() as connection:
        stored = connection.execute(api_keys.api_keys.select()).one()
    assert text not in str(stored)


@pytest.mark.parametrize("text", ["", "rm_", "rm_" + "A" * 43, "rm_" + "\0" * 43, "x" * 10_000, "rm_ü"])
def test_a_text_that_is_no_key_finds_nothing(database: Database, text: str) -> None:
    api_keys.create(database, "studio")
    assert api_keys.find(database, text) is None


def test_a_revoked_key_finds_nothing_and_keeps_its_first_time(database: Database, clock: Clock) -> None:
    key, text = api_keys.create(database, "studio")
    assert api_keys.any_valid(database)
    first = api_keys.revoke(database, key.id)
    clock.pass_(hours=1)
    assert api_keys.revoke(database, key.id) == first
    assert api_keys.find(database, text) is None
    assert not api_keys.any_valid(database)
    assert api_keys.revoke(database, "key_unknown") is None


def test_the_last_use_is_noted_at_most_once_a_minute(database: Database, clock: Clock) -> None:
    _, text = api_keys.create(database, "studio")
    times = []
    for _ in range(3):
        found = api_keys.find(database, text)
        assert found is not None
        api_keys.note_used(database, found)
        times.append(api_keys.all_of(database)[0].last_used_at)
        clock.pass_(seconds=40)
    assert times[0] == times[1] != times[2]


@pytest.mark.parametrize("owner", ["", "two words", "-x", "a" * 65, "a\n", "../x", "ü"])
def test_an_owner_has_a_plain_name(database: Database, owner: str) -> None:
    with pytest.raises(ValueError, match="An owner"):
        api_keys.create(database, owner)


def test_keys_are_listed_by_owner(database: Database) -> None:
    mine, _ = api_keys.create(database, "a")
    other, _ = api_keys.create(database, "b")
    assert {key.id for key in api_keys.all_of(database)} == {mine.id, other.id}
    assert [key.id for key in api_keys.all_of(database, "b")] == [other.id]
