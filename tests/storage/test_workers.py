from storage import workers
from storage.database import Database
from storage.workers import SILENT_SECONDS, WorkerGroup
from tests.clock import Clock


def test_workers_are_counted_by_what_they_segment_with(database: Database) -> None:
    assert workers.present(database) == []
    workers.greet(database, "a:1", tier="compact", device="cpu")
    workers.greet(database, "a:2", tier="compact", device="cpu")
    workers.greet(database, "b:1", tier="standard", device="cuda")
    assert workers.present(database) == [
        WorkerGroup("compact", "cpu", 2),
        WorkerGroup("standard", "cuda", 1),
    ]


def test_one_that_greets_again_is_one(database: Database, clock: Clock) -> None:
    """And is what it said last."""
    workers.greet(database, "a:1", tier="compact", device="cpu")
    clock.pass_(seconds=60)
    workers.greet(database, "a:1", tier="standard", device="cpu")
    assert workers.present(database) == [WorkerGroup("standard", "cpu", 1)]


def test_one_that_is_silent_for_long_is_gone(database: Database, clock: Clock) -> None:
    workers.greet(database, "a:1", tier="compact", device="cpu")
    clock.pass_(seconds=SILENT_SECONDS + 1)
    assert workers.present(database) == []
    workers.greet(database, "a:2", tier="compact", device="cpu")
    assert workers.present(database) == [WorkerGroup("compact", "cpu", 1)]
