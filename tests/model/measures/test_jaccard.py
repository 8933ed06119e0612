"""Region similarity J."""

import numpy as np
import pytest
from hypothesis import given

from model.measures import jaccard
from tests.model.measures.masks import Mask, mask_pairs, masks, rectangle


def test_half_overlapping_squares_share_a_third() -> None:
    # two 4x4 squares, two columns apart: 8 pixels in both, 24 in either
    assert jaccard(rectangle(2, 2, 4, 4), rectangle(4, 2, 4, 4)) == pytest.approx(8 / 24)


def test_two_empty_masks_agree() -> None:
    empty = np.zeros((5, 7), bool)
    assert jaccard(empty, empty) == 1.0


def test_an_empty_mask_shares_nothing_with_an_object() -> None:
    assert jaccard(np.zeros((20, 30), bool), rectangle(1, 1, 3, 3)) == 0.0


def test_masks_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="different shapes"):
        jaccard(np.zeros((5, 7), bool), np.zeros((7, 5), bool))


@given(mask_pairs())
def test_j_is_symmetric_and_a_share(pair: tuple[Mask, Mask]) -> None:
    one, other = pair
    assert jaccard(one, other) == jaccard(other, one)
    assert 0 <= jaccard(one, other) <= 1


@given(masks())
def test_a_mask_agrees_with_itself(mask: Mask) -> None:
    assert jaccard(mask, mask) == 1.0


@given(masks())
def test_disjoint_masks_share_nothing(mask: Mask) -> None:
    assert jaccard(mask, ~mask) == 0.0
