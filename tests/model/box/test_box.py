"""The box tool's network: what it learns from, that it learns, and that what ships says the same."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model.box import export, strokes
from model.box.examples import Drawer, box_around, held_out
from model.box.network import FOREGROUND, PLACES, SIZE, BoxNetwork
from model.box.training import BoxRecipe, BoxTraining, box_loss, kept
from model.parent.clips import Shot
from tests.worker.suggestion.scene import DISC, SCENE

MASK = np.where(DISC, np.uint8(255), np.uint8(0))
SMALL = 64


@pytest.fixture
def drawer() -> Drawer:
    return Drawer(
        [Shot("one", (SCENE,), (MASK,)), Shot("two", (SCENE[:, ::-1].copy(),), (MASK[:, ::-1].copy(),))],
        SMALL,
    )


@pytest.fixture
def training(drawer: Drawer) -> BoxTraining:
    torch.manual_seed(0)
    return BoxTraining(BoxRecipe(steps=4, batch=2), BoxNetwork(), drawer)


def test_examples_are_decided_by_their_generator(drawer: Drawer) -> None:
    one, again, other = (drawer.draw(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one.view, again.view)
    assert not np.array_equal(one.view, other.view)
    assert one.view.shape == (SMALL, SMALL, 3)
    assert one.places.shape == (PLACES, SMALL // 4, SMALL // 4)
    assert set(np.unique(one.places[0])) == {0, 1}
    assert one.truth.max() == 255


def test_each_tenth_still_is_held_out() -> None:
    learnt, held = held_out([Shot(str(number), (SCENE,), (MASK,)) for number in range(21)])
    assert [shot.name for shot in held] == ["0", "10", "20"]
    assert len(learnt) == 18


def test_a_mask_without_room_has_no_box() -> None:
    assert box_around(np.zeros_like(MASK)) is None
    assert box_around(MASK) == (55, 45, 146, 136)


def test_strokes_lie_on_mistakes_and_on_their_own_side() -> None:
    found = np.roll(DISC, 20, axis=1)
    everywhere = np.ones_like(DISC)
    drawn = strokes.corrections(found, DISC, everywhere, np.random.default_rng(0)) > 0
    assert drawn.any()
    assert not (drawn[0] & ~DISC).any()
    assert not (drawn[1] & DISC).any()


def test_training_updates_saves_and_goes_on(training: BoxTraining, tmp_path: Path) -> None:
    losses = [training.update(training.draw(step)) for step in range(2)]
    assert all(np.isfinite(losses))
    state = training.state()
    path = tmp_path / "training.pth"
    torch.save(state, path)
    network, step = kept(path)
    assert step == 2
    training.restore(state)
    assert training.step == 2
    assert not network.training


def test_what_lies_outside_the_box_hardly_counts() -> None:
    truth, inside = torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 16, 16)
    inside[..., 4:12, 4:12] = 1
    truth[..., 8:24, 8:24] = 1
    right = (truth * 2 - 1) * 8
    wrong_outside, wrong_inside = right.clone(), right.clone()
    wrong_outside[..., :4, :] = 8
    wrong_inside[..., 8:12, 8:24] = -8
    losses = [float(box_loss(logits, inside, truth)) for logits in (right, wrong_outside, wrong_inside)]
    assert losses[0] < losses[1] < losses[2]


def test_opencv_says_what_torch_says(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    torch.manual_seed(1)
    network = BoxNetwork().eval()
    export.write(network, tmp_path / "box.onnx", {"step": 0})
    views, places = torch.randn(1, 3, SIZE, SIZE), torch.rand(1, PLACES, SIZE // 4, SIZE // 4)
    places[:, FOREGROUND:] = 0
    with torch.no_grad():
        expected = network(views, places).numpy()
    read = cv2.dnn.readNetFromONNX(str(tmp_path / "box.onnx"))
    read.setInput(views.numpy(), "view")
    read.setInput(places.numpy(), "places")
    assert np.abs(read.forward() - expected).max() < 0.02 * max(1.0, float(np.abs(expected).max()))
    assert (tmp_path / "box.onnx").stat().st_size < 10_000_000
