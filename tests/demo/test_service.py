"""The demonstration's hold on the service."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest

from demo.service import Service, ServiceFailedError

READY = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
print("data in", os.environ["ROTOMILL_DATA_DIR"], "records in", repr(os.environ["ROTOMILL_DATABASE_URL"]))
http.server.HTTPServer(("127.0.0.1", int(os.environ["ROTOMILL_PORT"])), Handler).serve_forever()
"""


def service(folder: Path, program: str) -> Service:
    return Service(folder, (sys.executable, "-c", program))


def test_it_is_ready_inside_and_gone_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTOMILL_DATABASE_URL", "postgresql://somebody-elses")
    running = service(tmp_path, READY)
    with running:
        assert httpx.get(f"{running.url}/readyz", trust_env=False).is_success
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{running.url}/readyz", trust_env=False)
    assert running.log_tail() == f"data in {tmp_path / 'data'} records in ''"


def test_a_service_that_does_not_start_is_told_with_its_log(tmp_path: Path) -> None:
    broken = service(tmp_path, "print('the port is taken'); raise SystemExit(3)")
    with pytest.raises(ServiceFailedError, match="code 3"), broken:
        pass
    assert broken.log_tail() == "the port is taken"


def test_a_pause_ends_when_the_service_has_died(tmp_path: Path) -> None:
    with service(tmp_path, READY) as running:
        running.sleep(0)
        assert running._process
        running._process.kill()
        running._process.wait()
        with pytest.raises(ServiceFailedError):
            running.sleep(0)


def test_an_old_run_leaves_nothing_to_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "old").touch()
    with service(tmp_path, READY):
        assert list((tmp_path / "data").iterdir()) == []
