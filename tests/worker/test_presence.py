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
from worker.tuning import machine_of


@pytest.fixture
def database_kind() -> str:
    """Which one it is plays no part here."""
    return "sqlite"


@pytest.fixture
def runtime(database: Database, objects: Objects) -> Runtime:
    return Runtime(WorkerSettings(), database, objects, Signing())


@pytest.fixture(autouse=True)
def nothing_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process begins once in its life; this one runs other tests too."""
    monkeypatch.setattr(presence, "_begun", [])


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
    """One that cannot segment would fail the jobs of all, faster than the others do theirs."""
    tries: list[int] = []

    def load(settings: WorkerSettings) -> Any:
        tries.append(len(tries))
        if len(tries) < 3:
            raise FileNotFoundError
        return machine_of(settings)

    asked: list[int] = []

    def told_to_stop() -> bool:
        asked.append(len(tries))
        return True

    monkeypatch.setattr(presence, "_TRY_AGAIN_SECONDS", 1.0)
    monkeypatch.setattr(tuning, "warm_up", lambda _machine: None)
    replaced(monkeypatch, load)
    presence.begin(runtime)
    assert not presence.wait_until_warm(told_to_stop), "told to stop, it does not wait on"
    assert asked[0] < 3
    assert presence.wait_until_warm(never), "it tries again until it can"
    assert len(tries) == 3
