"""A connection of uvicorn's that must say soon what it wants: `uvicorn --http api.connections:Connection`."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# The head of a request is one packet or a few; who sends it a byte at a time holds a connection for nothing.
HEAD_SECONDS = 15.0


class Connection(HttpToolsProtocol):
    """Closed when no request's head has come in time. What comes after the head is looked at in `api.bodies`."""

    head_seconds = HEAD_SECONDS
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # of the next request on this connection; uvicorn stops its own timer at the first byte
        if self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._await_head()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()
