import threading
from collections.abc import Callable
from typing import Any

import pytest

from storage.database import Database
from storage.objects import Objects
from tests.storage.records import submit
from worker import presence, queue, tuning
from worker.runtime import Runtime
from worker.settings import WorkerSettings
from worker.signing import Signing


@pytest.fixture
def database_kind() -> str:
    """Which one it is plays no part here."""
    return "sqlite"


@pytest.fixture
def runtime(database: Database, objects: Objects) -> Runtime:
    return Runtime(WorkerSettings(), database, objects, Signing())


def never() -> bool:
    return False


def replaced(monkeypatch: pytest.MonkeyPatch, load: Callable[[Any], Any]) -> None:
    """Weights take seconds to load, and this is about who waits for them."""
    monkeypatch.setattr(tuning, "machine_of", load)


def test_a_process_that_warms_nothing_up_waits_for_nothing() -> None:
    assert presence.wait_until_warm(never)


def test_a_worker_that_comes_up_looks_for_jobs_whose_messages_were_lost(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    hinted = threading.Event()
    monkeypatch.setattr(tuning, "warm_up", lambda _machine: None)
    monkeypatch.setattr(queue, "send_hint", lambda _job_id: hinted.set())
    submit(runtime.database)
    presence.begin(runtime)
    assert hinted.wait(30)


def test_nothing_is_claimed_until_the_worker_is_warm(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    loading, loaded = threading.Event(), threading.Event()

    def load(_settings: WorkerSettings) -> None:
        loading.set()
        loaded.wait(30)
        raise FileNotFoundError

    replaced(monkeypatch, load)
    presence.begin(runtime)
    assert loading.wait(30)
    assert not presence.wait_until_warm(lambda: True), "told to stop, it does not wait on"
    loaded.set()
    assert presence.wait_until_warm(never), "a worker that cannot be warm lets its jobs say so"
