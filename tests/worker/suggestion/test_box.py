"""A drawn box against its picture."""

import numpy as np
import pytest

from worker.errors import InputError
from worker.suggestion.box import fitted, grown


def test_what_lies_beyond_the_picture_is_cut_off() -> None:
    assert fitted((-5.5, 10.2, 700.0, 99.9), 640, 480) == (0, 10, 640, 100)


@pytest.mark.parametrize(
    ("corners", "code"),
    [
        ((10, 10, 12, 90), "box_empty"),
        ((90, 90, 10, 10), "box_empty"),
        ((639, 10, 700, 90), "box_outside"),
        ((-40, -40, 0, 0), "box_outside"),
    ],
)
def test_a_box_without_room_is_refused(corners: tuple[float, ...], code: str) -> None:
    with pytest.raises(InputError) as refusal:
        fitted(corners, 640, 480)
    assert refusal.value.code == code


def test_a_stroke_beyond_it_makes_it_larger() -> None:
    stroke = np.zeros((480, 640), bool)
    stroke[300, 200:260] = True
    assert grown((10, 10, 100, 100), stroke) == (10, 10, 260, 301)
    assert grown((10, 10, 100, 100), np.zeros((480, 640), bool)) == (10, 10, 100, 100)
