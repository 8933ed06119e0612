"""What a worker loads once, and keeps of what it learnt."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model.errors import ModelError
from model.frames import AnnotatedFrame
from model.segmenters import Machine, Segmenter, segmenter
from storage import workers
from storage.database import Database
from storage.jobs import Stage
from storage.objects import Objects, file_sha256
from storage.workers import WorkerGroup
from tests.model.synthetic import clip
from worker import presence, tuning
from worker.budget import Budget
from worker.estimate import Work
from worker.runtime import Runtime
from worker.settings import WorkerSettings
from worker.signing import Signing


class Silence:
    """A report that nobody reads."""

    def plan(self, work: dict[Stage, Work]) -> None: ...

    def begin(self, stage: Stage) -> None: ...

    def advance(self, done: float) -> None: ...

    def check(self) -> None: ...


@pytest.fixture
def settings(tmp_path: Path) -> WorkerSettings:
    return WorkerSettings(device="cpu", weights_dir=tmp_path / "none")


@pytest.fixture
def method(settings: WorkerSettings) -> Segmenter:
    return segmenter("flow", "fast", tuning.machine_of(settings))


def test_the_weights_are_loaded_once_by_all_threads(settings: WorkerSettings) -> None:
    with ThreadPoolExecutor(4) as pool:
        machines = list(pool.map(lambda _: tuning.machine_of(settings), range(4)))
    assert {id(machine) for machine in machines} == {id(machines[0])}
    assert machines[0].tier.name == "compact"


def test_a_tier_that_is_not_there_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    asked = WorkerSettings(device="cpu", tier="standard", weights_dir=tmp_path / "none")
    with pytest.raises(ModelError, match="rotomill weights pull"):
        tuning.machine_of(asked)


def test_what_was_learnt_before_is_used_again(method: Segmenter, tmp_path: Path) -> None:
    """Unless the file is damaged: then it is learnt again."""
    annotated = [AnnotatedFrame(*frame) for frame in clip(frames=1)]
    path = tmp_path / "network.pth"

    def obtain() -> bool:
        budget = Budget(None, step_seconds=1, later_seconds=1)
        _, reused = tuning.obtain(
            path, annotated, method=method, objects=1, seed=0, budget=budget, report=Silence()
        )
        return reused

    assert [obtain(), obtain()] == [False, True]
    path.write_bytes(path.read_bytes()[:40])
    assert [obtain(), obtain()] == [False, True]


def test_a_network_for_other_objects_is_gone_on_from_only_where_it_can_be(
    settings: WorkerSettings, tmp_path: Path
) -> None:
    """OSVOS looks for a certain number of objects."""
    machine = tuning.machine_of(settings)
    one, two = ([AnnotatedFrame(*clip(frames=1, disks=disks)[0])] for disks in (1, 2))
    for name, goes_on in (("osvos", False), ("auto", True)):
        found = []
        for number, annotated in enumerate((one, two, two), 1):
            path, start = tmp_path / f"{name}{number}.pth", tmp_path / f"{name}{number - 1}.pth"
            learnt, _ = tuning.obtain(
                path,
                annotated,
                method=segmenter(name, "fast", machine),
                objects=1 if number == 1 else 2,
                seed=0,
                budget=Budget(0.0, step_seconds=1, later_seconds=0),
                report=Silence(),
                start=start if number > 1 else None,
            )
            found.append(learnt.started_from)
        assert [digest is not None for digest in found] == [False, goes_on, True]
        assert found[2] == file_sha256(tmp_path / f"{name}2.pth")


def test_a_worker_says_what_it_segments_with(
    settings: WorkerSettings, database: Database, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it has segmented a frame."""
    events: list[str] = []
    greeted, never = threading.Event(), threading.Event()
    warm_up, greet = tuning.warm_up, workers.greet

    def watched_warm_up(machine: Machine) -> None:
        warm_up(machine)
        events.append("warm")

    def watched_greet(database: Database, name: str, *, tier: str, device: str) -> None:
        events.append("greeting")
        greet(database, name, tier=tier, device=device)
        greeted.set()
        never.wait()

    monkeypatch.setattr(tuning, "warm_up", watched_warm_up)
    monkeypatch.setattr(workers, "greet", watched_greet)
    presence.begin(Runtime(settings, database, objects, Signing()))
    assert greeted.wait(60)
    assert events == ["warm", "greeting"]
    assert workers.present(database) == [WorkerGroup("compact", "cpu", 1)]


def test_a_worker_that_cannot_segment_is_not_counted(
    tmp_path: Path, database: Database, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = WorkerSettings(device="cpu", tier="standard", weights_dir=tmp_path / "none")
    load, tries, tried = tuning.machine_of, threading.Semaphore(3), threading.Event()

    def thrice(settings: WorkerSettings) -> Machine:
        if not tries.acquire(blocking=False):
            tried.set()
            threading.Event().wait()  # the thread would try for ever
        return load(settings)

    monkeypatch.setattr(tuning, "machine_of", thrice)
    monkeypatch.setattr(presence, "_begun", [])
    monkeypatch.setattr(presence, "_TRY_AGAIN_SECONDS", 0.05)
    presence.begin(Runtime(broken, database, objects, Signing()))
    assert tried.wait(60)
    assert workers.present(database) == []
