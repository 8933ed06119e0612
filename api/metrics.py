"""What the API counts and times, and what the database knows, for Prometheus."""

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException

from storage import metrics as storage_metrics
from storage.database import Database
from storage.errors import DatabaseUnavailableError
from storage.jobs import Job
from storage.metrics import Survey, Totals

log = structlog.get_logger(__name__)

# Several who scrape at once, or every second, ask the database once.
KEPT_SECONDS = 2.0
# These look at every record.
TOTALS_KEPT_SECONDS = 60.0

# when a counter was made is of no use here, and doubles what is scraped
disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped there

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

REQUESTS = Counter(
    "rotomill_http_requests",
    "Requests answered, by the route's template and the first digit of the status.",
    ["route", "method", "status"],
    registry=REGISTRY,
)
REQUEST_DURATION = Histogram(
    "rotomill_http_request_duration_seconds",
    "From a request's head to the head of its answer: a body sent is in it, a body fetched is not.",
    ["route", "method"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
    registry=REGISTRY,
)
IN_PROGRESS = Gauge("rotomill_http_requests_in_progress", "Requests being answered.", registry=REGISTRY)
FOLLOWERS = Gauge("rotomill_event_followers", "Event streams that are open.", registry=REGISTRY)
RECEIVED = Counter("rotomill_received_bytes", "Bytes of request bodies received.", registry=REGISTRY)
REFUSALS = Counter(
    "rotomill_refusals",
    "Requests refused, by the problem's code.",
    ["code"],
    registry=REGISTRY,
)
SUBMISSIONS = Counter(
    "rotomill_submissions",
    "Jobs accepted: queued, or answered at once with an equal one's results.",
    ["outcome"],
    registry=REGISTRY,
)
CANCELED_WAITING = Counter(
    "rotomill_waiting_jobs_canceled", "Jobs canceled before a worker had them.", registry=REGISTRY
)
INSPECTION_DURATION = Histogram(
    "rotomill_inspection_duration_seconds",
    "How long uploads waited to be looked at and were looked at.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
    registry=REGISTRY,
)
INSPECTIONS = Counter(
    "rotomill_inspections",
    "Uploads looked at: accepted, refused for what they are, or failed.",
    ["outcome"],
    registry=REGISTRY,
)
DEPENDENCY_UP = Gauge(
    "rotomill_dependency_up",
    "Whether the last readiness check could reach it (1) or not (0).",
    ["dependency"],
    registry=REGISTRY,
)

# A rate sees the first event only where it has seen a 0 before.
for _outcome in ("queued", "cached"):
    SUBMISSIONS.labels(_outcome)
for _outcome in ("accepted", "refused", "failed"):
    INSPECTIONS.labels(_outcome)
for _code in ("rate_limited", "internal_error"):
    REFUSALS.labels(_code)


def request_answered(route: str, method: str, status: int, seconds: float) -> None:
    """Count and time a request."""
    for first in ("2xx", "4xx", "5xx"):
        REQUESTS.labels(route, method, first)
    REQUESTS.labels(route, method, f"{status // 100}xx").inc()
    REQUEST_DURATION.labels(route, method).observe(seconds)


def job_accepted(job: Job) -> None:
    SUBMISSIONS.labels("cached" if job.cached else "queued").inc()


@contextmanager
def inspection(refusal: type[HTTPException]) -> Iterator[None]:
    """Around an inspection, which a `refusal` may leave: of the upload, or for a reason of ours."""
    outcome = "failed"
    with INSPECTION_DURATION.time():
        try:
            yield
            outcome = "accepted"
        except refusal as error:
            outcome = "refused" if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else "failed"
            raise
        finally:
            INSPECTIONS.labels(outcome).inc()


T = TypeVar("T")


class Kept(Generic[T]):
    """An answer of the database that is good for a while; None while the database does not answer."""

    def __init__(self, ask: Callable[[], T], seconds: float, clock: Callable[[], float]) -> None:
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._answer: T | None = None

    def get(self) -> T | None:
        with self._lock:
            if self._clock() - self._asked_at >= self._seconds:
                self._asked_at = self._clock()
                try:
                    self._answer = self._ask()
                except DatabaseUnavailableError:
                    log.warning("metrics without the database, which does not answer")
                    self._answer = None
            return self._answer


class Everything(Collector):
    """What this process has counted, and how the database stands."""

    def __init__(
        self, database: Database, objects_address: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._survey = Kept(lambda: storage_metrics.survey(database), KEPT_SECONDS, clock)
        self._totals = Kept(lambda: storage_metrics.totals(database), TOTALS_KEPT_SECONDS, clock)
        self._objects_address = objects_address

    def collect(self) -> Iterator[Metric]:
        yield from REGISTRY.collect()
        survey = self._survey.get()
        about = "Whether the database answers."
        yield GaugeMetricFamily("rotomill_database_up", about, value=float(survey is not None))
        if survey is not None:
            yield from _of_survey(survey)
            totals = self._totals.get()
            if totals is not None:
                yield from _of_totals(totals)
        if urlsplit(self._objects_address).scheme == "file":
            yield from _of_disk(Path(urlsplit(self._objects_address).path))


def registry_of(database: Database, objects_address: str) -> CollectorRegistry:
    """What `/metrics` shows of these services."""
    registry = CollectorRegistry()
    registry.register(Everything(database, objects_address))
    return registry


@contextmanager
def served(registry: CollectorRegistry, host: str, port: int) -> Iterator[None]:
    """`/metrics` on a port of its own, while inside; nothing without a port, or where another process has it."""
    if not port:
        yield
        return
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        log.warning("metrics cannot be served", host=host, port=port, error=str(error))
        yield
        return
    log.info("metrics served", host=host, port=port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _of_survey(survey: Survey) -> Iterator[Metric]:
    queue = ((priority.name.lower(), count) for priority, count in survey.queue.items())
    yield _gauge("queue_jobs", "Jobs that wait for a worker.", "priority", queue)
    yield _gauge("deliveries", "Webhook deliveries owed, or given up.", "status", survey.deliveries.items())
    workers = GaugeMetricFamily(
        "rotomill_workers", "Workers heard of in the last three minutes.", labels=["tier", "device"]
    )
    for group in survey.workers:
        workers.add_metric([group.tier, group.device], group.count)
    yield workers
    for name, about, value in (
        ("workers_present", "All workers heard of.", sum(group.count for group in survey.workers)),
        ("queue_oldest_age_seconds", "How long the oldest job has waited.", survey.oldest_queued_seconds),
        ("running_jobs", "Jobs that a worker has.", survey.running),
        ("expired_leases", "Running jobs whose worker is silent.", survey.expired_leases),
        ("delivery_overdue_seconds", "How long the oldest delivery is due.", survey.oldest_due_seconds),
        ("uploads", "Files before their jobs, whose time is not over.", survey.uploads),
    ):
        yield GaugeMetricFamily(f"rotomill_{name}", about, value=value)


def _of_totals(totals: Totals) -> Iterator[Metric]:
    yield _gauge("jobs", "Jobs on record.", "status", totals.jobs.items())
    about = "Bytes of uploads and results of jobs."
    yield GaugeMetricFamily("rotomill_stored_bytes", about, value=totals.stored_bytes)


def _gauge(name: str, about: str, label: str, values: Iterable[tuple[str, int]]) -> Metric:
    family = GaugeMetricFamily(f"rotomill_{name}", about, labels=[label])
    for key, value in values:
        family.add_metric([str(key)], value)
    return family


def _of_disk(folder: Path) -> Iterator[Metric]:
    while not folder.exists():
        folder = folder.parent
    disk = shutil.disk_usage(folder)
    place = [("objects", disk.free)], [("objects", disk.total)]
    yield _gauge("disk_free_bytes", "Free bytes where objects are files.", "place", place[0])
    yield _gauge("disk_size_bytes", "Size of that disk.", "place", place[1])
