"""Rehearsal teaches the annotated objects, repeats with the seed, and stops when told to."""

from collections.abc import Callable

import pytest
import torch

from model.errors import AnnotationError
from model.frames import AnnotatedFrame
from model.presets import Effort
from model.rehearsal import PATIENCE, Best, rehearse
from model.tracker import Tracker
from tests.model.synthetic import clip

CPU = torch.device("cpu")
EFFORT = Effort(4, 2, 64 * 64, 1e-3, 0.1, 0.1)


@pytest.fixture(scope="module")
def parent() -> Tracker:
    torch.manual_seed(0)
    return Tracker("compact")


@pytest.fixture
def annotated() -> list[AnnotatedFrame]:
    return [AnnotatedFrame(*clip(frames=1)[0])]


def rehearsed(
    parent: Tracker,
    annotated: list[AnnotatedFrame],
    *,
    effort: Effort = EFFORT,
    objects: int = 1,
    seed: int = 0,
    matching: bool = True,
    on_step: Callable[[int, int], None] = lambda done, most: None,
    enough: Callable[[], bool] = lambda: False,
) -> tuple[Tracker, int]:
    return rehearse(
        parent,
        annotated,
        effort,
        objects=objects,
        seed=seed,
        device=CPU,
        matching=matching,
        on_step=on_step,
        enough=enough,
    )


def same(first: Tracker, second: Tracker) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def test_the_same_seed_gives_the_same_network(parent: Tracker, annotated: list[AnnotatedFrame]) -> None:
    first, _ = rehearsed(parent, annotated, seed=1)
    torch.rand(5)
    assert same(first, rehearsed(parent, annotated, seed=1)[0])
    assert not same(first, rehearsed(parent, annotated, seed=2)[0])


def test_the_parent_stays_as_it_is(parent: Tracker, annotated: list[AnnotatedFrame]) -> None:
    before = {name: value.clone() for name, value in parent.state_dict().items()}
    tuned, steps = rehearsed(parent, annotated)
    assert steps == EFFORT.steps
    assert not same(tuned, parent)
    assert all(torch.equal(value, before[name]) for name, value in parent.state_dict().items())


def test_every_step_is_told_and_may_stop_the_work(parent: Tracker, annotated: list[AnnotatedFrame]) -> None:
    """Zeros while the frames are made, then each step; what `on_step` raises comes out."""
    told: list[tuple[int, int]] = []
    rehearsed(parent, annotated, on_step=lambda done, most: told.append((done, most)))
    assert told[-4:] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert set(told[:-4]) == {(0, 4)}

    def stop(done: int, most: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        rehearsed(parent, annotated, on_step=stop)


def test_enough_is_enough(parent: Tracker, annotated: list[AnnotatedFrame]) -> None:
    done: list[int] = []
    _, steps = rehearsed(
        parent, annotated, on_step=lambda step, _: done.append(step), enough=lambda: done[-1] >= 2
    )
    assert steps == 2


def test_without_steps_the_parent_segments(parent: Tracker, annotated: list[AnnotatedFrame]) -> None:
    tuned, steps = rehearsed(parent, annotated, effort=Effort(0, 2, 64 * 64, 1e-3, 0.1, 0.1))
    assert steps == 0
    assert same(tuned, parent)


def test_the_best_network_is_kept_and_the_wait_for_a_better_counted(parent: Tracker) -> None:
    network = Tracker("compact")
    network.load_state_dict(parent.state_dict())
    best = Best(network, loss=1.0)
    with torch.no_grad():
        network.sharpness.add_(1)
    for _ in range(PATIENCE):
        best.compare(1.5)
    assert best.waited == PATIENCE
    assert same(best.restored(), parent)


def test_several_objects_each_annotated_somewhere(parent: Tracker) -> None:
    """The second object is in the second annotated frame only; nothing becomes NaN."""
    (first, one), (second, two) = clip(frames=2, disks=2)
    frames = [AnnotatedFrame(first, one * (one == 1)), AnnotatedFrame(second, two)]
    tuned, _ = rehearsed(parent, frames, objects=2)
    assert all(weight.isfinite().all() for weight in tuned.parameters())


def test_nothing_to_learn_from_is_refused(parent: Tracker, annotated: list[AnnotatedFrame]) -> None:
    with pytest.raises(AnnotationError, match="shows object 2"):
        rehearsed(parent, annotated, objects=2)


def test_rehearsing_makes_the_network_better(parent: Tracker, annotated: list[AnnotatedFrame]) -> None:
    """From random weights, on frames that are not learnt from."""
    losses: list[float] = []

    class Watched(Best):
        def __init__(self, network: Tracker, loss: float) -> None:
            losses.append(loss)
            super().__init__(network, loss)

        def compare(self, loss: float) -> None:
            losses.append(loss)

    first = Effort(40, 4, 96 * 96, 3e-3, 0.1, 0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model.rehearsal.Best", Watched)
        rehearsed(parent, annotated, effort=first, matching=False)
    assert losses[-1] < 0.5 * losses[0], losses
