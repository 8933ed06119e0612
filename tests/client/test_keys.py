"""API keys: sent to the service, and to nobody else; and the operator's commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from rotomill import Client, NotAllowed, RateLimited, Retry
from rotomill.cli import app
from rotomill.transport import connect
from typer.testing import CliRunner

from tests.client.service import FakeService

ROOT = Path(__file__).resolve().parents[2]


def test_a_key_goes_with_every_request(service: FakeService) -> None:
    with Client(service.url, api_key="rm_secret") as client:
        list(client.jobs())
    assert service.requests[0][2]["authorization"] == "Bearer rm_secret"


def test_the_environments_key_is_sent_unless_another_is_given(
    service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROTOMILL_API_KEY", "rm_of_environment\n")
    for key, sent in ((None, "rm_of_environment"), ("rm_given", "rm_given")):
        with Client(service.url, api_key=key) as client:
            list(client.jobs())
        assert service.requests[-1][2]["authorization"] == f"Bearer {sent}"
    assert CliRunner().invoke(app, ["list"], env={"ROTOMILL_URL": service.url}).exit_code == 0
    assert service.requests[-1][2]["authorization"] == "Bearer rm_of_environment"


def test_without_a_key_nothing_is_sent(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROTOMILL_API_KEY", raising=False)
    with Client(service.url) as client:
        list(client.jobs())
    assert "authorization" not in service.requests[0][2]


def test_a_redirect_to_the_object_store_does_not_take_the_key_along(service: FakeService) -> None:
    http = connect("http://roto.example", 5, "rm_secret")
    sent = http.build_request("GET", "/v1/jobs/1/results/masks.zip")
    answer = httpx.Response(307, headers={"Location": f"{service.url}/signed"}, request=sent)
    followed = http._build_redirect_request(sent, answer)
    assert "authorization" not in followed.headers
    http.close()


def problem(status: int, code: str, **headers: str) -> tuple[int, dict[str, str], dict[str, object]]:
    return status, headers, {"code": code, "detail": f"About {code}."}


def test_a_key_that_opens_nothing_is_an_error_in_the_services_words(service: FakeService) -> None:
    service.faults.append(problem(401, "api_key_invalid"))
    with Client(service.url, api_key="rm_x") as client, pytest.raises(NotAllowed, match="api_key_invalid"):
        list(client.jobs())
    assert len(service.requests) == 1


def test_a_limit_that_passes_soon_is_waited_for_and_a_day_is_not(service: FakeService) -> None:
    pauses: list[float] = []
    with Client(service.url, retry=Retry(sleep=pauses.append, random=lambda: 1.0)) as client:
        service.faults.append(problem(429, "rate_limited", **{"Retry-After": "17"}))
        list(client.jobs())
        assert pauses == [17.0]
        service.faults.append(problem(429, "too_many_jobs_today", **{"Retry-After": "40000"}))
        with pytest.raises(RateLimited, match="too_many_jobs_today"):
            list(client.jobs())
    assert pauses == [17.0]


def test_the_operators_command_is_handed_over_with_its_exit_code(tmp_path: Path) -> None:
    environment = {"ROTOMILL_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "rotomill.cli", "admin", "jobs", "show", "job_unknown"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    # the database has no tables yet, which the service's own command explains
    assert (done.returncode, "storage migrate" in done.stderr) == (1, True)


def test_without_the_services_code_the_operator_hears_where_to_go(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["admin", "jobs", "list"], env={"ROTOMILL_HOME": str(tmp_path)})
    assert done.exit_code == 1
    assert "ROTOMILL_HOME" in done.stderr
