"""A campaign: faults drawn by a seed strike a running deployment while callers use it; then everything is counted."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults import audit, faults
from tests.faults.audit import Findings
from tests.faults.clients import Clients, calling
from tests.faults.faults import Scene
from tests.faults.journal import Journal
from tests.faults.receiver import receiving
from tests.faults.stack import Stack, running
from tests.services.front import Trouble

TICK_SECONDS = 0.03

# After the last fault everything must come to rest within this time.
CALM_SECONDS = 180.0


@dataclass(frozen=True)
class Plan:
    """How many faults, drawn with which seed, how far apart, and how many callers use the service meanwhile."""

    faults: int
    seed: int
    gap_seconds: float = 2.5
    callers: int = 8
    pause_seconds: float = 3.0


@dataclass
class Outcome:
    """What was done and what was found."""

    plan: Plan
    struck: Counter[str]
    storm_seconds: float
    calm_seconds: float
    accepted: int
    findings: Findings


def run(plan: Plan, folder: Path, tell: Callable[[str], None] = lambda _line: None) -> Outcome:
    """Run it. The journal and the processes' logs stay in `folder`."""
    journal = Journal(folder / "journal.jsonl")
    with (
        running(folder, journal, plan.seed) as stack,
        receiving(journal, plan.seed) as receiver,
        calling(
            stack.url,
            receiver,
            journal,
            callers=plan.callers,
            pause_seconds=plan.pause_seconds,
            seed=plan.seed,
        ) as clients,
    ):
        scene = Scene(stack, random.Random(plan.seed))
        began = time.monotonic()
        struck = _storm(plan, scene, clients, journal, tell)
        storm_seconds = time.monotonic() - began
        calm_seconds = _calm(scene, clients)
        audit.sweep(stack)
        findings = audit.audit(stack, clients, receiver, scene.losses)
        for what, lines in findings.failures.items():
            for line in lines:
                journal.note(what, detail=line)
    journal.close()
    return Outcome(plan, struck, storm_seconds, calm_seconds, len(clients.accepted), findings)


def _storm(
    plan: Plan, scene: Scene, clients: Clients, journal: Journal, tell: Callable[[str], None]
) -> Counter[str]:
    struck: Counter[str] = Counter()
    began = told = time.monotonic()
    following = began
    while struck.total() < plan.faults:
        _tick(scene)
        now = time.monotonic()
        if now >= following:
            following = now + scene.chance.expovariate(1 / plan.gap_seconds)
            name, target = faults.draw(scene)
            struck[name] += 1
            journal.note("fault", kind=name, target=target, number=struck.total())
        if now - told > 30:
            told = now
            rate = struck.total() / (now - began) * 60
            tell(
                f"{now - began:5.0f} s: {struck.total()} faults ({rate:.1f} a minute), "
                f"{len(clients.accepted)} jobs accepted, {len(scene.losses)} taken from a worker"
            )
    return struck


def _calm(scene: Scene, clients: Clients) -> float:
    """Let everything come to rest; the seconds that took."""
    began = time.monotonic()
    clients.stop.set()
    settled_since: float | None = None
    while time.monotonic() - began < CALM_SECONDS:
        _tick(scene)
        if not scene.agenda and scene.stack.front.trouble == Trouble():
            rest = clients.busy == 0 and _settled(scene.stack)
            settled_since = (settled_since or time.monotonic()) if rest else None
            # a moment more: what wakes late must find that it changes nothing
            if settled_since is not None and time.monotonic() - settled_since > 2:
                break
    clients.give_up.set()
    for thread in clients.threads:
        thread.join(30)
    scene.stack.wait_ready()
    return time.monotonic() - began


def _settled(stack: Stack) -> bool:
    try:
        return audit.unsettled(stack) == 0
    except Exception:  # the database may still be on its way up
        return False


def _tick(scene: Scene) -> None:
    scene.do_what_is_due()
    scene.stack.tend()
    time.sleep(TICK_SECONDS)
