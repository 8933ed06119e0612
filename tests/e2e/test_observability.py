"""What operators see of one job with a webhook: metrics, traces and logs of a running service.

Prometheus is the real one, with the deployment's own jobs and rules: each query of the dashboard and of the alerts
must find series there.
"""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import yaml

from tests.collector import Collected, Collector, collecting
from tests.e2e.stack import ROOT, Stack, free_port, running
from tests.receiver import Receiver, receiving
from tests.services.need import need
from tests.services.prometheus import prometheus

DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "rotomill.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
OPERATIONS = ROOT / "docs" / "operations.md"

JOBS = ("rotomill-api", "rotomill-worker", "rotomill-courier")

# A caller's own trace, which the job belongs to.
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"

# This machine's disk is nobody's alert.
OF_THE_MACHINE = {"RotomillDiskFilling"}


@dataclass
class Watched:
    """A service that has done one job, and what watched it."""

    stack: Stack
    job_id: str
    prometheus: str
    ports: dict[str, int]
    collector: Collector
    http: httpx.Client

    def query(self, expression: str) -> list[Any]:
        response = self.http.get(f"{self.prometheus}/api/v1/query", params={"query": expression})
        answer = response.json()
        assert answer["status"] == "success", (expression, answer)
        found: list[Any] = answer["data"]["result"]
        return found

    def trace(self) -> list[Collected]:
        return [span for span in self.collector.spans if span.trace_id == TRACE_ID]

    def lines(self) -> list[dict[str, Any]]:
        """What the service has logged of the job."""
        parsed = (json.loads(line) for line in self.stack.log().splitlines() if line.startswith("{"))
        return [line for line in parsed if line.get("job_id") == self.job_id]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    need("Prometheus")
    port = three_free_ports()
    ports = {name: port + offset for offset, name in enumerate(JOBS)}
    with ExitStack() as stack:
        collector = stack.enter_context(collecting())
        folder = tmp_path_factory.mktemp("prometheus")
        address = stack.enter_context(prometheus(folder, ports))
        service = stack.enter_context(
            running(
                tmp_path_factory.mktemp("service"),
                ROTOMILL_METRICS_PORT=str(port),
                OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
                OTEL_BSP_SCHEDULE_DELAY="200",
            )
        )
        receiver = stack.enter_context(receiving(Receiver()))
        job_id = submit(service, receiver)
        http = stack.enter_context(httpx.Client(timeout=30))
        found = Watched(service, job_id, address, ports, collector, http)
        assert service.wait_ended(job_id)["status"] == "succeeded"
        wait(lambda: len(receiver.received) == 1, "the webhook")
        wait(lambda: len({span.kind for span in found.trace()}) == 5, "all spans")
        ended = time.time()
        # a rate needs two samples of each; the slowest samples come every 5 s
        wait(lambda: all(scraped_at(found, name) > ended + 1 for name in JOBS), "two scrapes")
        yield found


def three_free_ports() -> int:
    """The first of three: a worker and a courier take the two after the API's."""
    while True:
        port = free_port()
        if port < 65000 and all(is_free(port + offset) for offset in (1, 2)):
            return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def submit(service: Stack, receiver: Receiver) -> str:
    """A job whose caller has a trace of its own."""
    from tests.worker.clips import box_mask, make_clip  # noqa: PLC0415 — needs PyAV, which the rest does not

    video = make_clip(service.folder / "clip.mp4", frames=12)
    files = {"video": video.read_bytes(), "mask": box_mask()}
    options = {"preset": "fast", "webhook": {"url": receiver.url, "events": ["job.succeeded"]}}
    headers = {"traceparent": TRACEPARENT, "x-request-id": "from-the-caller"}
    with service.http as http:
        response = http.post("/v1/jobs", files=files, data={"options": json.dumps(options)}, headers=headers)
    assert response.status_code == 202, response.text
    assert response.headers["x-request-id"] == "from-the-caller"
    job_id: str = response.json()["id"]
    return job_id


