"""The tool cuts the view that the network was trained on."""

import numpy as np
import pytest

from model.box import network as trained_network
from model.box import views as trained
from tests.worker.suggestion.scene import SCENE
from worker.suggestion import views

BOXES = [(55, 45, 146, 136), (0, 0, 240, 180), (0, 10, 9, 170), (200, 150, 240, 180), (20, 80, 220, 92)]


@pytest.mark.parametrize("box", BOXES)
def test_both_cut_the_same_view(box: views.Box) -> None:
    ours, theirs = views.view_of(box), trained.view_of(box)
    assert (ours.x0, ours.y0, ours.x1, ours.y1) == (theirs.x0, theirs.y0, theirs.x1, theirs.y1)
    cut = views.cut(SCENE, ours, views.GREY)
    assert np.array_equal(cut, trained.cut(SCENE, theirs, trained.grey(), views.SIZE))
    shown = trained.places(theirs, box, views.SIZE)
    assert np.array_equal(views.places(ours, box), shown[: trained_network.FOREGROUND])


def test_both_mean_the_same_by_a_stroke() -> None:
    marks = views.marks(np.ones(SCENE.shape[:2], bool), views.view_of(BOXES[0]))
    assert marks.shape == (views.SIZE // views.PLACE_STRIDE,) * 2
    assert marks.min() == 1
    assert views.PLACE_STRIDE == trained_network.PLACE_STRIDE


def test_a_box_that_fills_the_picture_is_seen_with_grey_around_it() -> None:
    whole = views.cut(SCENE, views.view_of((0, 0, 240, 180)), views.GREY)
    assert (whole[0, 0] == views.GREY).all()
    assert (whole[-1, -1] == views.GREY).all()


def test_a_very_narrow_box_is_not_stretched_beyond_twice() -> None:
    view = views.view_of((100, 0, 104, 180))
    assert (view.y1 - view.y0) / (view.x1 - view.x0) <= 2.1
