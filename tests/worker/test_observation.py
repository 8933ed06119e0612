"""What operators see of attempts, stages and deliveries."""

import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from storage import attempts
from storage.attempts import Attempt
from storage.database import Database
from storage.jobs import Job, Stage
from tests.clock import Clock
from tests.storage.records import LEASE, claim, submit
from worker import metrics, observation, recovery
from worker.estimate import Work
from worker.observation import Observed
from worker.runtime import Runtime
from worker.settings import WorkerSettings


@dataclass
class Counts:
    """How far the counters have come since the test began."""

    before: dict[str, float]

    def of(self, name: str, **labels: str) -> float:
        key = _key(name, labels)
        return _values().get(key, 0.0) - self.before.get(key, 0.0)


def _key(name: str, labels: dict[str, str]) -> str:
    return name + str(sorted(labels.items()))


def _values() -> dict[str, float]:
    families = metrics.REGISTRY.collect()
    return {_key(s.name, s.labels): s.value for family in families for s in family.samples}


@pytest.fixture
def counts() -> Counts:
    return Counts(_values())


@pytest.fixture
def runtime(database: Database) -> Runtime:
    return cast(Runtime, SimpleNamespace(database=database, settings=WorkerSettings()))


def run(runtime: Runtime, attempt: Attempt, job: Job) -> None:
    with observation.attempt(runtime, attempt) as seen:
        seen.ended(job)


def test_an_attempt_is_counted_by_how_it_ended(runtime: Runtime, database: Database, counts: Counts) -> None:
    attempt = claim(database, submit(database))
    run(runtime, attempt, attempts.fail(database, attempt, code="clip_corrupt", detail="It is broken."))
    assert counts.of("rotomill_attempts_total", ending="failed") == 1
    assert counts.of("rotomill_jobs_ended_total", status="failed", code="clip_corrupt") == 1


def test_a_job_handed_back_has_not_ended(runtime: Runtime, database: Database, counts: Counts) -> None:
    attempt = claim(database, submit(database))
    run(runtime, attempt, attempts.hand_back(database, attempt))
    again = claim(database, attempt.job)
    run(runtime, again, attempts.stumble(database, again, code="internal_error", detail="We failed."))
    assert counts.of("rotomill_attempts_total", ending="handed_back") == 1
    assert counts.of("rotomill_attempts_total", ending="stumbled") == 1
    assert counts.of("rotomill_jobs_ended_total", status="failed", code="internal_error") == 0


def test_an_attempt_that_hears_nothing_has_lost_its_lease(
    runtime: Runtime, database: Database, counts: Counts
) -> None:
    with observation.attempt(runtime, claim(database, submit(database))):
        pass
    assert counts.of("rotomill_attempts_total", ending="lease_lost") == 1


def test_the_wait_in_the_queue_is_timed_until_the_claim(
    runtime: Runtime, database: Database, clock: Clock, counts: Counts
) -> None:
    job = submit(database)
    clock.pass_(seconds=7)
    with observation.attempt(runtime, claim(database, job)):
        pass
    assert counts.of("rotomill_claim_wait_seconds_sum") == 7


def test_a_lost_worker_is_counted_and_its_job_when_that_was_the_third(
    database: Database, clock: Clock, counts: Counts
) -> None:
    job = submit(database)
    for lost in (1, 2, 3):
        claim(database, job)
        clock.pass_(seconds=LEASE.total_seconds() + 1)
        recovery.recover(database)
        assert counts.of("rotomill_workers_lost_total") == lost
    assert counts.of("rotomill_jobs_ended_total", status="failed", code="worker_lost") == 1


def test_frames_steps_and_stages_are_counted_as_they_are_reported(
    runtime: Runtime, database: Database, counts: Counts
) -> None:
    attempt = claim(database, submit(database))
    with Observed(runtime, attempt, stop_requested=lambda: False) as progress:
        progress.plan({Stage.SEGMENTING: Work(12, 0.1)})
        progress.begin(Stage.FINE_TUNING)
        progress.advance(4)
        progress.begin(Stage.SEGMENTING)
        for frame in range(12):
            progress.advance(frame + 1)
        progress.close()
    assert counts.of("rotomill_fine_tuning_steps_total") == 4
    assert counts.of("rotomill_frames_segmented_total") == 12
    stages = [
        dict(sample.labels)["stage"]
        for family in metrics.STAGE_DURATION.collect()
        for sample in family.samples
        if sample.name.endswith("_count") and sample.labels["preset"] == "fast"
    ]
    assert {"fine_tuning", "segmenting"} <= set(stages)


def test_a_task_is_timed_and_its_success_dated(counts: Counts) -> None:
    observation.task_begins("one")
    observation.task_ended("one", "rotomill.test", "SUCCESS")
    observation.task_ended("never heard of", "rotomill.test", "FAILURE")
    assert counts.of("rotomill_tasks_total", task="rotomill.test", state="success") == 1
    assert counts.of("rotomill_tasks_total", task="rotomill.test", state="failure") == 1
    assert counts.of("rotomill_task_duration_seconds_count", task="rotomill.test") == 1
    assert counts.of("rotomill_task_last_success_timestamp_seconds", task="rotomill.test") > 0


def test_memory_and_disk_are_sampled(tmp_path: Path) -> None:
    observation.sample(tmp_path)
    found = _values()
    assert found[_key("rotomill_worker_resident_memory_bytes", {})] > 10_000_000
    assert found[_key("rotomill_disk_free_bytes", {"place": "work"})] > 0


class Card:
    """A GPU as torch shows it, of 80 GB with 30 taken."""

    def __init__(self, *, used: bool) -> None:
        self._used = used

    def is_initialized(self) -> bool:
        return self._used

    def mem_get_info(self) -> tuple[int, int]:
        assert self._used, "asking would start the GPU"
        return 50, 80

    def memory_allocated(self) -> int:
        return 10

    def memory_reserved(self) -> int:
        return 25


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (True, {"allocated": 10, "reserved": 25, "free": 50, "total": 80}),
        (False, {"allocated": 0, "reserved": 0, "free": 0, "total": 0}),
    ],
)
def test_the_gpus_memory_is_told_where_this_process_uses_one(
    monkeypatch: pytest.MonkeyPatch, used: bool, expected: dict[str, int]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=Card(used=used)))
    assert observation.gpu_memory() == expected
