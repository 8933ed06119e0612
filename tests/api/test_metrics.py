"""What the API tells operators, whom it tells, and what a request leaves behind."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import errors
from storage import workers
from storage.errors import DatabaseUnavailableError
from tests.api.service import Service, problem
from tests.clock import Clock
from tests.storage.records import submit

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def scraped(service: Service) -> dict[str, float]:
    """Each series and its value, labels in the order of their names."""
    text = service.client.get("/metrics").raise_for_status().text
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Heard(logging.Handler):
    """What was logged, as the lines of the service would say it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = logging.getLogger().handlers[0].format(record)
        self.lines.append(json.loads(text))

    def one(self, event: str) -> dict[str, Any]:
        found = [line for line in self.lines if line["event"] == event]
        assert len(found) == 1, self.lines
        return found[0]


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler = Heard()
    logger = logging.getLogger("api")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def test_the_queue_is_counted_by_priority_and_aged(service: Service, clock: Clock) -> None:
    submit(service.services.database, priority=2)
    clock.pass_(seconds=90)
    submit(service.services.database)
    found = scraped(service)
    assert (found["rotomill_queue_jobs high"], found["rotomill_queue_jobs normal"]) == (1, 1)
    assert found["rotomill_queue_oldest_age_seconds"] == 90
    assert found["rotomill_jobs queued"] == 2


def test_workers_are_counted_by_tier_and_device(service: Service) -> None:
    workers.greet(service.services.database, "host:1", tier="standard", device="cuda")
    found = scraped(service)
    assert (found["rotomill_workers cuda standard"], found["rotomill_workers_present"]) == (1, 1)


def test_requests_are_counted_by_template_not_by_path(service: Service) -> None:
    before = scraped(service).get("rotomill_http_requests_total GET /v1/jobs/{job_id} 4xx", 0)
    service.client.get("/v1/jobs/job_none")
    service.client.get("/v1/jobs/job_other")
    service.client.get("/no/such/path")
    found = scraped(service)
    assert found["rotomill_http_requests_total GET /v1/jobs/{job_id} 4xx"] == before + 2
    assert found["rotomill_http_request_duration_seconds_count GET /v1/jobs/{job_id}"] >= 2
    assert found["rotomill_http_requests_total GET unmatched 4xx"] >= 1
    assert not any("job_none" in name or "/no/such" in name for name in found)


def test_refusals_are_counted_by_code(service: Service) -> None:
    before = scraped(service).get("rotomill_refusals_total job_not_found", 0)
    service.client.get("/v1/jobs/job_none")
    assert scraped(service)["rotomill_refusals_total job_not_found"] == before + 1


def test_metrics_are_told_to_this_machine_alone_where_there_are_no_keys(service: Service) -> None:
    assert service.client.get("/metrics").status_code == 200
    response = service.client.get("/metrics", headers={"host": "rebound.example.com"})
    assert problem(response) == (403, "host_not_allowed")


def test_metrics_need_the_operators_token_where_there_are_keys(make_service: Callable[..., Service]) -> None:
    service = make_service(api_keys_required=True, metrics_token="the operator's")
    for headers in ({}, {"authorization": "Bearer guessed"}, {"authorization": "Basic the operator's"}):
        assert problem(service.client.get("/metrics", headers=headers)) == (401, "metrics_denied")
    assert (
        service.client.get("/metrics", headers={"authorization": "Bearer the operator's"}).status_code == 200
    )


def test_metrics_are_told_to_nobody_where_there_are_keys_and_no_token(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(api_keys_required=True)
    for headers in ({}, {"authorization": "Bearer "}):
        assert problem(service.client.get("/metrics", headers=headers)) == (401, "metrics_denied")


def test_a_database_that_is_away_is_told_and_hides_nothing_else(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise DatabaseUnavailableError("away")

    monkeypatch.setattr(service.services.database, "read", away)
    found = scraped(service)
    assert found["rotomill_database_up"] == 0
    assert "rotomill_jobs queued" not in found
    assert "rotomill_submissions_total queued" in found


def test_a_request_id_is_the_callers_if_it_is_one(service: Service) -> None:
    ids = [
        service.client.get("/livez", headers={"x-request-id": asked}).headers["x-request-id"]
        for asked in ("abc-1.2_3", "two words", "x" * 65, "")
    ]
    assert ids[0] == "abc-1.2_3"
    assert all(len(made) == 16 for made in ids[1:])


def test_a_request_leaves_one_line_with_its_ids(service: Service, heard: Heard) -> None:
    headers = {"x-request-id": "mine", "traceparent": TRACEPARENT}
    service.client.get("/v1/jobs/job_none?secret=query", headers=headers)
    line = heard.one("request")
    expected = {
        "method": "GET",
        "route": "/v1/jobs/{job_id}",
        "status": 404,
        "job_id": "job_none",
        "owner": "local",
        "request_id": "mine",
        "trace_id": TRACEPARENT.split("-")[1],
    }
    assert expected.items() <= line.items()
    assert "query" not in json.dumps(line)


def test_a_key_is_never_logged(make_service: Callable[..., Service], heard: Heard) -> None:
    service = make_service(api_keys_required=True)
    service.client.get("/v1/jobs", headers={"authorization": "Bearer rm_this_is_a_key"})
    assert "rm_this" not in json.dumps(heard.lines)


def test_a_job_keeps_the_trace_of_the_request_that_made_it(service: Service) -> None:
    job_id = service.submit(headers={"traceparent": TRACEPARENT}).json()["id"]
    from storage import jobs  # noqa: PLC0415 — the module's name is a good one for variables here

    job = jobs.get(service.services.database, job_id)
    assert job is not None
    assert job.trace is not None
    assert job.trace.split("-")[1] == TRACEPARENT.split("-")[1]


def test_a_bug_is_answered_and_logged_with_the_requests_id(
    service: Service, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(service.services.database, "read", broken)
    response = service.client.get("/v1/jobs", headers={"x-request-id": "mine"})
    assert problem(response) == (500, "internal_error")
    assert response.headers["x-request-id"] == "mine"
    assert heard.one("request failed")["request_id"] == "mine"
    assert heard.one("request")["status"] == 500
    assert errors.MEDIA_TYPE in response.headers["content-type"]
