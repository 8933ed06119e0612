"""The API in this process, its inspections in real children, its hints in a list."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.dependencies import Services
from api.main import create_app
from api.settings import ApiSettings
from storage import api_keys, parts
from storage.database import Database
from storage.objects import Objects
from tests.api.service import PART_BYTES, Service
from tests.clock import Clock
from worker.nursery import Nursery


def ignore() -> None:
    """Nobody delivers here, and no broker can be away."""


@pytest.fixture
def make_service(
    tmp_path: Path, database: Database, objects: Objects, nursery: Nursery
) -> Iterator[Callable[..., Service]]:
    opened: list[TestClient] = []

    def make(**limits: Any) -> Service:
        hints: list[str] = []
        services = Services(
            settings=ApiSettings(**limits),
            database=database,
            objects=objects,
            objects_address=f"file://{tmp_path / 'objects'}",
            model_tag="test",
            send_hint=hints.append,
            send_deliveries_due=ignore,
            check_broker=ignore,
            nursery=nursery,
        )
        client = TestClient(
            create_app(services),
            base_url="http://127.0.0.1:8000",
            raise_server_exceptions=False,
            client=("127.0.0.1", 50000),
        )
        opened.append(client)
        return Service(client, services, tmp_path, hints)

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def locked(make_service: Callable[..., Service]) -> Service:
    """A service that wants keys."""
    return make_service(host="0.0.0.0")


@pytest.fixture
def key(database: Database) -> str:
    return api_keys.create(database, "studio")[1]


@pytest.fixture
def small_parts(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small parts; and the machine's own time, which signatures and files carry."""
    clock.now = datetime.now(UTC)
    monkeypatch.setattr(parts, "PART_BYTES", PART_BYTES)


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    return make_service()
