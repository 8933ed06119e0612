"""Fixtures of every package: a migrated database, an object store, a clock."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import logs, schema
from storage.database import Database, metadata
from storage.objects import Objects
from tests.clock import Clock

# An empty PostgreSQL database for these tests to use instead of SQLite, one test at a time.
SERVER = os.environ.get("ROTOMILL_TEST_DATABASE_URL")


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


@pytest.fixture
def database(tmp_path: Path, migrated: Path, clock: Clock) -> Iterator[Database]:
    if SERVER:
        found = Database(SERVER, clock)
        schema.migrate(found)
        with found.write() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
    else:
        shutil.copy(migrated, tmp_path / "jobs.db")
        found = Database(f"sqlite:///{tmp_path / 'jobs.db'}", clock)
    yield found
    found.close()


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(f"file://{tmp_path / 'objects'}")


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """Tracebacks with every local variable, as structlog prints them unconfigured, take seconds each."""
    logs.configure(as_json=True)
