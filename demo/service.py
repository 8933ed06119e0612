"""The service as a child process on a port of its own, with data of its own, stopped whatever happens."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

# Importing torch on a slow disk takes most of it.
_READY_SECONDS = 120.0
# The launcher gives its processes 30 s to hand their work back; it deserves a little more.
_STOP_SECONDS = 40.0
_TAIL_LINES = 25

# These would point the demonstration at somebody's real records.
_NOT_OURS = ("ROTOMILL_DATABASE_URL", "ROTOMILL_OBJECTS_URL", "ROTOMILL_BROKER_URL", "ROTOMILL_PUBLIC_URL")


class ServiceFailedError(Exception):
    """The service did not start, or ended on its own."""


class Service:
    """Runs `python -m api`; used as a context manager, which waits until it is ready."""

    def __init__(self, folder: Path, command: tuple[str, ...] = (sys.executable, "-m", "api")) -> None:
        self._command = command
        self._data = folder / "data"
        self.log = folder / "service.log"
        self.url = f"http://127.0.0.1:{_free_port()}"
        self._process: subprocess.Popen[bytes] | None = None
        self._tail: str | None = None

    def __enter__(self) -> Self:
        """Start with an empty data folder: a cached result would show nothing being done."""
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(parents=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                self._command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C reaches the demonstration alone, which then stops all of it.
                start_new_session=True,
            )
        try:
            self._wait_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the service and everything it started."""
        self._stop()

    def sleep(self, seconds: float) -> None:
        """Pause, unless the service has ended: then nothing is worth waiting for."""
        self._check_alive()
        time.sleep(seconds)

    def log_tail(self) -> str:
        """Return the last lines of the service's log, as they were before it was told to stop."""
        if self._tail is None:
            lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
            return "\n".join(lines[-_TAIL_LINES:])
        return self._tail

    def _environment(self) -> dict[str, str]:
        # Empty rather than absent: a `.env` file beside the checkout would fill in what is absent.
        return (
            os.environ
            | dict.fromkeys(_NOT_OURS, "")
            | {
                "ROTOMILL_HOST": "127.0.0.1",
                "ROTOMILL_PORT": self.url.rpartition(":")[2],
                "ROTOMILL_DATA_DIR": str(self._data),
                "ROTOMILL_LOG_JSON": "false",
                "PYTHONUNBUFFERED": "1",
            }
        )

    def _wait_ready(self) -> None:
        end = time.monotonic() + _READY_SECONDS
        with httpx.Client(base_url=self.url, timeout=5, trust_env=False) as http:
            while time.monotonic() < end:
                with suppress(httpx.TransportError):
                    if http.get("/readyz").is_success:
                        return
                self.sleep(0.2)
        raise ServiceFailedError(f"The service was not ready within {_READY_SECONDS:.0f} s.")

    def _check_alive(self) -> None:
        if self._process and self._process.poll() is not None:
            raise ServiceFailedError(f"The service ended by itself with code {self._process.returncode}.")

    def _stop(self) -> None:
        """Ask the launcher, which stops its own processes; end it where it does not, or on a second Ctrl-C."""
        process = self._process
        if process is None:
            return
        self._tail = self.log_tail()
        process.terminate()
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
        finally:
            # What the launcher started dies with it.
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
