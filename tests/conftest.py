"""Fixtures of every package: a migrated database, an object store, a clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import schema
from storage.database import Database
from storage.objects import Objects
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path, clock: Clock) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'jobs.db'}", clock)
    schema.migrate(found)
    yield found
    found.close()


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(f"file://{tmp_path / 'objects'}")
