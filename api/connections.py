"""A connection of uvicorn's that may not stall, either way: `uvicorn --http api.connections:Connection`."""

import asyncio
import fcntl
import resource
import sys
import termios

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# The head of a request is one packet or a few; who sends it a byte at a time holds a connection for nothing.
HEAD_SECONDS = 15.0

# Who asks and does not read the answers holds a connection, and in memory what was to be sent.
STALL_SECONDS = 60.0
LEAST_BYTES_PER_SECOND = 1024

# So many connections at once are more than this process can serve; the zygote closes as many for its children.
MOST_FILES = 65_536


def raise_file_limit() -> None:
    """Let this process have as many connections as the system lets it: each is a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Connection(HttpToolsProtocol):
    """Closed when no request's head has come in time, or nobody takes the answer. What comes after the head is looked
    at in `api.bodies`.
    """

    head_seconds = HEAD_SECONDS
    stall_seconds = STALL_SECONDS
    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None

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
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        self._stop_watching()
        super().resume_writing()

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

    def _watch(self) -> None:
        self._stall_timer = self.loop.call_later(self.stall_seconds, self._look, self._unsent())

    def _stop_watching(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _look(self, before: int) -> None:
        """Too much still waits: go on if enough has gone out since we looked last."""
        if before - self._unsent() >= self.stall_seconds * LEAST_BYTES_PER_SECOND:
            self._watch()
        else:
            self._stall_timer = None
            self.transport.abort()

    def _unsent(self) -> int:
        """Bytes that the other side has not taken: ours, and the system's, which it asks us for by the megabyte."""
        unsent = self.transport.get_write_buffer_size()
        if sys.platform == "linux":
            answer = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
            unsent += int.from_bytes(answer, sys.byteorder)
        return unsent
