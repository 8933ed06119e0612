"""A fake service, a client that talks to it, and files to send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rotomill import Client, Retry

from tests.client.service import FakeService


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService() as fake:
        yield fake


@pytest.fixture
def pauses() -> list[float]:
    """The pauses the client would have made, in seconds."""
    return []


@pytest.fixture
def client(service: FakeService, pauses: list[float]) -> Iterator[Client]:
    retry = Retry(sleep=pauses.append, random=lambda: 1.0)
    with Client(service.url, retry=retry, timeout_seconds=5) as connected:
        yield connected


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(range(256)) * 400)
    return path


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    path = tmp_path / "mask.png"
    path.write_bytes(b"\x89PNG mask")
    return path
