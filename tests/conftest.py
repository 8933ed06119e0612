"""Fixtures of every package: migrated databases, object stores, a clock.

The servers behind them start when the first test of a process asks for them, and stop with it.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from storage import logs, schema
from storage.database import Database
from storage.objects import Objects
from tests.clock import Clock
from tests.services import s3
from tests.services.cluster import Cluster, cluster
from tests.services.need import need
from tests.services.s3 import S3
from worker.nursery import Nursery


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest version, to copy."""
    path = tmp_path_factory.mktemp("migrated") / "jobs.db"
    database = Database(f"sqlite:///{path}")
    schema.migrate(database)
    database.close()
    return path


@pytest.fixture(scope="session")
def servers() -> Iterator[ExitStack]:
    """What is entered here is left when the tests of this process end."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def postgresql_cluster(servers: ExitStack) -> Cluster:
    need("PostgreSQL")
    return servers.enter_context(cluster())


@pytest.fixture(scope="session")
def rclone(servers: ExitStack) -> S3:
    need("rclone", "moto")
    return servers.enter_context(s3.rclone())


@pytest.fixture(scope="session")
def moto(servers: ExitStack) -> S3:
    need("moto")
    return servers.enter_context(s3.moto())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which databases a test runs on; folders of tests may say otherwise."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_address(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty, migrated database."""
    if database_kind == "postgresql":
        found: Cluster = request.getfixturevalue("postgresql_cluster")
        found.empty()
        return found.address
    shutil.copy(request.getfixturevalue("migrated"), tmp_path / "jobs.db")
    return f"sqlite:///{tmp_path / 'jobs.db'}"


@pytest.fixture
def database(database_address: str, clock: Clock) -> Iterator[Database]:
    found = Database(database_address, clock)
    yield found
    found.close()


@pytest.fixture
def objects_kind() -> str:
    """Which object store a test runs on: `folder`, `rclone` or `moto`; those that ask for more say so."""
    return "folder"


@pytest.fixture
def objects_address(
    objects_kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """An empty object store; its S3 variables are set while the test runs."""
    if objects_kind == "folder":
        return f"file://{tmp_path / 'objects'}"
    server: S3 = request.getfixturevalue(objects_kind)
    bucket = server.new_bucket()
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    return bucket.address


@pytest.fixture
def objects(objects_address: str) -> Objects:
    return Objects(objects_address)


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """Tracebacks with every local variable, as structlog prints them unconfigured, take seconds each."""
    logs.configure(as_json=True)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Confined children, from one zygote for all tests."""
    with Nursery() as found:
        yield found
