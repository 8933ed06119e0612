"""A server of a test's own: a process on a free port, which can be killed and started again in its place."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# On a busy machine a server may take its time; one that takes longer has failed.
READY_SECONDS = 60.0


@dataclass(frozen=True)
class Account:
    """Whom a process runs as."""

    uid: int
    gid: int


@dataclass
class Server:
    """How to start a process, how to tell that it answers, and the process."""

    name: str
    command: Sequence[str]
    folder: Path
    answers: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    """What ends it when we are gone."""
    account: Account | None = None
    """Whom to run as, where we may choose."""
    cwd: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.cwd or self.folder,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_us(self.death_signal),  # noqa: PLW1509 — before anything is imported there
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
            )

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            died = not self.is_alive
            if died or time.monotonic() > deadline:
                told = self.log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.name} {'died' if died else 'does not answer'}:\n{told}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is None or not self.is_alive:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, from ready to stopped."""
    server.start()
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


@contextmanager
def folder(name: str, account: Account | None = None) -> Iterator[Path]:
    """A temporary folder that this account may enter; pytest's own are for one's eyes only."""
    path = Path(tempfile.mkdtemp(prefix=f"rotomill-test-{name}-"))
    if account is not None:
        os.chown(path, account.uid, account.gid)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end_with_us(number: signal.Signals) -> Callable[[], None]:
    """On Linux, ask to be stopped when the thread that started us is gone, however it went."""

    def prepare() -> None:
        if sys.platform == "linux":
            set_parent_death_signal = 1
            ctypes.CDLL(None).prctl(set_parent_death_signal, number)

    return prepare