def wait(holds: Any, what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"no {what} after {seconds} s"
        time.sleep(0.1)


def scraped_at(watched: Watched, job: str) -> float:
    found = watched.query(f'timestamp(up{{job="{job}"}} == 1)')
    return float(found[0]["value"][1]) if found else 0.0


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def compared(expression: str) -> list[str]:
    """What an alert compares: without the limits, and without what stands in for series that are missing."""
    whole = re.sub(r"\s+or vector\(0\)", "", " ".join(expression.split()))
    return [re.sub(r"\s[<>]=? [\d.]+$", "", part) for part in whole.split(" and on () ")]


def metrics_of(watched: Watched) -> set[str]:
    """The names of ours that are served, without what Prometheus adds for histograms."""
    names = set()
    for port in watched.ports.values():
        text = watched.http.get(f"http://127.0.0.1:{port}/metrics").text
        names |= set(re.findall(r"^# TYPE (rotomill_\w+)", text, re.MULTILINE))
    return names


def test_every_query_of_the_dashboard_returns_series(watched: Watched) -> None:
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    assert len(queries) > 40
    assert without_series(watched, [query.replace("$__rate_interval", "1m") for query in queries]) == []


def test_what_every_alert_compares_returns_series(watched: Watched) -> None:
    parts = [part for rule in alerts() for part in compared(rule["expr"])]
    assert [part for part in parts if re.search(r" [<>] ", part)] == []
    assert without_series(watched, parts) == []


def without_series(watched: Watched, queries: list[str]) -> list[str]:
    """The queries that find nothing, even some seconds later: a rate needs two scrapes."""
    deadline = time.monotonic() + 40
    while (empty := [query for query in queries if not watched.query(query)]) and time.monotonic() < deadline:
        queries = empty
        time.sleep(1)
    return empty


def test_no_alert_fires_where_nothing_is_wrong(watched: Watched) -> None:
    groups = watched.http.get(f"{watched.prometheus}/api/v1/rules").json()["data"]["groups"]
    rules = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert len(rules) == len(alerts())
    assert {rule["health"] for rule in rules.values()} == {"ok"}
    assert [
        name for name, rule in rules.items() if rule["state"] == "firing" and name not in OF_THE_MACHINE
    ] == []


def test_every_metric_stands_in_the_documentation(watched: Watched) -> None:
    page = OPERATIONS.read_text()
    assert [name for name in sorted(metrics_of(watched)) if f"`{name}`" not in page] == []


def test_no_label_is_unbounded(watched: Watched) -> None:
    for port in watched.ports.values():
        assert watched.job_id not in watched.http.get(f"http://127.0.0.1:{port}/metrics").text


def test_the_metrics_count_what_the_job_did(watched: Watched) -> None:
    for expression, expected in {
        'rotomill_submissions_total{outcome="queued"}': 1,
        'rotomill_attempts_total{ending="succeeded", job="rotomill-worker"}': 1,
        'rotomill_frames_segmented_total{job="rotomill-worker"}': 12,
        'rotomill_delivery_attempts_total{outcome="delivered", job="rotomill-courier"}': 1,
        'count(rotomill_stage_duration_seconds_count{preset="fast", tier="compact"} == 1)': 5,
        "rotomill_running_jobs": 0,
    }.items():
        assert settled(watched, expression, expected) == [expected], expression


def settled(watched: Watched, expression: str, expected: float) -> list[float]:
    """What a query finds once it is as expected, or after some seconds: what is asked of the database is remembered."""
    deadline = time.monotonic() + 20
    while True:
        found = [float(series["value"][1]) for series in watched.query(expression)]
        if found == [expected] or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


def test_a_job_is_one_trace_from_its_request_to_its_webhook(watched: Watched) -> None:
    spans = {(span.service, span.kind, span.name): span for span in watched.trace()}
    request = spans["rotomill-api", "server", "POST /v1/jobs"]
    sent = spans["rotomill-api", "producer", "send jobs"]
    processed = spans["rotomill-worker", "consumer", "process jobs"]
    delivered = spans["rotomill-courier", "client", "POST webhook"]
    assert request.parent_id == TRACEPARENT.split("-")[2]
    assert {sent.parent_id, processed.parent_id, delivered.parent_id} == {request.span_id}
    stages = [span.name for span in watched.trace() if span.parent_id == processed.span_id]
    assert sorted(stages) == ["encoding", "fetching", "fine_tuning", "segmenting", "storing"]
    assert processed.attributes["rotomill.job_id"] == watched.job_id
    assert processed.attributes["rotomill.ending"] == "succeeded"
    assert delivered.attributes["http.response.status_code"] == 200


def test_the_log_names_job_and_trace_in_every_process(watched: Watched) -> None:
    events = {line["event"]: line for line in watched.lines()}
    for event in ("job accepted", "job claimed", "attempt ended", "delivery attempted"):
        assert events[event]["trace_id"] == TRACE_ID, event
    assert events["job accepted"]["request_id"] == "from-the-caller"


def test_a_request_is_logged_once(watched: Watched) -> None:
    lines = [json.loads(line) for line in watched.stack.log().splitlines() if line.startswith("{")]
    submitted = [line for line in lines if line.get("route") == "/v1/jobs" and line["event"] == "request"]
    assert [(line["status"], line["trace_id"]) for line in submitted] == [(202, TRACE_ID)]
    assert [line for line in lines if line.get("logger") == "uvicorn.access"] == []
