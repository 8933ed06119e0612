"""The database's state machine against its executable model (`model.py`), one after the other and at once."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storage import submissions
from storage.database import Database, metadata
from storage.jobs import Priority, Status
from storage.results import Result
from tests.clock import Clock
from tests.storage import model as law
from tests.storage.calls import (
    STARTED,
    WORKERS,
    Call,
    Real,
    at_once,
    by_law,
    expected,
    id_of,
    look,
    orders,
    steps_of,
)
from tests.storage.model import Model
from tests.storage.records import OPTIONS, WEBHOOK, new_job

# Enough to find what was planted; `ROTOMILL_TEST_EXAMPLES=2000` looks longer.
EXAMPLES = int(os.environ.get("ROTOMILL_TEST_EXAMPLES", "100"))
STEPS = 25
MOST_JOBS = 8
# What happens, happens to the newest, so that much happens to each of them.
NEWEST = 3

WEBHOOKS: tuple[tuple[str, ...], ...] = (
    (),
    ("job.succeeded", "job.failed", "job.canceled"),
    ("job.running", "job.canceled"),
)

OTHERS = (
    *("claim_next", "claim_next", "claim", *["request_cancel"] * 4, "delete"),
    *("expire_leases", "expire_leases", "fail_overdue", "take_due_hints", "expire_results"),
)

# A job whose hint is just being scheduled, or whose files just go, may be passed over by those who come at once.
AT_ONCE = (*WORKERS, *(name for name in OTHERS if name not in {"take_due_hints", "expire_results"}))

JOBS = st.integers(0, NEWEST - 1)
LATE = st.sampled_from((False, False, False, True))
# Most calls come right after each other; a lease lasts 30 s.
WAIT = st.sampled_from((0, 0, 0, 0, 0, 1, 11, 31, 61))


class Machine(RuleBasedStateMachine):
    """Drives both, and compares them after every step."""

    database: Database
    clock: Clock
    empty: Callable[[], None]

    def __init__(self) -> None:
        super().__init__()
        type(self).empty()
        self.clock.now = STARTED
        self.model = Model()
        self.real = Real(self.database, {})
        self.made = 0

    @initialize(events=st.sampled_from(WEBHOOKS), running=st.booleans())
    def have_a_job(self, events: tuple[str, ...], running: bool) -> None:
        self.submit_one(events=events)
        if running:
            self._call(Call("claim_next"))

    @precondition(lambda self: self.made < MOST_JOBS)
    @rule(
        owner=st.sampled_from("ab"),
        priority=st.sampled_from(Priority),
        events=st.sampled_from(WEBHOOKS),
        deadline=st.sampled_from((None, None, 5, 40)),
        kept=st.sampled_from((None, 20)),
        known=st.sampled_from((False, False, False, True)),
    )
    def submit(self, **asked: Any) -> None:
        self.submit_one(**asked)

    def submit_one(
        self,
        owner: str = "a",
        priority: Priority = Priority.NORMAL,
        events: tuple[str, ...] = (),
        deadline: int | None = None,
        kept: int | None = None,
        known: bool = False,
    ) -> None:
        self.made += 1
        until = None if deadline is None else self.model.now + deadline
        job = law.Job(self.made, owner, priority, events, until, kept)
        stored = new_job(
            self.database,
            id=id_of(self.made),
            owner=owner,
            priority=priority,
            options=OPTIONS | {"webhook": (WEBHOOK | {"events": list(events)}) if events else None},
            deadline_at=None if until is None else STARTED + timedelta(seconds=until),
            kept_seconds=kept,
            status=Status.SUCCEEDED if known else Status.QUEUED,
        )
        copies = [Result("masks.zip", f"results/{stored.id}/0/masks.zip", 1, "e" * 64, "x")]
        submissions.submit(self.database, stored, found=copies if known else ())
        self.model.submit_known(job) if known else self.model.submit(job)

    @rule(name=st.sampled_from((*WORKERS, "beat", "hand_back", "stumble")), job=JOBS, late=LATE, wait=WAIT)
    def call_as_a_worker(self, name: str, job: int, late: bool, wait: int) -> None:
        self._let_time_pass(wait)
        self._call(self._about(name, job, late))

    @rule(name=st.sampled_from(OTHERS), job=JOBS, wait=WAIT)
    def call_as_anybody(self, name: str, job: int, wait: int) -> None:
        self._let_time_pass(wait)
        self._call(self._about(name, job, late=False))

    def _let_time_pass(self, seconds: int) -> None:
        self.clock.pass_(seconds=seconds)
        self.model.now += seconds

    def _call(self, call: Call) -> None:
        answer = by_law(self.model, call)
        assert self.real.do(call) == answer, call

    @rule(names=st.lists(st.sampled_from(AT_ONCE), min_size=2, max_size=3), job=JOBS, late=LATE)
    def call_at_once(self, names: list[str], job: int, late: bool) -> None:
        """All about the same job as far as they can be: that is where they meet."""
        calls = [self._about(name, job, late) for name in names]
        answers = at_once([lambda call=call: self.real.do(call) for call in calls])  # type: ignore[misc]  # mypy cannot infer a default
        steps = [
            step
            for call, answer in zip(calls, answers, strict=True)
            for step in steps_of(self.model, call, answer)
        ]
        seen = look(self.database)
        for outcome in orders(self.model, steps):
            if expected(outcome) == seen:
                self.model = outcome
                return
        heard = list(zip(calls, answers, strict=True))
        raise AssertionError(f"no order explains {heard}\nbefore: {expected(self.model)}\nafter:  {seen}")

    def _about(self, name: str, job: int, late: bool) -> Call:
        """The call about one of the jobs there were, by the worker that claimed it last, or by one before."""
        number = max(self.made - job, 1)
        held = [claim for claim in self.real.attempts if claim.number == number]
        if name in WORKERS and not held:
            return Call("claim", number)
        return Call(name, number, held[-2] if late and len(held) > 1 else held[-1] if held else None)

    @invariant()
    def both_agree(self) -> None:
        assert look(self.database) == expected(self.model)


@contextmanager
def unhurried_disks(database: Database) -> Iterator[None]:
    """SQLite without waiting for the disk: no power fails here."""

    def prepare(connection: Any, _record: object) -> None:
        if database.engine.dialect.name == "sqlite":
            connection.execute("PRAGMA synchronous=OFF")

    sa.event.listen(database.engine, "connect", prepare)
    yield


@pytest.mark.timeout(1800)
def test_no_sequence_of_calls_and_no_race_leaves_the_model(database: Database, clock: Clock) -> None:
    tables = list(reversed(metadata.sorted_tables))

    def empty() -> None:
        with database.write() as connection:
            for table in tables:
                connection.execute(table.delete())

    driven = type("Driven", (Machine,), {"database": database, "clock": clock, "empty": staticmethod(empty)})
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize="ROTOMILL_TEST_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    with unhurried_disks(database):
        run_state_machine_as_test(driven, settings=chosen)
