"""A confined child: what is said to it, what it says, and how it ended."""

import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import structlog

from worker.channel import Channel, ChannelClosedError, Data
from worker.errors import InputError, KilledError, MediaMismatch
from worker.zygote import STATUS

log = structlog.get_logger(__name__)

# How often a wait looks up: whether it was canceled, and whether its time is over.
TICK_SECONDS: Final = 0.25

# Between the end of a child's connection and word of how it ended lies a process that is being taken apart.
ENDING_SECONDS: Final = 10.0

_BEYOND: Final = {
    "memory": "needs more memory than a file may take here",
    "file": "would make a larger result than there may be here",
}
_BY_SIGNAL: Final = {
    signal.SIGXCPU: "takes more processor time than a file may take here",
    signal.SIGKILL: "needs more memory than there is",
}


class ZygoteLostError(ConnectionError):
    """The process that forks could not fork, or died: a failure of ours, which the next try may not meet."""


class ConfinedBugError(RuntimeError):
    """A confined process raised what it should not; the message is its traceback."""


class Child:
    """A confined process at one task. Leaving the `with` ends it, whatever it does."""

    def __init__(
        self,
        task: str,
        connection: socket.socket,
        leash: socket.socket,
        deadline: float | None,
        stall_seconds: float | None,
    ) -> None:
        connection.settimeout(TICK_SECONDS)
        self._task = task
        self._channel = Channel(connection)
        self._leash = leash
        self._deadline = deadline
        self._stall_seconds = stall_seconds

    def tell(self, said: Mapping[str, Any], data: Data = b"", files: Sequence[int] = ()) -> None:
        """Say something to the child; raises as `hear` does if it has died or does not listen."""
        began = time.monotonic()
        try:
            self._channel.send(said, data, files, lambda: self._check_time(began))
        except ChannelClosedError:
            raise self._end() from None

    def hear(self, most_bytes: int = 0, waiting: Callable[[], None] | None = None) -> tuple[Any, bytearray]:
        """What the child says next, and the bytes that go along; `waiting` is called while it says nothing.

        Raises InputError and MediaMismatch as the child did; KilledError where a limit or a crash ended it,
        ConfinedBugError or OSError where we failed.
        """
        began = time.monotonic()

        def look() -> None:
            if waiting is not None:
                waiting()
            self._check_time(began)

        try:
            self._check_time(began)
            said, data = self._channel.receive(most_bytes, look)
        except ChannelClosedError:
            raise self._end() from None
        self._raise_if_failed(said)
        return said, data

    def close(self) -> None:
        self._channel.close()
        self._leash.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_time(self, began: float) -> None:
        now = time.monotonic()
        late = self._deadline is not None and now > self._deadline
        if late or (self._stall_seconds is not None and now > began + self._stall_seconds):
            log.warning("confined process was too slow", task=self._task)
            raise KilledError("takes more time than a file may take here")

    def _raise_if_failed(self, said: Any) -> None:
        match said:
            case {"wrong": {"code": str(code), "detail": str(detail)}}:
                raise InputError(code, detail)
            case {"mismatch": str(what)}:
                raise MediaMismatch(what)
            case {"beyond": "memory" | "file" as what}:
                log.warning("confined process went beyond a limit", task=self._task, limit=what)
                raise KilledError(_BEYOND[what])
            case {"bug": str(told), "errno": int(number)}:
                raise OSError(number, f"in a confined process: {told}")
            case {"bug": str(told)}:
                raise ConfinedBugError(told)

    def _end(self) -> Exception:
        """Why there is no more to hear."""
        self._leash.settimeout(ENDING_SECONDS)
        try:
            told = self._leash.recv(STATUS.size)
        except OSError:
            told = b""
        if len(told) < STATUS.size:
            return ZygoteLostError("the process that forks has died, and its children with it")
        code = os.waitstatus_to_exitcode(STATUS.unpack(told)[0])
        if code >= 0:
            return ConfinedBugError(
                f"a confined process ended with {code} before its last word; stderr may say why"
            )
        number = signal.Signals(-code)
        log.warning("confined process was killed", task=self._task, signal=number.name)
        return KilledError(_BY_SIGNAL.get(number, "makes what reads it crash"))
