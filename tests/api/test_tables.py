"""What is known of clips is kept while there is room for it."""

from api.tables import Tables


def test_what_was_asked_for_last_stays() -> None:
    tables = Tables(most_bytes=30)
    for key in ("a", "b", "c"):
        tables.put(key, key.encode() * 10)
    assert tables.get("a") == b"a" * 10
    tables.put("d", b"d" * 10)
    assert [tables.get(key) for key in ("a", "b", "c", "d")] == [b"a" * 10, b"", b"c" * 10, b"d" * 10]


def test_a_table_that_comes_again_counts_once() -> None:
    tables = Tables(most_bytes=20)
    for _ in range(3):
        tables.put("a", b"a" * 10)
        tables.put("b", b"b" * 10)
    assert tables.get("a")
    assert tables.get("b")


def test_one_that_is_larger_than_the_room_is_not_kept() -> None:
    tables = Tables(most_bytes=20)
    tables.put("a", b"a" * 10)
    tables.put("b", bytes(21))
    assert not tables.get("b")
    tables.put("c", b"c")
    assert tables.get("c") == b"c"
