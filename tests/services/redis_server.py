"""A Redis of a test's own, append-only as in the deployment."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.services.server import Server, folder, free_port, running


def binary() -> str | None:
    return shutil.which("redis-server")


def address(port: int) -> str:
    return f"redis://127.0.0.1:{port}/0"


@contextmanager
def redis_server() -> Iterator[tuple[Server, int]]:
    """A running Redis and its port."""
    with folder("redis") as place:
        server, port = prepare(place)
        with running(server):
            yield server, port


def prepare(place: Path) -> tuple[Server, int]:
    port = free_port()
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(place),
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",
        "save": "",
    }
    command = [binary() or "redis-server"]
    for name, value in options.items():
        command += [f"--{name}", value]
    return Server("redis", command, place, lambda: _answers(port)), port


def _answers(port: int) -> bool:
    try:
        with redis.Redis(port=port, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
