"""Children that may touch strangers' files: asked for here, forked by a zygote, and watched until they end."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import structlog

from worker import channel
from worker.channel import Channel, ChannelClosedError, Data
from worker.confinement import Limits
from worker.errors import InputError, KilledError, MediaMismatch
from worker.zygote import STATUS

log = structlog.get_logger(__name__)

ROOT = Path(__file__).resolve().parent.parent

TASKS: Final = "worker.confined_tasks"

# How often a wait looks up: whether it was canceled, and whether its time is over.
TICK_SECONDS: Final = 0.25

# Between the end of a child's connection and word of how it ended lies a process that is being taken apart.
_ENDING_SECONDS: Final = 10.0

# Libraries that start a thread for each core when they are loaded would keep the zygote from being forked safely, and
# each pool of memory takes address space of its own.
_ENVIRONMENT: Final = {
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "4",
}
# What Python itself may need to find its libraries. Nothing else is handed on: that is where the secrets are.
_HANDED_ON: Final = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")

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


class Nursery:
    """One zygote, started when the first child is asked for and again when it has died. For many threads at once."""

    def __init__(self, tasks: str = TASKS) -> None:
        self._tasks = tasks
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._holder = os.getpid()

    def start(self) -> None:
        """Start the zygote ahead of need, if it does not run."""
        with self._lock:
            self._running()

    def child(
        self,
        task: str,
        about: Mapping[str, Any],
        limits: Limits,
        *,
        data: Data = b"",
        files: Sequence[int] = (),
        deadline: float | None = None,
        stall_seconds: float | None = None,
    ) -> "Child":
        """A new confined child at this task; it holds these open files and nothing else.

        `deadline` is when it must have ended, by time.monotonic; `stall_seconds` how long it may say nothing.
        """
        here, there = channel.pair()
        leash, its_end = socket.socketpair()
        try:
            self._send([there.fileno(), its_end.fileno()])
        except BaseException:
            here.close()
            leash.close()
            raise
        finally:
            there.close()
            its_end.close()
        found = Child(task, here, leash, deadline, stall_seconds)
        try:
            found.tell({"task": task, "about": about, "limits": asdict(limits)}, data, files)
        except BaseException:
            found.close()
            raise
        return found

    def close(self) -> None:
        """Let the zygote go, and with it every child."""
        with self._lock:
            self._let_go()

    def kill(self) -> None:
        """End the zygote as a fault would."""
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, files: Sequence[int]) -> None:
        with self._lock:
            for last in (False, True):
                try:
                    socket.send_fds(self._running(), [b"+"], list(files))
                except OSError as error:
                    self._let_go()
                    if last:
                        raise ZygoteLostError("the process that forks cannot be reached") from error
                else:
                    return

    def _running(self) -> socket.socket:
        if self._holder != os.getpid():  # after a fork it is our parent's, whose children we must not take
            self._process, self._control, self._holder = None, None, os.getpid()
        if self._process is not None and self._process.poll() is not None:
            log.warning("zygote died", exit_code=self._process.returncode)
            self._let_go()
        if self._control is None:
            self._control = self._started()
        return self._control

    def _started(self) -> socket.socket:
        here, there = socket.socketpair()
        handed_on = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        with there:
            self._process = subprocess.Popen(  # noqa: S603 -- our own command line
                [sys.executable, "-m", "worker.zygote", self._tasks, str(there.fileno())],
                cwd=ROOT,
                env=_ENVIRONMENT | handed_on,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[there.fileno()],
            )
        return here

    def _let_go(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(_ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = self._control = None


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
        self._leash.settimeout(_ENDING_SECONDS)
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
