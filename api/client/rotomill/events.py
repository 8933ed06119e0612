"""Server-sent events (WHATWG HTML 9.2), as far as the service sends them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# One event is a job's JSON; a line without an end must not fill the memory.
_LONGEST_LINE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its type, its data, and the last id seen so far."""

    name: str
    data: str
    id: str | None


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Split a byte stream at CR LF, LF or CR only: U+2028 inside a job's metadata ends no line."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        # A CR at the very end may be the first half of CR LF: leave it for the next chunk.
        held = b"\r" if rest.endswith(b"\r") else b""
        *complete, rest = rest.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        rest += held
        if len(rest) > _LONGEST_LINE_BYTES:
            return
        for line in complete:
            yield line.decode("utf-8", errors="replace")


def parse(chunks: Iterable[bytes]) -> Iterator[Event]:
    """Yield the events of a stream; one that is cut off in the middle is dropped, as the standard says."""
    name, data, last_id = "message", list[str](), None
    for line in lines(chunks):
        if not line:
            if data:
                yield Event(name, "\n".join(data), last_id)
            name, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id" and "\0" not in value:
            last_id = value
