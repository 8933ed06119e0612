"""The same calls to the database and to its model, and what both say."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Barrier
from typing import Any

import sqlalchemy as sa

from storage import attempts, jobs, recovery, retention, submissions
from storage.attempts import Attempt
from storage.database import Database
from storage.deliveries import deliveries
from storage.errors import LeaseLostError
from storage.events import events
from storage.jobs import Stage
from storage.results import Result, results
from tests.clock import Clock
from tests.storage.model import GONE, LOST, Claim, Model
from tests.storage.records import LEASE

STARTED = Clock().now

WORKERS = ("beat", "report", "succeed", "fail", "cancel", "hand_back", "stumble")


@dataclass(frozen=True)
class Call:
    """One operation: on a job, on a claim, or on what there is."""

    name: str
    job: int = 0
    claim: Claim | None = None


@dataclass
class Real:
    """The same operations on the database, with answers as the model gives them."""

    database: Database
    attempts: dict[Claim, Attempt]

    def do(self, call: Call) -> Any:
        if call.name in WORKERS:
            assert call.claim is not None
            try:
                return self._as_worker(call.name, self.attempts[call.claim])
            except LeaseLostError:
                return LOST
        return self._as_anybody(call.name, id_of(call.job))

    def _as_anybody(self, name: str, job_id: str) -> Any:
        database = self.database
        told: dict[str, Callable[[], Any]] = {
            "claim_next": lambda: self._claimed(attempts.claim_next(database, worker="one", lease=LEASE)),
            "claim": lambda: self._claimed(attempts.claim(database, job_id, worker="one", lease=LEASE)),
            "request_cancel": lambda: status_of(submissions.cancel(database, job_id)),
            "delete": lambda: submissions.delete(database, job_id) is not None,
            "expire_leases": lambda: numbers_of(job.id for job in recovery.expire_leases(database)),
            "fail_overdue": lambda: numbers_of(job.id for job in recovery.fail_overdue(database)),
            "take_due_hints": lambda: numbers_of(hint.job_id for hint in recovery.take_due_hints(database)),
            "expire_results": lambda: numbers_of(retention.expire_due(database)),
        }
        return told[name]()

    def _as_worker(self, name: str, attempt: Attempt) -> Any:
        database = self.database
        told: dict[str, Callable[[], Any]] = {
            "beat": lambda: attempts.beat(database, attempt, lease=LEASE),
            "report": lambda: attempts.report(
                database, attempt, stage=Stage.SEGMENTING, progress=0.5, eta_seconds=1.0, lease=LEASE
            ),
            "succeed": lambda: attempts.succeed(database, attempt, found=[made(attempt)], timings={}),
            "fail": lambda: attempts.fail(database, attempt, code="x", detail="x"),
            "cancel": lambda: attempts.cancel(database, attempt),
            "hand_back": lambda: attempts.hand_back(database, attempt),
            "stumble": lambda: attempts.stumble(database, attempt, code="x", detail="x"),
        }
        answer = told[name]()
        return answer.status.value if isinstance(answer, jobs.Job) else answer

    def _claimed(self, attempt: Attempt | None) -> Claim | None:
        if attempt is None:
            return None
        claim = Claim(number_of(attempt.job.id), attempt.number, attempt.job.lost_workers)
        self.attempts[claim] = attempt
        return claim


def id_of(number: int) -> str:
    return f"job_{number:032d}"


def number_of(job_id: str) -> int:
    return int(job_id.removeprefix("job_"))


def numbers_of(job_ids: Iterable[str]) -> list[int]:
    return sorted(number_of(job_id) for job_id in job_ids)


def status_of(job: jobs.Job | None) -> str:
    return job.status.value if job else GONE


def made(attempt: Attempt) -> Result:
    return Result("masks.zip", f"results/{attempt.job.id}/{attempt.number}/masks.zip", 1, "e" * 64, "x")


def by_law(model: Model, call: Call) -> Any:
    """The model's answer."""
    match call.name:
        case "claim" | "request_cancel" | "delete":
            return getattr(model, call.name)(call.job)
        case "expire_leases":
            return [number for number in model.lapsed() if model.expire_lease(number)]
        case "fail_overdue":
            return [number for number in model.overdue() if model.fail_overdue(number)]
        case "claim_next" | "take_due_hints" | "expire_results":
            return getattr(model, call.name)()
        case _:
            return getattr(model, call.name)(call.claim)


# One effect that takes place at once: it changes the model and says whether the answer we got is its answer.
Step = Callable[[Model], bool]


def steps_of(model: Model, call: Call, answer: Any) -> list[Step]:
    """What a call does, when others come between. The recovery loop's calls change one job after the other."""
    if call.name == "expire_leases":
        return [
            lambda model, number=number: model.expire_lease(number) == (number in answer)  # type: ignore[misc]  # mypy cannot infer a default
            for number in model.lapsed()
        ]
    if call.name == "fail_overdue":
        late = [job.number for job in model.jobs.values() if job.deadline is not None]
        return [
            lambda model, number=number: model.fail_overdue(number) == (number in answer)  # type: ignore[misc]  # mypy cannot infer a default
            for number in late
        ]
    if call.name == "claim_next":
        # of those who claim at once each passes over what the others are just claiming, turn or no turn
        if answer is None:
            return [lambda model: model.claim_next() is None]
        return [lambda model: model.claim(answer.number) == answer]
    return [lambda model: by_law(model, call) == answer]


def orders(model: Model, steps: Sequence[Step]) -> Iterator[Model]:
    """What the model may have become: every order of the steps in which it answers as we were answered."""
    if not steps:
        yield model
    for index, step in enumerate(steps):
        branch = copy.deepcopy(model)
        if step(branch):
            yield from orders(branch, [*steps[:index], *steps[index + 1 :]])


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """The answers of all, each given in a thread of its own."""
    if not calls:
        return []
    ready = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        ready.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def expected(model: Model) -> dict[int, dict[str, Any]]:
    """What the model says of each job, but for what was given at its submission."""
    given = {"number", "owner", "priority", "webhook", "deadline", "kept"}
    return {
        number: {name: value for name, value in vars(job).items() if name not in given}
        for number, job in model.jobs.items()
    }


def look(database: Database) -> dict[int, dict[str, Any]]:
    """The same of the database."""
    with database.read() as connection:
        found = {
            row.id: {
                "status": row.status,
                "attempt": row.attempt,
                "lost_workers": row.lost_workers,
                "cancel_requested": row.cancel_requested,
                "lease_until": since(row.lease_expires_at),
                "hints": row.hints,
                "next_hint": since(row.next_hint_at),
                "expires": since(row.expires_at),
                "expired": row.expired_at is not None,
                "results": 0,
                "told": [],
                "owed": [],
            }
            for row in connection.execute(sa.select(jobs.jobs).order_by(jobs.jobs.c.id))
        }
        for job_id, kind in connection.execute(
            sa.select(events.c.job_id, events.c.type).order_by(events.c.job_id, events.c.number)
        ):
            found[job_id]["told"].append(kind)
        for job_id, kind in connection.execute(
            sa.select(deliveries.c.job_id, deliveries.c.event).order_by(
                deliveries.c.job_id, deliveries.c.number
            )
        ):
            found[job_id]["owed"].append(kind)
        for (job_id,) in connection.execute(sa.select(results.c.job_id)):
            found[job_id]["results"] += 1
    return {number_of(job_id): values for job_id, values in found.items()}


def since(at: datetime | None) -> float | None:
    return None if at is None else (at - STARTED).total_seconds()
