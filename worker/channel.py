"""Messages over a socket between a process and the confined one that works for it: JSON, then plain bytes."""

import json
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

_HEAD: Final = struct.Struct("=IQ")

# A clip's facts and a traceback fit; nothing that is said here is longer.
_MOST_SAID: Final = 256 * 1024
# The kernel takes at most 253 descriptors in one message.
_MOST_FILES: Final = 250

# A few frames of 480p, if the system allows that much.
_BUFFER_BYTES: Final = 4 * 1024 * 1024

Data = bytes | bytearray | memoryview
Waiting = Callable[[], None] | None


class ChannelClosedError(ConnectionError):
    """The other side is gone."""


class ChannelMisusedError(ConnectionError):
    """The other side said what no process of ours says."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a new connection."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
    return ends


class _Look:
    """Calls `waiting` each time that a socket's time-out has passed, whether or not something came meanwhile."""

    def __init__(self, waiting: Waiting, every_seconds: float | None) -> None:
        self._waiting = waiting
        self._every = every_seconds or 0.0
        self._due = time.monotonic() + self._every

    def now_and_then(self) -> None:
        if self._waiting is None or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + self._every
        self._waiting()


class Channel:
    """One end. Nothing that comes in is trusted to be short, whole or sensible: JSON in, never pickles."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(
        self,
        said: Mapping[str, Any],
        data: Data = b"",
        files: Sequence[int] = (),
        waiting: Callable[[], None] | None = None,
    ) -> None:
        """Say something, with bytes and open files that go along; `waiting` as for `receive`."""
        text = json.dumps(said).encode()
        head = _HEAD.pack(len(text), len(data)) + text
        try:
            if files:
                sent = socket.send_fds(self._connection, [head], list(files))
                head = head[sent:]
            self._all(head, waiting)
            self._all(data, waiting)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ChannelClosedError from error

    def receive(
        self, most_bytes: int = 0, waiting: Callable[[], None] | None = None
    ) -> tuple[Any, bytearray]:
        """What is said next, and the bytes that go along, at most so many.

        `waiting` is called now and then until all has come, and may raise; the socket's timeout says how often. A
        side that sends a byte at a time does not keep it from being called.
        """
        head = self._exactly(_HEAD.size, waiting)
        return self._rest(head, most_bytes, waiting)

    def receive_files(self) -> tuple[Any, bytearray, list[int]]:
        """What is said next, as `receive`, from a side that is trusted; and the open files that go along."""
        head, files, _, _ = socket.recv_fds(self._connection, _HEAD.size, _MOST_FILES)
        if len(head) < _HEAD.size:
            raise ChannelClosedError
        said, data = self._rest(bytearray(head), 1 << 40, None)
        return said, data, files

    def close(self) -> None:
        self._connection.close()

    def _rest(
        self, head: bytearray, most_bytes: int, waiting: Callable[[], None] | None
    ) -> tuple[Any, bytearray]:
        length, size = _HEAD.unpack(head)
        if length > _MOST_SAID or size > most_bytes:
            raise ChannelMisusedError(f"{length} and {size} bytes announced")
        text = self._exactly(length, waiting)
        data = self._exactly(size, waiting)
        try:
            return json.loads(text), data
        except ValueError as error:
            raise ChannelMisusedError("no JSON") from error

    def _all(self, data: Data, waiting: Callable[[], None] | None) -> None:
        view = memoryview(data)
        look = _Look(waiting, self._connection.gettimeout())
        while view:
            look.now_and_then()
            with suppress(TimeoutError):
                view = view[self._connection.send(view) :]

    def _exactly(self, size: int, waiting: Callable[[], None] | None) -> bytearray:
        data = bytearray(size)
        view, done = memoryview(data), 0
        look = _Look(waiting, self._connection.gettimeout())
        while done < size:
            look.now_and_then()
            try:
                got = self._connection.recv_into(view[done:])
            except TimeoutError:
                continue
            except ConnectionResetError as error:
                raise ChannelClosedError from error
            if not got:
                raise ChannelClosedError
            done += got
        return data
