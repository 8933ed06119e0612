"""What operators see of a request: its id, its span, its counts, and one line in the log."""

import asyncio
import re
import secrets
import time
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors, metrics
from storage import tracing
from storage.tracing import Kind, Span

log = structlog.get_logger(__name__)

REQUEST_ID = "X-Request-Id"
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
EVENT_STREAM = "text/event-stream"

# Asked every few seconds by what looks after the process; a line each would bury the rest.
QUIET = frozenset({"/livez", "/readyz", "/metrics"})

# Of nginx: the client has gone before it was answered.
CLIENT_GONE = 499


class Observation:
    """The outermost middleware, so that it sees what all others answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked_id = headers.get(REQUEST_ID, "")
        request_id = asked_id if ACCEPTED_ID.fullmatch(asked_id) else secrets.token_hex(8)
        about = {"http.request.method": _method(scope)}
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            metrics.IN_PROGRESS.track_inprogress(),
            tracing.span(
                _method(scope), Kind.SERVER, parent=headers.get("traceparent"), attributes=about
            ) as span,
        ):
            await Exchange(scope, receive, send, request_id).run(self._app, span)


class Exchange:
    """One request and its answer, as they go by."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._request_id = request_id
        self._begun = time.perf_counter()
        self._answered: float | None = None
        self._status = 500
        self._is_stream = False

    async def run(self, app: ASGIApp, span: Span) -> None:
        try:
            await app(self._scope, self._take, self._give)
        except asyncio.CancelledError:
            self._status = CLIENT_GONE
            raise
        except Exception as error:
            if self._answered is not None:
                raise
            # here and not further out, so that the line and the answer still have their ids
            refused = await errors.on_bug(Request(self._scope), error)
            await refused(self._scope, self._take, self._give)
        finally:
            self._end(span)

    async def _take(self) -> Message:
        message = await self._receive()
        metrics.RECEIVED.inc(len(message.get("body", b"")))
        return message

    async def _give(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._answered = time.perf_counter()
            self._status = int(message["status"])
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self._request_id
            if headers.get("content-type", "").startswith(EVENT_STREAM):
                self._is_stream = True
                metrics.FOLLOWERS.inc()
        await self._send(message)

    def _end(self, span: Span) -> None:
        now = time.perf_counter()
        if self._is_stream:
            metrics.FOLLOWERS.dec()
        method, route = _method(self._scope), _route(self._scope)
        metrics.request_answered(route, method, self._status, (self._answered or now) - self._begun)
        span.rename(f"{method} {route}")
        span.note(http__route=route, http__response__status_code=self._status)
        if self._status >= 500:
            span.fail(str(self._status))
        say = log.debug if route in QUIET else log.info
        say(
            "request",
            method=method,
            route=route,
            status=self._status,
            duration_seconds=round(now - self._begun, 4),
            **_about(self._scope),
        )


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _method(scope: Scope) -> str:
    """One of the known ones: a stranger's invention must not become a label."""
    return scope["method"] if scope["method"] in METHODS else "other"


def _route(scope: Scope) -> str:
    """The template of the route that answered; the path itself holds ids."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "unmatched"


def _about(scope: Scope) -> dict[str, Any]:
    """Whose request it is and which job it is about, where that is known."""
    job_id = scope.get("path_params", {}).get("job_id")
    owner = scope.get("state", {}).get("owner")
    found = {"job_id": job_id, "owner": owner}
    return {name: str(value)[:64] for name, value in found.items() if value}
