"""A short campaign in every test run. The long one is `python -m tests.faults --faults 1000 --seed 1`."""

from pathlib import Path

from tests.faults.__main__ import report
from tests.faults.campaign import Plan, run
from tests.services.need import need

# Few and close together: what a fault breaks takes longer to mend than to break.
SHORT = Plan(faults=12, seed=11, gap_seconds=0.8, callers=3, pause_seconds=1.0)


def test_whatever_is_struck_nothing_accepted_is_lost_or_done_twice(tmp_path: Path) -> None:
    need("PostgreSQL", "Redis", "rclone", "moto")
    outcome = run(SHORT, tmp_path)
    assert outcome.accepted > 0
    assert not any(outcome.findings.failures.values()), report(outcome)
