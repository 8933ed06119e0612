"""A PostgreSQL cluster of a test's own."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.services.server import Account, Server, folder, free_port, running

OWNER = "rotomill"

# What makes the files safe from a power cut costs a test half of its time.
HASTY = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]


def binaries() -> Path | None:
    """Where `initdb` and `postgres` lie: Debian keeps them off the PATH, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).parent if on_path else None


def account() -> Account | None:
    """PostgreSQL refuses to run as root; its package has made an account for it."""
    if os.geteuid() != 0:
        return None
    found = pwd.getpwnam("postgres")
    return Account(found.pw_uid, found.pw_gid)


def address(port: int, database: str = "postgres") -> str:
    return f"postgresql+psycopg://{OWNER}@127.0.0.1:{port}/{database}"


def connect(port: int, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1", port=port, user=OWNER, dbname=database, autocommit=True, connect_timeout=3
    )


@contextmanager
def postgresql(*, durable: bool = False) -> Iterator[tuple[Server, int]]:
    """A running cluster and its port; `durable` for those who will kill it."""
    found = binaries()
    assert found is not None
    owner = account()
    with folder("postgresql", owner) as place:
        server, port = prepare(found, place, owner, durable=durable)
        with running(server):
            yield server, port


def prepare(found: Path, place: Path, owner: Account | None, *, durable: bool) -> tuple[Server, int]:
    """A cluster's files, and the server that is not started yet."""
    data = place / "data"
    make = [found / "initdb", "-D", data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(
        [str(part) for part in make],
        check=True,
        capture_output=True,
        cwd=place,
        user=owner.uid if owner else None,
        group=owner.gid if owner else None,
        extra_groups=[] if owner else None,
    )
    port = free_port()
    settings = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        f"port={port}",
        "max_connections=100",
    ]
    settings += [] if durable else HASTY
    command = [str(found / "postgres"), "-D", str(data)]
    for setting in settings:
        command += ["-c", setting]
    server = Server(
        "postgresql",
        command,
        place,
        lambda: _answers(port),
        stop_signal=signal.SIGQUIT,
        death_signal=signal.SIGQUIT,
        account=owner,
    )
    return server, port


def _answers(port: int) -> bool:
    try:
        with connect(port):
            return True
    except psycopg.OperationalError:
        return False
