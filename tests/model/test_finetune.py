"""Fine-tuning learns the annotated objects, repeats with the seed, and stops when told to."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from model.errors import AnnotationError, NetworkError
from model.finetune import finetune
from model.frames import AnnotatedFrame
from model.network import OSVOS
from model.presets import Preset
from tests.model.synthetic import clip

CPU = torch.device("cpu")
SHORT = Preset("test", 64, 3, 2, 3e-3, 0.1, 0.1)


def tune(
    annotated: list[AnnotatedFrame],
    *,
    objects: int = 1,
    seed: int = 0,
    parent: OSVOS | None = None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
    backbone: str = "compact",
    preset: Preset = SHORT,
) -> OSVOS:
    network, steps = finetune(
        annotated,
        preset,
        objects=objects,
        seed=seed,
        device=CPU,
        backbone=backbone,
        parent=parent,
        on_step=on_step,
    )
    assert steps == preset.steps
    return network


@pytest.fixture
def annotated() -> list[AnnotatedFrame]:
    return [AnnotatedFrame(*clip(frames=1)[0])]


def same(first: OSVOS, second: OSVOS) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def test_the_same_seed_gives_the_same_network(annotated: list[AnnotatedFrame]) -> None:
    """To the bit, whatever random numbers were drawn in between; another seed gives another network."""
    first = tune(annotated, seed=1)
    torch.rand(5)
    np.random.rand(5)
    assert same(first, tune(annotated, seed=1))
    assert not same(first, tune(annotated, seed=2))


def test_the_callers_random_numbers_are_untouched(annotated: list[AnnotatedFrame]) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    tune(annotated)
    assert torch.equal(torch.rand(1), expected)


def test_every_step_is_told(annotated: list[AnnotatedFrame]) -> None:
    told: list[tuple[int, int]] = []
    tune(annotated, on_step=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_whoever_is_told_may_stop_the_work(annotated: list[AnnotatedFrame]) -> None:
    """What `on_step` raises comes out at once: that is how a job is canceled."""
    told: list[int] = []

    def stop(done: int, total: int) -> None:
        told.append(done)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        tune(annotated, on_step=stop)
    assert told == [1]


def test_enough_is_enough(annotated: list[AnnotatedFrame]) -> None:
    """When the time is up, the network is taken as it is, with the steps that it took."""
    told: list[int] = []
    _, steps = finetune(
        annotated,
        SHORT,
        objects=1,
        seed=0,
        device=CPU,
        backbone="compact",
        on_step=lambda done, total: told.append(done),
        enough=lambda: len(told) == 2,
    )
    assert (told, steps) == ([1, 2], 2)


def test_a_parent_is_the_start_and_stays_as_it_is(annotated: list[AnnotatedFrame]) -> None:
    """With a parent, its weights are where the work starts, and the parent can serve the next job."""
    parent = OSVOS("compact")
    before = {name: value.clone() for name, value in parent.state_dict().items()}
    still = Preset("still", 64, 1, 1, 0.0, 0.1, 0.1)
    tuned = tune(annotated, parent=parent, preset=still, backbone="vgg16")
    assert same(tuned, parent)
    tune(annotated, parent=parent)
    assert all(torch.equal(value, before[name]) for name, value in parent.state_dict().items())


def test_several_objects_start_from_a_parent_of_one() -> None:
    annotated = [AnnotatedFrame(*clip(frames=1, disks=2)[0])]
    assert tune(annotated, objects=2, parent=OSVOS("compact")).objects == 2
    with pytest.raises(NetworkError, match="3 objects cannot look for 2"):
        tune(annotated, objects=2, parent=OSVOS("compact", 3))


def test_annotated_frames_take_turns() -> None:
    """A second annotated frame changes what is learnt, even with one picture a step."""
    first, second = (AnnotatedFrame(*pair) for pair in clip(frames=2))
    single = Preset("single", 64, 2, 1, 3e-3, 0.1, 0.1)
    assert not same(tune([first], preset=single), tune([first, second], preset=single))


def test_vgg_can_be_tuned(annotated: list[AnnotatedFrame]) -> None:
    """From any weights, in whatever format the processor is fast in; all weights stay finite float32."""
    tuned = tune(annotated, backbone="vgg16", preset=Preset("one", 32, 2, 1, 3e-3, 0.1, 0.1))
    assert all(weight.isfinite().all() and weight.dtype is torch.float32 for weight in tuned.parameters())


def test_an_object_may_be_absent_from_some_annotated_frames() -> None:
    """An object that one frame lacks is learnt from the other, and nothing becomes NaN."""
    image, labels = clip(frames=1, disks=2)[0]
    without = AnnotatedFrame(image, np.where(labels == 2, np.uint8(0), labels))
    tuned = tune([without, AnnotatedFrame(image, labels)], objects=2)
    assert all(weight.isfinite().all() for weight in tuned.parameters())


def frame(
    image: tuple[int, ...] = (32, 48, 3), labels: tuple[int, ...] = (32, 48), value: int = 1
) -> AnnotatedFrame:
    outlined = np.zeros(labels, np.uint8)
    outlined[..., :8] = value
    return AnnotatedFrame(np.zeros(image, np.uint8), outlined)


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        ([], "no annotated frame"),
        ([frame(value=0)], "shows object 1"),
        ([frame(value=2)], "shows object 1"),
        ([frame(), frame(value=2)], "name object 2"),
        ([frame(labels=(32, 47))], "same size"),
        ([frame(image=(32, 48))], "RGB"),
        ([frame(), frame((64, 48, 3), (64, 48))], "one clip"),
    ],
)
def test_annotations_that_teach_nothing_are_refused(frames: list[AnnotatedFrame], says: str) -> None:
    """Before any work is done, with what to change."""
    with pytest.raises(AnnotationError, match=says):
        tune(frames)
