"""Reading server-sent events."""

from __future__ import annotations

import pytest
from rotomill.events import Event, parse

STREAM = (
    "event: a\r\nid: 1\r\ndata: x\u2028y\u0085z\r\n\r\n"
    ": still here\n\n"
    "data: one\ndata: two\n\n"
    "id: 3\rdata\r\r"
).encode()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_the_same_however_the_bytes_arrive(size: int) -> None:
    chunks = [STREAM[i : i + size] for i in range(0, len(STREAM), size)]
    assert list(parse([*chunks, b"\n"])) == [
        Event("a", "x\u2028y\u0085z", "1"),
        Event("message", "one\ntwo", "1"),
        Event("message", "", "3"),
    ]


def test_an_event_cut_off_in_the_middle_is_dropped() -> None:
    assert list(parse([b"event: a\ndata: {", b'"id": 1}'])) == []
