"""The tracking session follows what it was shown, forgets nothing it needs and keeps nothing it does not."""

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from model import learnt, tiers
from model.errors import CheckpointError
from model.frames import AnnotatedFrame
from model.presets import Effort
from model.segmentation import Segmentation
from model.segmenters import SEGMENTERS, Machine, SegmenterUnknownError, segmenter
from model.segmenters.tracking import TrackingSegmenter
from model.tiers import Tier
from tests.model.synthetic import clip, overlap

Frames = list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]

CPU = torch.device("cpu")
EFFORT = Effort(20, 4, 128 * 128, 5e-4, 0.1, 0.1)


@pytest.fixture(scope="module")
def tier(tmp_path_factory: pytest.TempPathFactory) -> Tier:
    """What ships, with nothing downloaded."""
    return tiers.load("auto", tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def method(tier: Tier) -> TrackingSegmenter:
    return TrackingSegmenter(tier, EFFORT, CPU, matching=True)


def follow(
    method: TrackingSegmenter, frames: Frames, objects: int, known: learnt.Learnt
) -> list[Segmentation]:
    annotated = [AnnotatedFrame(*frames[0])]
    session = method.session(known, annotated, objects=objects)
    assert session.anchor(*frames[0]).labels is frames[0][1]
    return [session.step(image) for image, _ in frames[1:]]


def learn(method: TrackingSegmenter, frames: Frames, objects: int) -> learnt.Learnt:
    annotated = [AnnotatedFrame(*frames[0])]
    return method.learn(
        annotated, objects=objects, seed=0, on_step=lambda done, most: None, enough=lambda: False
    )


def test_objects_are_followed(method: TrackingSegmenter) -> None:
    """J > 0.8 for either object in every later frame, with a confidence that says so."""
    frames = clip(disks=2, carried=True)
    for found, (_, truth) in zip(
        follow(method, frames, 2, learn(method, frames, 2)), frames[1:], strict=True
    ):
        assert found.labels.shape == truth.shape
        assert found.labels.dtype == np.uint8
        for number in (1, 2):
            assert overlap(found.labels == number, truth == number) > 0.8
            assert 0.7 < found.confidence[number - 1] <= 1


def test_an_object_that_leaves_is_gone_and_is_found_when_it_comes_back(method: TrackingSegmenter) -> None:
    frames = clip(frames=8, carried=True)
    empty = clip(frames=1, disks=0)[0]
    known = learn(method, frames, 1)
    session = method.session(known, [AnnotatedFrame(*frames[0])], objects=1)
    session.anchor(*frames[0])
    session.step(frames[1][0])
    away = [session.step(empty[0]) for _ in range(4)]
    assert not away[-1].labels.any()
    assert away[-1].confidence == (0.0,)
    back = [session.step(image) for image, _ in frames[4:]]
    assert overlap(back[-1].labels == 1, frames[-1][1] == 1) > 0.7


def test_what_was_learnt_is_kept_in_a_file(method: TrackingSegmenter, tmp_path: Path) -> None:
    """Loaded again it gives the same masks; under another description, or damaged, it is refused."""
    frames = clip(frames=3, carried=True)
    known = learn(method, frames, 1)
    path = tmp_path / "network.pth"
    learnt.save(known, path, method.description, 1)
    again = learnt.load(path, method.description, 1)
    assert again.steps == known.steps
    for one, other in zip(follow(method, frames, 1, known), follow(method, frames, 1, again), strict=True):
        assert np.array_equal(one.labels, other.labels)
    for description, objects in ((method.description, 2), ({"name": "other"}, 1)):
        with pytest.raises(CheckpointError):
            learnt.load(path, description, objects)


def test_frames_before_the_annotated_one_are_searched(method: TrackingSegmenter) -> None:
    """A clip annotated in its middle starts without a last mask."""
    frames = clip(frames=5, carried=True)
    known = learn(method, frames[4:], 1)
    session = method.session(known, [AnnotatedFrame(*frames[4])], objects=1)
    found = session.step(frames[0][0])
    assert overlap(found.labels == 1, frames[0][1] == 1) > 0.6


def test_a_way_back_leaves_the_way_on_as_it_was(method: TrackingSegmenter) -> None:
    frames = clip(frames=5, carried=True)
    known, annotated = learn(method, frames, 1), [AnnotatedFrame(*frames[0])]
    undisturbed, session = (method.session(known, annotated, objects=1) for _ in range(2))
    for one in (undisturbed, session):
        one.anchor(*frames[0])
        one.step(frames[1][0])
    back = session.again()
    back.anchor(*frames[4])
    assert overlap(back.step(frames[3][0]).labels == 1, frames[3][1] == 1) > 0.8
    found, expected = (one.step(frames[2][0]) for one in (session, undisturbed))
    assert np.array_equal(found.labels, expected.labels)


def test_memory_does_not_grow_with_the_clip(method: TrackingSegmenter) -> None:
    """After two frames or twenty, a session holds as many numbers."""
    frames = clip(frames=3, carried=True)
    session = method.session(
        learnt.Learnt(tiers.trained(method._parent)), [AnnotatedFrame(*frames[0])], objects=1
    )
    session.anchor(*frames[0])
    sizes = []
    for _ in range(3):
        for image, _ in frames[1:]:
            session.step(image)
        assert session._recent is not None
        sizes.append(session._recent.keys.shape)
    assert len(set(sizes[1:])) == 1


@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_segmenter_segments(name: str, tier: Tier) -> None:
    """Each by its name, through the one interface; the textured disk is found by all."""
    method = segmenter(name, "fast", Machine(CPU, tier, "compact"))
    assert method.description["name"]
    frames = clip(frames=16, carried=True)[:4]
    annotated = [AnnotatedFrame(*frames[0])]
    steps: list[int] = []
    known = method.learn(
        annotated,
        objects=1,
        seed=0,
        on_step=lambda done, most: steps.append(done),
        enough=lambda: bool(steps) and steps[-1] >= 25,
    )
    session = method.session(known, annotated, objects=1)
    session.anchor(*frames[0])
    for image, truth in frames[1:]:
        found = session.step(image)
        assert overlap(found.labels == 1, truth == 1) > 0.5
        assert 0 < found.confidence[0] <= 1


def test_learning_goes_on_from_what_was_learnt_before(tier: Tier) -> None:
    """A network that is sure already changes little, and starts where the first one ended."""
    frames = clip(frames=3, carried=True)
    method = TrackingSegmenter(tier, dataclasses.replace(EFFORT, steps=5), CPU, matching=True)
    first = learn(method, frames, 1)
    none = TrackingSegmenter(tier, dataclasses.replace(EFFORT, steps=0), CPU, matching=True)
    both = [AnnotatedFrame(*frames[0]), AnnotatedFrame(*frames[2])]
    again = none.learn(
        both, objects=1, seed=0, on_step=lambda done, most: None, enough=lambda: False, start=first
    )
    assert again.steps == 0
    assert all(torch.equal(again.weights[name], value) for name, value in first.weights.items())


@pytest.mark.parametrize("name", ["auto", "masktrack", "flow"])
def test_more_objects_than_before_can_be_learnt(name: str, tier: Tier) -> None:
    method = segmenter(name, "fast", Machine(CPU, tier, "compact"))
    frames = clip(disks=2, carried=True)
    assert not method.learns_each_object
    known = method.learn(
        [AnnotatedFrame(*frames[0])],
        objects=2,
        seed=0,
        on_step=lambda done, most: None,
        enough=lambda: True,
        start=method.learn(
            [AnnotatedFrame(*clip(frames=1)[0])],
            objects=1,
            seed=0,
            on_step=lambda done, most: None,
            enough=lambda: True,
        ),
    )
    session = method.session(known, [AnnotatedFrame(*frames[0])], objects=2)
    session.anchor(*frames[0])
    assert len(session.step(frames[1][0]).confidence) == 2


def test_an_unknown_segmenter_is_refused(tier: Tier) -> None:
    with pytest.raises(SegmenterUnknownError, match="auto, osvos"):
        segmenter("magic", "fast", Machine(CPU, tier, "compact"))


def test_the_manifest_can_tell_what_ran(method: TrackingSegmenter) -> None:
    assert method.description["tier"] == "compact"
    assert len(str(method.description["sha256:compact.pth"])) == 64
    assert dataclasses.asdict(EFFORT)["steps"] == method.steps
