"""Messages from a side that need not be well-behaved."""

import threading

import pytest

from worker.channel import Channel, pair


class EnoughError(Exception):
    """Whoever waits has waited for long enough."""


def test_a_side_that_sends_a_byte_at_a_time_does_not_keep_the_other_from_looking_at_the_clock() -> None:
    here, there = pair()
    here.settimeout(0.05)
    ended = threading.Event()

    def trickle() -> None:
        there.send(b"\x00")
        while not ended.wait(0.03):
            there.send(b"\x00")

    trickling = threading.Thread(target=trickle)
    trickling.start()

    def enough() -> None:
        raise EnoughError

    try:
        # the head alone takes a third of a second to come, and announces nothing
        with pytest.raises(EnoughError):
            Channel(here).receive(0, enough)
    finally:
        ended.set()
        trickling.join()
        here.close()
        there.close()


def test_what_is_said_arrives_whole_with_its_bytes() -> None:
    here, there = pair()
    here.settimeout(5)
    Channel(there).send({"a": [1, "ä"]}, b"bytes")
    assert Channel(here).receive(5) == ({"a": [1, "ä"]}, bytearray(b"bytes"))
