"""Children that may touch strangers' files: asked for here, forked by a zygote."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import structlog

from worker import channel
from worker.channel import Data
from worker.child import ENDING_SECONDS, Child, ZygoteLostError
from worker.confinement import Limits

log = structlog.get_logger(__name__)

ROOT = Path(__file__).resolve().parent.parent

TASKS: Final = "worker.confined_tasks"

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
    ) -> Child:
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
                self._process.wait(ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = self._control = None
