"""`python -m tests.faults --faults 1000 --seed 1`: strike a real deployment, and count what was lost."""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from tests.faults.campaign import Outcome, Plan, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=100, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="draws faults and callers")
    parser.add_argument("--gap", type=float, default=Plan.gap_seconds, help="mean seconds between two faults")
    parser.add_argument("--callers", type=int, default=Plan.callers, help="how many submit at once")
    parser.add_argument("--folder", type=Path, help="where logs stay (default: a temporary folder)")
    given = parser.parse_args()
    plan = Plan(given.faults, given.seed, given.gap, given.callers)
    with contextlib.ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        outcome = run(plan, folder, tell=lambda line: print(line, flush=True))
    print(report(outcome))
    return 1 if any(outcome.findings.failures.values()) else 0


def report(outcome: Outcome) -> str:
    """The figures, a line each."""
    found, plan = outcome.findings, outcome.plan
    minutes = outcome.storm_seconds / 60
    lines = [
        f"{plan.faults} faults with seed {plan.seed} in {minutes:.1f} minutes "
        f"({plan.faults / minutes:.1f} a minute), then {outcome.calm_seconds:.0f} s of calm",
        *(f"  {number:4d} {name}" for name, number in outcome.struck.most_common()),
        f"{outcome.accepted} jobs accepted: "
        + ", ".join(f"{number} {status}" for status, number in found.statuses.most_common())
        + f", {found.deleted} deleted after their end; {found.attempts} attempts",
        *([f"failed with: {dict(found.errors)}"] if found.errors else []),
        f"{found.events_owed} webhook events owed",
        *(f"{what}: {len(lines)}" for what, lines in found.failures.items()),
        f"running again after a lost worker: median {found.again_median:.1f} s, "
        f"max {max(found.again_seconds, default=0):.1f} s ({len(found.again_seconds)} times)",
    ]
    for what, details in found.failures.items():
        lines += [f"{what}: {detail}" for detail in details[:20]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
