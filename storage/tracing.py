"""Which request something is done for: W3C trace context, and spans by OpenTelemetry where an endpoint is set.

Without an endpoint no library of it is loaded, and there are trace ids all the same: in `jobs.trace` and in the logs.
"""

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from enum import IntEnum
from typing import Any

Attributes = Mapping[str, str | int | float | bool]

# Of https://www.w3.org/TR/trace-context/: version, trace id, id of the span that is the parent, flags.
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")


class Kind(IntEnum):
    """What a span is, by OpenTelemetry's own numbers."""

    INTERNAL = 0
    SERVER = 1
    CLIENT = 2
    PRODUCER = 3
    CONSUMER = 4


class Span:
    """A span that nobody records. `traceparent` is what others are told, so that theirs belong to it."""

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent

    def note(self, **_attributes: str | float | bool) -> None:
        """Add what is known only now; names are written with `__` for a dot."""

    def rename(self, _name: str) -> None:
        """Give the name that is known only now."""

    def fail(self, _why: str) -> None:
        """Mark the span as failed."""

    def end(self) -> None:
        """The time it took is over."""


_current: ContextVar[Span | None] = ContextVar("span", default=None)
_endpoint = ""
_service = ""
# Threads that export do not survive a fork, so each process makes its own on its first span.
_exporters: dict[int, Any] = {}


def configure(service: str, endpoint: str) -> None:
    """Say who we are and where spans go, an address of OTLP over HTTP; empty: nowhere."""
    global _service, _endpoint
    _service, _endpoint = service, endpoint


@contextmanager
def span(
    name: str, kind: Kind = Kind.INTERNAL, *, parent: str | None = None, attributes: Attributes | None = None
) -> Iterator[Span]:
    """A span around the block, a child of `parent` (a traceparent) or else of the current one."""
    begun = begin(name, kind, parent=parent, attributes=attributes)
    token = _current.set(begun)
    try:
        yield begun
    except Exception as error:
        begun.fail(type(error).__name__)
        raise
    finally:
        _current.reset(token)
        begun.end()


def inner_span(
    name: str, kind: Kind = Kind.INTERNAL, *, attributes: Attributes | None = None
) -> AbstractContextManager[Span | None]:
    """A span inside the current one; none where there is none, for it would be about nobody's request."""
    return span(name, kind, attributes=attributes) if _current.get() else nullcontext()


def begin(
    name: str, kind: Kind = Kind.INTERNAL, *, parent: str | None = None, attributes: Attributes | None = None
) -> Span:
    """The same, ended by hand, and never the current one."""
    current = _current.get()
    above = parent if is_traceparent(parent) else current.traceparent if current else None
    if not _endpoint:
        return Span(above or _new_traceparent())
    begun: Span = _exporter().begin(name, kind, above, attributes or {})
    return begun


def traceparent() -> str | None:
    """What to tell others, so that what they do belongs to the current span."""
    current = _current.get()
    return current.traceparent if current else None


def is_traceparent(value: str | None) -> bool:
    return value is not None and _TRACEPARENT.fullmatch(value) is not None


def ids() -> dict[str, str]:
    """`trace_id`, and where spans are recorded `span_id`, for a line of the log."""
    current = traceparent()
    if current is None:
        return {}
    _, trace_id, span_id, _ = current.split("-")
    return {"trace_id": trace_id, "span_id": span_id} if _endpoint else {"trace_id": trace_id}


def flush() -> None:
    """Send what this process has not sent yet."""
    exporter = _exporters.get(os.getpid())
    if exporter is not None:
        exporter.flush()


def _new_traceparent() -> str:
    """Not sampled: nobody records it."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"


def _exporter() -> Any:
    found = _exporters.get(os.getpid())
    if found is None:
        # some tenths of a second and 8 MiB, which those who look at no traces need not pay
        from storage.spans import Exporter  # noqa: PLC0415

        found = _exporters[os.getpid()] = Exporter(_service, _endpoint)
    return found
