"""What the embedded service allows its own machine."""

from pathlib import Path

import pytest

from api.serve import children
from api.settings import ApiSettings
from worker import queue
from worker.settings import WorkerSettings

ALLOW_HTTP = "ROTOMILL_WEBHOOK_ALLOW_HTTP"
NETWORKS = "ROTOMILL_WEBHOOK_ALLOWED_NETWORKS"


def environments(host: str, folder: Path) -> dict[str, dict[str, str]]:
    return {child.name: dict(child.environment) for child in children(ApiSettings(host=host), folder)}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "settings", WorkerSettings())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_loopback_webhooks_may_go_to_this_machine(host: str, tmp_path: Path) -> None:
    found = environments(host, tmp_path)
    for name in ("api", "courier"):
        assert found[name][ALLOW_HTTP] == "true"
        assert found[name][NETWORKS] == "127.0.0.0/8,::1/128"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_elsewhere_they_may_not(host: str, tmp_path: Path) -> None:
    for environment in environments(host, tmp_path).values():
        assert not {ALLOW_HTTP, NETWORKS} & set(environment)


def test_what_the_operator_says_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(queue, "settings", WorkerSettings(webhook_allow_http=False))
    found = environments("127.0.0.1", tmp_path)["courier"]
    assert ALLOW_HTTP not in found
    assert NETWORKS in found
