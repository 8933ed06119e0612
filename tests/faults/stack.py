"""The deployment on one machine: PostgreSQL, Redis and S3, an API, workers, a courier and beat, kept alive."""

import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from storage import schema
from storage.database import Database
from storage.objects import Objects
from tests.faults.journal import Journal
from tests.services import postgresql, redis_server, s3
from tests.services.front import Front, fronting
from tests.services.server import ROOT, Server, folder, free_port

LEASE_SECONDS = 3.0
HEARTBEAT_SECONDS = 0.4

SETTINGS = {
    "ROTOMILL_LEASE_SECONDS": str(LEASE_SECONDS),
    "ROTOMILL_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
    "ROTOMILL_WEBHOOK_TIMEOUT_SECONDS": "3",
    "ROTOMILL_WEBHOOK_ALLOW_HTTP": "true",
    "ROTOMILL_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "ROTOMILL_TIER": "compact",
    "ROTOMILL_LOG_JSON": "true",
    "OMP_NUM_THREADS": "1",
}

CELERY_FLAGS = ["--without-mingle", "--without-gossip", "--without-heartbeat", "--loglevel", "INFO"]
WORKERS = ("worker-1", "worker-2")
API, COURIER, BEAT, POSTGRESQL, REDIS = "api", "courier", "beat", "postgresql", "redis"

# A process that has died stays away for up to so long, as one that is scheduled anew does.
LONGEST_ABSENCE_SECONDS = 1.0


@dataclass
class Stack:
    """All processes by name, and what a campaign needs to look behind them."""

    folder: Path
    url: str
    front: Front
    database: Database
    objects: Objects
    environment: dict[str, str]
    journal: Journal
    chance: random.Random
    servers: dict[str, Server] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)

    def tend(self) -> None:
        """Start again what has died, after a moment."""
        now = time.monotonic()
        for name, server in self.servers.items():
            if server.is_alive:
                continue
            if name not in self.due:
                assert server.process is not None
                self.due[name] = now + self.chance.random() * LONGEST_ABSENCE_SECONDS
                self.journal.note("process ended", process=name, exit_code=server.process.returncode)
            elif now >= self.due[name]:
                del self.due[name]
                server.start()
                self.journal.note("process started", process=name, pid=server.pid)

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def wait_ready(self, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            self.tend()
            if time.monotonic() > deadline:
                raise RuntimeError(f"not ready after {seconds} s; the logs are in {self.folder}")
            time.sleep(0.1)


@contextmanager
def running(place: Path, journal: Journal, seed: int) -> Iterator[Stack]:
    """The deployment, from ready to stopped. Its logs stay in `place`."""
    found = postgresql.binaries()
    assert found is not None
    owner = postgresql.account()
    with ExitStack() as stack:
        database_folder = stack.enter_context(folder("postgresql", owner))
        cluster, database_port = postgresql.prepare(found, database_folder, owner, durable=True)
        redis, redis_port = redis_server.prepare(place)
        objects_folder = stack.enter_context(folder("rclone"))
        store, store_port = s3.prepare_rclone(objects_folder)
        servers = {POSTGRESQL: cluster, REDIS: redis, "rclone": store}
        for server in servers.values():
            server.start()
            stack.callback(server.stop)
        for server in servers.values():
            server.wait_ready()
        front = stack.enter_context(fronting(f"http://127.0.0.1:{store_port}", random.Random(seed)))
        bucket = s3.S3(front.address)
        stack.enter_context(_set(bucket.environment))
        port = free_port()
        environment = {
            **SETTINGS,
            **bucket.environment,
            "ROTOMILL_DATABASE_URL": postgresql.address(database_port),
            "ROTOMILL_BROKER_URL": redis_server.address(redis_port),
            "ROTOMILL_OBJECTS_URL": bucket.address,
            "ROTOMILL_DATA_DIR": str(place / "data"),
            "ROTOMILL_WORK_DIR": str(place / "work"),
            "ROTOMILL_PORT": str(port),
        }
        database = Database(postgresql.address(database_port))
        stack.callback(database.close)
        schema.migrate(database)
        ours = processes(place, environment, port)
        for server in ours.values():
            server.start()
            stack.callback(_end, server)
        yielded = Stack(
            folder=place,
            url=f"http://127.0.0.1:{port}",
            front=front,
            database=database,
            objects=Objects(bucket.address),
            environment=environment,
            journal=journal,
            chance=random.Random(seed + 1),
            servers={POSTGRESQL: cluster, REDIS: redis} | ours,
        )
        yielded.wait_ready()
        yield yielded


@contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    """This process looks into the object store too, and finds it by its environment."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def processes(place: Path, environment: dict[str, str], port: int) -> dict[str, Server]:
    """Ours, as the deployment starts them, but hurried."""

    def ours(name: str, *command: str) -> Server:
        return Server(name, [sys.executable, "-m", *command], place, lambda: True, environment, cwd=ROOT)

    def celery(name: str, module: str, *options: str) -> Server:
        return ours(name, "celery", "-A", f"tests.faults.{module}", *options)

    worker = ["worker", "-Q", "jobs", "--pool", "prefork", "--concurrency", "1", *CELERY_FLAGS]
    courier = ["worker", "-Q", "courier", "--pool", "threads", "--concurrency", "4", *CELERY_FLAGS]
    beat = ["beat", "--schedule", str(place / "beat-schedule"), "--pidfile=", "--loglevel", "WARNING"]
    address = ["--host", "127.0.0.1", "--port", str(port), "--timeout-graceful-shutdown", "5"]
    return {
        API: ours(
            API, "uvicorn", "--factory", "tests.faults.hurried:create_app", "--no-access-log", *address
        ),
        **{name: celery(name, "worker", *worker, "-n", f"{name}@%h") for name in WORKERS},
        COURIER: celery(COURIER, "hurried", *courier, "-n", "courier@%h"),
        BEAT: celery(BEAT, "hurried", *beat),
    }


def _end(server: Server) -> None:
    """Whatever is left of it, frozen or not."""
    if server.process is not None:
        for number in (signal.SIGCONT, signal.SIGKILL):
            try:
                os.killpg(server.pid, number)
            except ProcessLookupError:
                break
        server.process.wait()
