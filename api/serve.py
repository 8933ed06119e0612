"""The embedded service: one command starts the API, a worker, the courier and its clock; Ctrl-C stops them."""

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx
import structlog

from api import exposure
from api.settings import ApiSettings
from storage import logs, schema
from storage.database import Database
from worker import queue

log = structlog.get_logger(__name__)

ROOT = Path(__file__).resolve().parent.parent

# A worker that is told to stop hands its job back within seconds; then it is no longer asked.
STOP_SECONDS = 30.0
# A process that dies this soon after its start, so often in a row, will not come up by itself.
SHORT_LIFE_SECONDS = 10.0
MOST_SHORT_LIVES = 5

CELERY = [sys.executable, "-m", "celery", "-A", "worker.queue"]
# How long OpenMP's threads spin before they sleep while they wait for each other. A step of the compact tier, preset
# fast: as it comes 0.12 s on two idle cores, but 0.63 s with one of them busy elsewhere; never spinning 0.20 and
# 0.18 s; so briefly 0.14 and 0.10 s.
SHARED_CORES = {"GOMP_SPINCOUNT": "20000"}

WORKER_FLAGS = ["--without-mingle", "--without-gossip", "--without-heartbeat", "--loglevel", "INFO"]


@dataclass
class Child:
    """One process of the service: how to start it, and how it has fared."""

    name: str
    command: Sequence[str]
    niceness: int = 0
    prepare: Sequence[str] = ()
    """A command that must have run before each start."""
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    short_lives: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    """What it is told, unless our own environment says otherwise."""
    own: Mapping[str, str] = field(default_factory=dict)
    """What it is told whatever our own environment says."""

    def start(self) -> None:
        if self.prepare:
            subprocess.run(self.prepare, cwd=ROOT, check=True)  # noqa: S603 — our own command lines
        self.started = time.monotonic()
        # its own session, so that Ctrl-C reaches only us and we stop the children in order
        self.process = subprocess.Popen(  # noqa: S603 — our own command lines
            self.command,
            cwd=ROOT,
            env={**self.environment, **os.environ, **self.own},
            start_new_session=True,
            preexec_fn=_die_with_parent(self.niceness),  # noqa: PLW1509 — before any thread is started
        )
        log.info("started", process=self.name, pid=self.process.pid)

    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None


def children(settings: ApiSettings, data_dir: Path) -> list[Child]:
    uvicorn = [sys.executable, "-m", "uvicorn", "--factory", "api.main:create_app", "--no-access-log"]
    uvicorn += ["--http", "api.connections:Connection"]
    address = ["--host", settings.host, "--port", str(settings.port), "--timeout-graceful-shutdown", "5"]
    schedule = str(data_dir / "beat-schedule")
    courier = ["-Q", queue.COURIER_QUEUE, "--pool", "threads", "--concurrency", "4", "-n", "courier@%h"]
    worker = ["-Q", queue.JOBS_QUEUE, "--pool", "prefork", "--concurrency", "1", "-n", "worker@%h"]
    receivers = _receivers_here(settings)
    # nobody but the API uploads into this store, so what one that died left half uploaded is nobody's
    sweep = [sys.executable, "-m", "worker.recovery"]
    found = [
        Child("api", [*uvicorn, *address], prepare=sweep, environment=receivers),
        # niced: on a small machine the network must not starve the answers to those who wait for it
        Child("worker", [*CELERY, "worker", *worker, *WORKER_FLAGS], niceness=5, environment=SHARED_CORES),
        Child("courier", [*CELERY, "worker", *courier, *WORKER_FLAGS], environment=receivers),
        Child("beat", [*CELERY, "beat", "--schedule", schedule, "--pidfile=", "--loglevel", "WARNING"]),
    ]
    for offset, child in enumerate(found if settings.metrics_port else []):
        child.own = {"ROTOMILL_METRICS_PORT": str(settings.metrics_port + offset)}
    return found


