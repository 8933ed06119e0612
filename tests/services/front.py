"""A front for an S3 server: it corrects one answer of rclone's, and makes trouble when it is told to.

rclone answers a request for a range with 200 where S3 says 206, which obstore refuses. Everything else passes
unchanged, since the signature covers it, the Host header included.
"""

import asyncio
import random
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.services.server import free_port

METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"]

# of one connection, not of the message
HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "upgrade", "expect"}

SLOW_DOWN = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"""


@dataclass
class Trouble:
    """What share of the requests is refused (half of them after they were carried out), and how long each waits."""

    refused: float = 0.0
    delay_seconds: float = 0.0
    lost: str = ""
    """The first request that this expression matches is carried out, and its answer lost."""


@dataclass
class Front:
    """Passes requests on to `upstream`, as far as its trouble lets it."""

    upstream: str
    address: str = ""
    trouble: Trouble = field(default_factory=Trouble)
    chance: random.Random = field(default_factory=random.Random)

    async def answer(self, request: Request) -> Response:
        trouble = self.trouble
        if trouble.delay_seconds:
            await asyncio.sleep(trouble.delay_seconds * (0.5 + self.chance.random()))
        refused = self.chance.random() < trouble.refused
        if refused and self.chance.random() < 0.5:
            return _refusal()
        try:
            answered = await self._forward(request)
        except (httpx.TransportError, ClientDisconnect):
            return _refusal()
        asked = f"{request.method} {request.scope['raw_path'].decode()}?{request.url.query}"
        if trouble.lost and re.match(trouble.lost, asked):
            refused, trouble.lost = True, ""
        if refused:
            # the worst kind: it was done, and nobody heard
            await answered.aclose()
            return _refusal()
        return _passed_back(answered)

    async def _forward(self, request: Request) -> httpx.Response:
        client: httpx.AsyncClient = request.app.state.client
        scope = request.scope
        raw_path: bytes = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        base = httpx.URL(self.upstream)
        headers = [(name, value) for name, value in request.headers.items() if name not in HOP_BY_HOP]
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        message = client.build_request(
            request.method,
            httpx.URL(scheme=base.scheme, host=base.host, port=base.port, raw_path=raw_path),
            headers=headers,
            content=request.stream() if has_body else None,
        )
        return await client.send(message, stream=True)


def _refusal() -> Response:
    return Response(SLOW_DOWN, status_code=503, media_type="application/xml")


def _passed_back(answered: httpx.Response) -> Response:
    is_range = answered.status_code == httpx.codes.OK and "content-range" in answered.headers

    async def body() -> AsyncIterator[bytes]:
        try:
            async for chunk in answered.aiter_raw():
                yield chunk
        finally:
            await answered.aclose()

    response = StreamingResponse(body(), status_code=206 if is_range else answered.status_code)
    # as they came, repeated ones too; a length that is there stays, and a HEAD's body is empty anyway
    response.raw_headers = [
        (name.lower(), value)
        for name, value in answered.headers.raw
        if name.lower().decode() not in HOP_BY_HOP
    ]
    return response


def app_of(front: Front) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:
            client.headers.clear()
            app.state.client = client
            yield

    route: Any = Route("/{path:path}", front.answer, methods=METHODS)
    return Starlette(routes=[route], lifespan=lifespan)


@contextmanager
def fronting(upstream: str, chance: random.Random | None = None) -> Iterator[Front]:
    """A front in a thread of this process."""
    front = Front(upstream, chance=chance or random.Random())
    port = free_port()
    config = uvicorn.Config(
        app_of(front), host="127.0.0.1", port=port, log_config=None, access_log=False, server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="s3-front", daemon=True)
    thread.start()
    front.address = f"http://127.0.0.1:{port}"
    while not server.started:
        thread.join(0.02)
        if not thread.is_alive():
            raise RuntimeError("the front did not start")
    try:
        yield front
    finally:
        server.should_exit = True
        thread.join(10)
