"""The faults: what each does to the stack, and how often it is drawn."""

import heapq
import os
import random
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import httpx
import redis
import sqlalchemy as sa

from storage.jobs import Status, jobs
from tests.faults.process_tree import children
from tests.faults.stack import API, BEAT, COURIER, LEASE_SECONDS, POSTGRESQL, REDIS, WORKERS, Stack
from tests.services.front import Trouble


@dataclass(frozen=True)
class Loss:
    """A worker that was taken from a job at work."""

    job_id: str
    attempt: int
    at: datetime
    how: str


@dataclass
class Scene:
    """Where faults strike, what has been lost by them, and what is to follow by itself."""

    stack: Stack
    chance: random.Random
    losses: list[Loss] = field(default_factory=list)
    agenda: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (time.monotonic() + seconds, next(self._order), action))

    def do_what_is_due(self) -> None:
        while self.agenda and self.agenda[0][0] <= time.monotonic():
            heapq.heappop(self.agenda)[2]()


# A fault says what it struck, or None where there was nothing to strike.
Strike = Callable[[Scene], str | None]


@dataclass(frozen=True)
class Kind:
    name: str
    weight: int
    strike: Strike


def draw(scene: Scene) -> tuple[str, str]:
    """Draw faults until one strikes; its name and what it struck."""
    while True:
        kind = scene.chance.choices(KINDS, [kind.weight for kind in KINDS])[0]
        try:
            struck = kind.strike(scene)
        except ProcessLookupError:
            continue  # it has died by itself, or of the fault before
        if struck is not None:
            return kind.name, struck


def send(number: signal.Signals, names: tuple[str, ...]) -> Strike:
    """A signal to the main process of one of these."""

    def strike(scene: Scene) -> str | None:
        name = scene.chance.choice(names)
        server = scene.stack.servers[name]
        if not server.is_alive:
            return None
        at, working = datetime.now(UTC), children(server.pid)
        if name in WORKERS and not working:
            return None  # it is still starting: to strike it again would only keep it from its work
        os.kill(server.pid, number)
        if name in WORKERS and number is signal.SIGKILL:
            note_loss(scene, working, at, "main process killed")
        return name

    return strike


def kill_child(scene: Scene) -> str | None:
    """The process that does the work, of a worker that works if there is one."""
    child = pick_child(scene)
    if child is None:
        return None
    at = datetime.now(UTC)
    os.kill(child, signal.SIGKILL)
    note_loss(scene, [child], at, "killed")
    return str(child)


def freeze_child(scene: Scene) -> str | None:
    """Stop the process that does the work past its lease, and let it go on."""
    child = pick_child(scene)
    if child is None:
        return None
    at = datetime.now(UTC)
    freeze(scene, child, LEASE_SECONDS * (1.2 + scene.chance.random()))
    note_loss(scene, [child], at, "frozen")
    return str(child)


def freeze_other(scene: Scene) -> str | None:
    """Stop the API, the courier or beat for a while."""
    name = scene.chance.choice((API, COURIER, BEAT))
    server = scene.stack.servers[name]
    if not server.is_alive:
        return None
    freeze(scene, server.pid, 1 + 7 * scene.chance.random())
    return name


def freeze(scene: Scene, pid: int, seconds: float) -> None:
    os.kill(pid, signal.SIGSTOP)

    def thaw() -> None:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            return
        scene.stack.journal.note("thawed", pid=pid)

    scene.later(seconds, thaw)


def pick_child(scene: Scene) -> int | None:
    """A child of a worker's pool, rather one that has a job."""
    pids = [child for name in WORKERS for child in children(scene.stack.servers[name].pid)]
    busy = [pid for pid in pids if running_job(scene, pid)]
    return scene.chance.choice(busy or pids) if pids else None


def running_job(scene: Scene, pid: int) -> tuple[str, int] | None:
    """The job and attempt that this process runs; None also where the database does not answer."""
    query = sa.select(jobs.c.id, jobs.c.attempt).where(
        jobs.c.status == Status.RUNNING, jobs.c.worker == f"{socket.gethostname()}:{pid}"
    )
    try:
        with scene.stack.database.read() as connection:
            row = connection.execute(query).first()
    except Exception:  # whatever is broken just now was broken by us
        return None
    return (row[0], row[1]) if row else None


