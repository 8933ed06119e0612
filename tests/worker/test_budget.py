"""A budget ends fine-tuning while there is time for the rest, on machines of any speed."""

from worker.budget import Budget


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def steps_within(seconds: float | None, *, step_takes: float) -> int:
    """Steps until the budget is spent, where a step was thought to take 1 s and the rest 10 s."""
    clock = Clock()
    budget = Budget(seconds, step_seconds=1.0, later_seconds=10.0, clock=clock)
    for step in range(1, 1000):
        clock.now += step_takes
        budget.count(step)
        if budget.spent():
            return step
    return 1000


def test_what_comes_later_is_set_aside() -> None:
    assert steps_within(30, step_takes=1.0) == 20


def test_a_slow_machine_sets_aside_more() -> None:
    """Twice as slow: the rest will take 20 s, which leaves 10 s, five steps."""
    assert steps_within(30, step_takes=2.0) == 5


def test_a_fast_machine_learns_longer() -> None:
    assert steps_within(30, step_takes=0.5) == 50


def test_a_budget_too_small_for_anything_allows_one_step() -> None:
    assert steps_within(5, step_takes=1.0) == 1


def test_without_a_budget_nothing_is_cut_short() -> None:
    assert steps_within(None, step_takes=50.0) == 1000
