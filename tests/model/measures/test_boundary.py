"""Contour accuracy F."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.measures import boundary_f
from model.measures.boundary import _near, boundary
from tests.model.measures.masks import Mask, mask_pairs, masks, rectangle


def plain_boundary_f(prediction: Mask, truth: Mask, radius: int) -> float:
    """The definition, pixel by pixel: every boundary pixel against every other."""
    ours, theirs = np.argwhere(plain_boundary(prediction)), np.argwhere(plain_boundary(truth))
    if not len(ours) or not len(theirs):
        return float(len(ours) == len(theirs))
    close = ((ours[:, None] - theirs[None]) ** 2).sum(-1) <= radius**2
    precision, recall = close.any(1).mean(), close.any(0).mean()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def plain_boundary(mask: Mask) -> Mask:
    """Berkeley's rule, one pixel at a time."""
    height, width = mask.shape
    found = np.zeros_like(mask)
    for y in range(height):
        for x in range(width):
            right = x + 1 < width and mask[y, x] != mask[y, x + 1]
            below = y + 1 < height and mask[y, x] != mask[y + 1, x]
            diagonal = x + 1 < width and y + 1 < height and mask[y, x] != mask[y + 1, x + 1]
            found[y, x] = right or below or diagonal
    return found


def test_the_outline_of_one_pixel_is_it_and_the_three_before_it() -> None:
    expected = rectangle(4, 4, 2, 2, shape=(10, 10))
    assert (boundary(rectangle(5, 5, 1, 1, shape=(10, 10))) == expected).all()


def test_a_mask_that_fills_the_frame_has_no_outline() -> None:
    full, empty = np.ones((9, 9), bool), np.zeros((9, 9), bool)
    assert boundary_f(full, empty) == 1.0  # the official toolkit's convention


def test_a_shift_within_the_tolerance_costs_nothing_and_one_beyond_it_does() -> None:
    # the tolerance at 480 x 854 is 8 px; both outlines of a bar's long sides move by the shift
    bar = rectangle(100, 100, 50, 300, shape=(480, 854))
    assert boundary_f(np.roll(bar, 8, axis=1), bar) == 1.0
    assert boundary_f(np.roll(bar, 9, axis=1), bar) < 1.0


def test_shifted_squares_by_hand() -> None:
    # The outline of a 3x3 square is a ring of 12 pixels, 4 by 4 without its middle; the other's
    # ring lies 2 columns further. With 1 px of tolerance 3 pixels of the top row are near it, 3 of
    # the bottom row, and the right side's 2; the same from the other ring, so P = R = 8 / 12.
    one, other = rectangle(3, 3, 3, 3), rectangle(5, 3, 3, 3)
    assert boundary_f(one, other, tolerance=1) == pytest.approx(8 / 12)


def test_far_apart_objects_score_nothing() -> None:
    assert boundary_f(rectangle(0, 0, 3, 3), rectangle(20, 12, 3, 3)) == 0.0


def test_one_empty_side_scores_nothing_and_two_agree() -> None:
    empty, something = np.zeros((20, 30), bool), rectangle(4, 4, 6, 6)
    assert boundary_f(empty, something) == 0.0
    assert boundary_f(something, empty) == 0.0
    assert boundary_f(empty, empty) == 1.0


def test_masks_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="different shapes"):
        boundary_f(np.zeros((5, 7), bool), np.zeros((7, 5), bool))


@given(mask_pairs(), st.integers(1, 4))
def test_f_is_the_definition_for_any_masks(pair: tuple[Mask, Mask], radius: int) -> None:
    one, other = pair
    assert boundary_f(one, other, tolerance=radius) == pytest.approx(plain_boundary_f(one, other, radius))


@given(mask_pairs())
def test_f_is_symmetric_and_a_share(pair: tuple[Mask, Mask]) -> None:
    one, other = pair
    assert boundary_f(one, other) == pytest.approx(boundary_f(other, one))
    assert 0 <= boundary_f(one, other) <= 1


@given(masks())
def test_a_mask_agrees_with_itself(mask: Mask) -> None:
    assert boundary_f(mask, mask) == 1.0


@pytest.mark.parametrize("radius", [1, 8, 16, 17, 30])
def test_small_and_large_tolerances_reach_exactly_as_far(radius: int) -> None:
    point = rectangle(40, 40, 1, 1, shape=(81, 81))
    y, x = np.indices(point.shape)
    assert (_near(point, radius) == ((y - 40) ** 2 + (x - 40) ** 2 <= radius**2)).all()
