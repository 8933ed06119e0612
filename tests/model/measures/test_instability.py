"""T tells trembling from moving."""

import math

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from model.measures import instability
from model.measures.instability import change, outline

Mask = npt.NDArray[np.bool_]


def blob(shift: int = 0, *, wobble: float = 0.0, seed: int = 0) -> Mask:
    """A star-like blob, moved to the right; `wobble` pixels of noise on its radius."""
    rng = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = (
        40 + 8 * np.cos(3 * angles) + rng.normal(0, wobble, 60) if wobble else 40 + 8 * np.cos(3 * angles)
    )
    points = np.stack([100 + shift + radius * np.cos(angles), 80 + radius * np.sin(angles)], 1)
    mask = np.zeros((160, 240), np.uint8)
    cv2.fillPoly(mask, [points.astype(np.int32)], 1)
    return mask > 0


def test_what_stands_still_or_only_moves_is_stable() -> None:
    assert instability([blob(), blob(), blob()]) == pytest.approx(0, abs=1e-6)
    assert instability([blob(shift) for shift in (0, 7, 14)]) == pytest.approx(0, abs=1e-6)


def test_trembling_is_unstable_and_the_more_the_worse() -> None:
    calm, nervous = ([blob(wobble=size, seed=seed) for seed in range(5)] for size in (1.0, 5.0))
    assert 0.02 < instability(calm) < instability(nervous) < 2.5


def test_a_patch_that_comes_and_goes_costs() -> None:
    patched = blob()
    patched[70:90, 130:180] = True
    assert instability([blob(), patched, blob()]) > 0.15


def test_where_the_outline_begins_does_not_matter() -> None:
    """The same shape upside down begins elsewhere; both directions of a pair cost the same within a little."""
    one, other = blob(wobble=2.0, seed=1), blob(wobble=2.0, seed=2)
    assert change(one, other) == pytest.approx(change(one[::-1], other[::-1]), rel=0.25)


def test_empty_masks_do_not_count() -> None:
    empty = np.zeros((160, 240), np.bool_)
    assert math.isnan(instability([blob(), empty, blob()]))
    assert math.isnan(instability([]))
    assert instability([empty, blob(), blob(5)]) == pytest.approx(0, abs=1e-6)


def test_the_longest_outline_counts() -> None:
    """A speck beside the object changes nothing."""
    speckled = blob()
    speckled[5:9, 5:9] = True
    assert change(blob(), speckled) == pytest.approx(0, abs=1e-6)


def test_points_are_close_together() -> None:
    """At most three pixels from one to the next, all round."""
    points = outline(blob())
    gaps = np.linalg.norm(np.diff(np.vstack([points, points[:1]]), axis=0), axis=1)
    assert gaps.max() <= 3 + 1e-9


@pytest.mark.parametrize(
    "mask", [np.ones((1, 1), np.bool_), np.eye(3, dtype=np.bool_), np.ones((4, 9), np.bool_)]
)
def test_tiny_masks_have_an_outline(mask: Mask) -> None:
    assert change(mask, mask) == pytest.approx(0, abs=1e-6)
