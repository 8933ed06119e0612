"""From a picture, a box and strokes to a mask, with the shipped network."""

import numpy as np
import numpy.typing as npt

from tests.worker.suggestion.scene import CORNERS, DISC, HEIGHT, SCENE, WIDTH, Plane, disc, overlap
from worker.suggestion.picture import BACKGROUND, FOREGROUND
from worker.suggestion.tool import suggest


def strokes(on_object: Plane | None = None, on_background: Plane | None = None) -> npt.NDArray[np.uint8]:
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    if on_object is not None:
        drawn[on_object] = FOREGROUND
    if on_background is not None:
        drawn[on_background] = BACKGROUND
    return drawn


def test_it_finds_the_object_and_stays_in_the_box() -> None:
    mask = suggest(SCENE, CORNERS) > 0
    assert overlap(mask, DISC) > 0.85
    x0, y0, x1, y1 = map(int, CORNERS)
    outside = np.ones_like(mask)
    outside[y0:y1, x0:x1] = False
    assert not mask[outside].any()


def test_a_box_drawn_loosely_does_too() -> None:
    assert overlap(suggest(SCENE, (48.0, 40.0, 155.0, 145.0)) > 0, DISC) > 0.8


def test_the_same_question_has_the_same_answer() -> None:
    assert np.array_equal(suggest(SCENE, CORNERS), suggest(SCENE, CORNERS))


def test_strokes_are_kept_to_exactly() -> None:
    left_out, added = disc(100, 90, 8), disc(60, 50, 4)
    mask = suggest(SCENE, CORNERS, strokes(added, left_out)) > 0
    assert mask[added].all()
    assert not mask[left_out].any()


def test_a_stroke_beyond_the_box_brings_what_it_touches() -> None:
    half = (55.0, 45.0, 100.0, 136.0)
    stroke = np.zeros((HEIGHT, WIDTH), bool)
    stroke[88:92, 80:146] = True
    assert overlap(suggest(SCENE, half, strokes(stroke)) > 0, DISC) > 0.7


def test_pictures_of_any_size_and_boxes_of_all_of_them_have_an_answer() -> None:
    for height, width in ((4, 4), (5, 300), (300, 5), (40, 1900)):
        picture = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
        mask = suggest(picture, (0.0, 0.0, float(width), float(height)))
        assert mask.shape == (height, width)


def test_a_picture_of_one_colour_has_an_answer() -> None:
    flat = np.full((120, 160, 3), 90, np.uint8)
    assert suggest(flat, (20.0, 20.0, 100.0, 100.0)).shape == (120, 160)


def test_a_stroke_over_all_of_the_box_leaves_nothing() -> None:
    everything = np.ones((HEIGHT, WIDTH), bool)
    assert not suggest(SCENE, CORNERS, strokes(on_background=everything)).any()