def note_loss(scene: Scene, pids: list[int], at: datetime, how: str) -> None:
    """Remember what these processes were at; the record still says so for the length of a lease."""
    for pid in pids:
        found = running_job(scene, pid)
        if found is not None:
            scene.losses.append(Loss(*found, at, how))


def flush_redis(scene: Scene) -> str | None:
    """Every message and every binding is gone."""
    port = int(scene.stack.environment["ROTOMILL_BROKER_URL"].rsplit(":", 1)[1].split("/")[0])
    try:
        with redis.Redis(port=port, socket_timeout=2) as client:
            client.flushall()
    except redis.RedisError:
        return None
    return REDIS


def kill_backend(scene: Scene) -> str | None:
    """One of PostgreSQL's processes: it ends all connections and recovers from its log."""
    backends = children(scene.stack.servers[POSTGRESQL].pid)
    if not backends:
        return None
    os.kill(scene.chance.choice(backends), signal.SIGKILL)
    return POSTGRESQL


def trouble_storage(trouble: Callable[[random.Random], Trouble]) -> Strike:
    """The object store misbehaves for some seconds."""

    def strike(scene: Scene) -> str | None:
        front = scene.stack.front
        if front.trouble != Trouble():
            return None
        front.trouble = trouble(scene.chance)

        def end() -> None:
            front.trouble = Trouble()

        scene.later(1 + 4 * scene.chance.random(), end)
        return str(front.trouble)

    return strike


def hang_up(scene: Scene) -> str | None:
    """A caller goes away in the middle of its upload."""
    host = httpx.URL(scene.stack.url)
    head = (
        b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        b'--x\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
    )
    try:
        with socket.create_connection((host.host, host.port or 80), timeout=2) as connection:
            # sometimes enough for parts of a multipart upload to be stored
            connection.sendall(head + bytes(scene.chance.choice((1_000, 100_000, 17_000_000))))
    except OSError:
        return None
    return API


def refusing(chance: random.Random) -> Trouble:
    return Trouble(refused=chance.choice((0.3, 0.6, 1.0)))


def dawdling(chance: random.Random) -> Trouble:
    return Trouble(delay_seconds=chance.choice((0.3, 1.0, 2.0)))


KINDS = [
    Kind("kill -9 of a working process", 20, kill_child),
    Kind("kill -9 of a worker", 8, send(signal.SIGKILL, WORKERS)),
    Kind("SIGTERM of a worker", 8, send(signal.SIGTERM, WORKERS)),
    Kind("kill -9 of the API", 6, send(signal.SIGKILL, (API,))),
    Kind("SIGTERM of the API", 4, send(signal.SIGTERM, (API,))),
    Kind("kill -9 of the courier", 6, send(signal.SIGKILL, (COURIER,))),
    Kind("SIGTERM of the courier", 3, send(signal.SIGTERM, (COURIER,))),
    Kind("kill -9 of beat", 4, send(signal.SIGKILL, (BEAT,))),
    Kind("SIGTERM of beat", 3, send(signal.SIGTERM, (BEAT,))),
    Kind("restart of Redis", 3, send(signal.SIGTERM, (REDIS,))),
    Kind("kill -9 of Redis", 3, send(signal.SIGKILL, (REDIS,))),
    Kind("FLUSHALL of Redis", 6, flush_redis),
    Kind("immediate restart of PostgreSQL", 2, send(signal.SIGQUIT, (POSTGRESQL,))),
    Kind("kill -9 of PostgreSQL", 1, send(signal.SIGKILL, (POSTGRESQL,))),
    Kind("kill -9 of a PostgreSQL backend", 3, kill_backend),
    Kind("S3 answers 503", 7, trouble_storage(refusing)),
    Kind("S3 answers slowly", 5, trouble_storage(dawdling)),
    Kind("frozen working process", 6, freeze_child),
    Kind("frozen API, courier or beat", 4, freeze_other),
    Kind("caller hangs up while it uploads", 3, hang_up),
]
