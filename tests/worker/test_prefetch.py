"""Prefetching changes when items are made, not what comes out."""

import threading
from collections.abc import Iterator

import pytest

from worker.prefetch import prefetched


def test_items_come_in_order_and_all() -> None:
    assert list(prefetched(iter(range(100)))) == list(range(100))
    assert list(prefetched([])) == []


def test_errors_come_in_their_turn() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("at the second")

    items = prefetched(broken())
    assert next(items) == 1
    with pytest.raises(ValueError, match="second"):
        next(items)


def test_no_more_are_made_than_can_wait() -> None:
    """Memory does not grow: nothing runs away from a slow user."""
    made: list[int] = []
    enough = threading.Event()

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 4:
                enough.set()
            yield number

    with_four = prefetched(items(), ahead=4)
    assert next(with_four) == 0
    assert enough.wait(5)
    with_four.close()
    assert len(made) <= 7


def test_whoever_stops_early_leaves_no_thread() -> None:
    before = threading.active_count()
    items = prefetched(iter(range(1000)))
    next(items)
    items.close()
    assert threading.active_count() == before
