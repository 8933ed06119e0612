"""A fine-tuned network finds its objects in frames it has never seen."""

import numpy as np
import pytest
import torch

from model.frames import AnnotatedFrame
from model.network import OSVOS
from model.presets import Preset
from model.segmenters.osvos import OsvosSegmenter, OsvosSession
from tests.model.synthetic import clip, overlap

CPU = torch.device("cpu")
SMALL = Preset("small", 96, 40, 2, 5e-3, 0.1, 0.1)


@pytest.fixture(scope="session")
def session() -> OsvosSession:
    """Fine-tuned on the first frame of a clip with two objects."""
    annotated = [AnnotatedFrame(*clip(disks=2)[0])]
    method = OsvosSegmenter(SMALL, CPU, "compact")
    learnt = method.learn(
        annotated, objects=2, seed=0, on_step=lambda done, total: None, enough=lambda: False
    )
    assert learnt.steps == SMALL.steps
    return method.session(learnt, annotated, objects=2)


def test_textured_objects_are_followed(session: OsvosSession) -> None:
    """J > 0.8 for either object in every later frame, with a confidence that says so."""
    for image, truth in clip(disks=2)[1:]:
        found = session.step(image)
        assert found.labels.shape == truth.shape
        assert found.labels.dtype == np.uint8
        for number in (1, 2):
            assert overlap(found.labels == number, truth == number) > 0.8
            assert 0.6 < found.confidence[number - 1] <= 1


def test_an_absent_object_has_no_confidence(session: OsvosSession) -> None:
    """One number per object, 0 for the one that is not in the frame."""
    image = clip(disks=1)[3][0]
    found = session.step(image)
    assert len(found.confidence) == 2
    assert found.confidence[0] > 0.6
    assert (found.confidence[1] == 0) == (not (found.labels == 2).any())


def undecided(preset: Preset) -> OsvosSession:
    network = OSVOS("compact", 1)
    for weight in network.fuse.parameters():
        torch.nn.init.zeros_(weight)
    return OsvosSession(network, preset, CPU)


def test_doubt_is_background() -> None:
    """A probability of one half is below the threshold: nothing is found, and no NaN appears."""
    found = undecided(SMALL).step(np.zeros((48, 64, 3), np.uint8))
    assert not found.labels.any()
    assert found.confidence == (0.0,)


def seen_sizes(preset: Preset, height: int, width: int) -> list[tuple[int, ...]]:
    segmenter = undecided(preset)
    sizes: list[tuple[int, ...]] = []
    segmenter._network.register_forward_pre_hook(lambda _, inputs: sizes.append(tuple(inputs[0].shape[-2:])))
    assert segmenter.step(np.zeros((height, width, 3), np.uint8)).labels.shape == (height, width)
    return sizes


def test_the_network_sees_the_presets_size() -> None:
    """Frames are shrunk to the short side, whichever it is, and labels come back in the frame's size."""
    assert seen_sizes(SMALL, 192, 321) == [(96, 160)]
    assert seen_sizes(SMALL, 321, 192) == [(160, 96)]


def test_small_frames_are_not_enlarged() -> None:
    assert seen_sizes(SMALL, 50, 61) == [(50, 61)]


def test_segmenting_leaves_no_gradients(session: OsvosSession) -> None:
    """The same frame gives the same answer twice: nothing is learnt or remembered in between."""
    image = clip(disks=2)[2][0]
    first, second = session.step(image), session.step(image)
    np.testing.assert_array_equal(first.labels, second.labels)
    assert first.confidence == second.confidence
