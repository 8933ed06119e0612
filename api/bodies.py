"""How much of a request's body may come, how slowly, and what becomes of the rest of one that was refused."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ApiError, too_large
from api.limits import Rate
from api.settings import ApiSettings

# Of a call that has not said that it takes more: most take no body at all.
MOST_BYTES = 16 * 1024

# A refused client should hear why, so we read on for a while: one that is still sending hears nothing.
DRAIN_BYTES = 256 * 1024**2
DRAIN_SECONDS = 20.0
DRAIN_PAUSE_SECONDS = 2.0


def allow_body(request: Request, most_bytes: int) -> None:
    """Let this request's body be so large; whoever reads it streams it."""
    body: Body = request.scope["state"]["body"]
    body.most_bytes = most_bytes


def declared_bytes(request: Request) -> int:
    """How long the body says that it is; 0 where it does not say."""
    declared = request.headers.get("content-length", "")
    # so many digits are too many bytes for anybody, and int() is slow on more
    return int(declared[:18]) if declared.isascii() and declared.isdigit() else 0


class Bodies:
    """The middleware through which every request's body comes, and the headers of every answer go."""

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = Body(scope, receive, send, self._settings)
        scope.setdefault("state", {})["body"] = body
        await self._app(scope, body.receive, body.send)


class Body:
    """One request's body."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        settings: ApiSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        headers = Headers(scope=scope)
        self.most_bytes = MOST_BYTES
        self._scope = scope
        self._receive = receive
        self._send = send
        self._bytes = 0
        self._pace = Pace(settings.least_bytes_per_second, settings.body_patience_seconds, clock)
        self._ended = "transfer-encoding" not in headers and headers.get("content-length", "0") == "0"
        self._too_slow = False
        # who asks first is sent nothing of it before we read
        self._held_back = headers.get("expect", "").lower() == "100-continue"

    async def receive(self) -> Message:
        """The next piece of the body; ApiError where there is too much of it, or too little comes."""
        self._held_back = False
        if self._ended:
            return await self._receive()
        try:
            message = await self._pace.next(self._receive)
        except TimeoutError as error:
            self._too_slow = True
            raise _too_slow(self._pace) from error
        self._note(message)
        if self._bytes > self.most_bytes:
            raise too_large(
                "body_too_large", f"The body of this request may have at most {self.most_bytes:,} bytes."
            )
        return message

    async def send(self, message: Message) -> None:
        """Pass an answer on. What is still coming is read for a while, and then the connection is closed."""
        if message["type"] == "http.response.start":
            if not (self._ended or self._held_back or self._too_slow):
                await self._drain()
            headers = MutableHeaders(scope=message)
            # a page of the same origin shows what strangers have sent
            headers.setdefault("X-Content-Type-Options", "nosniff")
            if not self._ended:
                headers["Connection"] = "close"
            rate: Rate | None = self._scope["state"].get("rate")
            if rate is not None:
                headers.update(rate.headers())
        await self._send(message)

    async def _drain(self) -> None:
        left, until = DRAIN_BYTES, time.monotonic() + DRAIN_SECONDS
        with contextlib.suppress(TimeoutError):
            while not self._ended and left > 0 and time.monotonic() < until:
                async with asyncio.timeout(DRAIN_PAUSE_SECONDS):
                    message = await self._receive()
                self._note(message)
                left -= len(message.get("body", b""))

    def _note(self, message: Message) -> None:
        self._bytes += len(message.get("body", b""))
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)


class Pace:
    """Whether enough comes. Only the time that we wait counts, not that in which we are busy with what came."""

    def __init__(
        self, least_bytes_per_second: int, patience_seconds: float, clock: Callable[[], float]
    ) -> None:
        self.patience_seconds = patience_seconds
        self.least_bytes = round(least_bytes_per_second * patience_seconds)
        self._clock = clock
        self._begin()

    def _begin(self) -> None:
        self._bytes = 0
        self._left_seconds = self.patience_seconds

    async def next(self, receive: Receive) -> Message:
        """The next message; TimeoutError where fewer bytes than the least came since we began to be patient."""
        if self._left_seconds <= 0:
            raise TimeoutError
        begun = self._clock()
        async with asyncio.timeout(self._left_seconds):
            message = await receive()
        self._left_seconds -= self._clock() - begun
        self._bytes += len(message.get("body", b""))
        if self._bytes >= self.least_bytes:
            self._begin()
        return message


def _too_slow(pace: Pace) -> ApiError:
    detail = (
        f"Fewer than {pace.least_bytes:,} bytes came in {pace.patience_seconds:g} s. Send it again over a better "
        "connection, or in parts with POST /v1/uploads."
    )
    return ApiError(HTTPStatus.REQUEST_TIMEOUT, "body_too_slow", detail)