def _receivers_here(settings: ApiSettings) -> Mapping[str, str]:
    """Where only this machine can call, webhooks may go to this machine; unless the settings say something else."""
    if not settings.is_local:
        return {}
    usual = {"webhook_allow_http": "true", "webhook_allowed_networks": "127.0.0.0/8,::1/128"}
    said = queue.settings.model_fields_set
    return {f"ROTOMILL_{name.upper()}": value for name, value in usual.items() if name not in said}


def serve() -> int:
    """Run until Ctrl-C, SIGTERM, or a process that will not stay up; the exit status."""
    settings, storage = ApiSettings(), queue.storage_settings
    logs.configure(as_json=queue.settings.log_json, level=queue.settings.log_level)
    storage.data_dir.mkdir(parents=True, exist_ok=True)
    lock = _lock(storage.data_dir)
    if lock is None:
        return _refuse(f"{storage.data_dir} is in use by another service. Stop it, or set ROTOMILL_DATA_DIR.")
    if not _is_free(settings):
        return _refuse(f"Port {settings.port} on {settings.host} is taken. Free it, or set ROTOMILL_PORT.")
    database = Database(storage.database_address)
    schema.migrate(database)
    if objection := exposure.objection(settings, database):
        return _refuse(objection)
    with lock:
        return _supervise(children(settings, storage.data_dir), settings)


def _supervise(running: list[Child], settings: ApiSettings) -> int:
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda caught, _frame: stopping.append(caught))
    try:
        for child in running:
            child.start()
        announced = False
        while not stopping:
            time.sleep(0.2)
            announced = announced or _announce(settings)
            for child in running:
                if child.has_died() and not _restart(child):
                    return _refuse(f"The process {child.name} does not stay up; the log above says why.")
    finally:
        _stop(running, lambda: len(stopping) > 1)
    return 0


def _restart(child: Child) -> bool:
    """Start a dead process again; False when it has died too often too soon."""
    lived = time.monotonic() - child.started
    child.short_lives = child.short_lives + 1 if lived < SHORT_LIFE_SECONDS else 0
    code = child.process.returncode if child.process else None
    log.warning("process died", process=child.name, exit_code=code, lived_seconds=round(lived, 1))
    if child.short_lives >= MOST_SHORT_LIVES:
        return False
    child.start()
    return True


def _stop(running: list[Child], hurried: Callable[[], bool]) -> None:
    """Ask all to stop, wait, and kill what does not; a second Ctrl-C skips the waiting."""
    alive = [child for child in running if child.process and not child.has_died()]
    for child in alive:
        assert child.process is not None  # noqa: S101 — for the type checker
        child.process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    while any(not child.has_died() for child in alive):
        if time.monotonic() > deadline or hurried():
            for child in alive:
                if child.process and not child.has_died():
                    os.killpg(child.process.pid, signal.SIGKILL)
            return
        time.sleep(0.05)


def _announce(settings: ApiSettings) -> bool:
    """Say that the service is up, once it is."""
    address = f"http://{settings.host}:{settings.port}"
    try:
        ready = httpx.get(f"{address}/readyz", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
    if ready:
        sys.stderr.write(f"\n  Rotomill is ready on {address} (calls: {address}/docs). Ctrl-C stops it.\n\n")
    return ready


def _lock(data_dir: Path) -> IO[str] | None:
    """An exclusive hold on the data folder for as long as the file is open; None if somebody has it."""
    handle = (data_dir / "serve.lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


def _is_free(settings: ApiSettings) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            return False
    return True


def _die_with_parent(niceness: int) -> Callable[[], None]:
    """What a child does first: become nice, and (on Linux) ask to be terminated when we are killed."""

    def prepare() -> None:
        os.nice(niceness)
        if sys.platform == "linux":
            set_parent_death_signal = 1
            ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)

    return prepare


def _refuse(why: str) -> int:
    sys.stderr.write(f"rotomill: {why}\n")
    return 1
