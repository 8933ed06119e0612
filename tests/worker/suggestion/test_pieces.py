"""Crumbs and pinholes."""

import numpy as np

from tests.worker.suggestion.scene import DISC, HEIGHT, WIDTH, disc
from worker.suggestion.pieces import whole

NOTHING = np.zeros((HEIGHT, WIDTH), bool)
CRUMB, SECOND, PINHOLE, WINDOW = disc(10, 10, 3), disc(200, 90, 25), disc(100, 90, 1), disc(80, 90, 12)


def test_crumbs_go_and_larger_pieces_stay() -> None:
    assert np.array_equal(whole(DISC | CRUMB | SECOND, NOTHING, NOTHING), DISC | SECOND)


def test_a_crumb_that_was_drawn_stays() -> None:
    assert np.array_equal(whole(DISC | CRUMB, CRUMB, NOTHING), DISC | CRUMB)


def test_pinholes_are_filled_and_windows_are_not() -> None:
    assert np.array_equal(whole(DISC & ~PINHOLE & ~WINDOW, NOTHING, NOTHING), DISC & ~WINDOW)


def test_a_pinhole_that_was_drawn_stays() -> None:
    assert np.array_equal(whole(DISC & ~PINHOLE, NOTHING, PINHOLE), DISC & ~PINHOLE)


def test_nothing_and_everything_stay_what_they_are() -> None:
    assert not whole(NOTHING, NOTHING, NOTHING).any()
    assert whole(~NOTHING, NOTHING, NOTHING).all()
