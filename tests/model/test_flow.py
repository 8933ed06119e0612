"""Flow points from a frame to the other, and masks follow it."""

import numpy as np

from model.flow import Flow, moved
from tests.model.synthetic import clip, overlap


def test_a_shift_is_found_and_a_mask_follows_it() -> None:
    """What was at x is at x + 5: each pixel's place in the other picture lies 5 pixels to the left."""
    image, labels = clip(frames=1, height=96, width=160)[0]
    later = np.roll(image, 5, axis=1)
    flow = Flow().between(later, image)
    assert flow.shape == (96, 160, 2)
    assert flow.dtype == np.float32
    assert abs(np.median(flow[..., 0]) + 5) < 0.5
    assert abs(np.median(flow[..., 1])) < 0.5
    followed = moved((labels > 0).astype(np.float32), flow)
    assert overlap(followed > 0.5, np.roll(labels, 5, axis=1) > 0) > 0.9


def test_what_comes_from_outside_is_empty() -> None:
    everywhere_left = np.full((20, 30, 2), (-10, 0), np.float32)
    followed = moved(np.ones((20, 30), np.float32), everywhere_left)
    assert not followed[:, :9].any()
    assert followed[:, 11:].all()


def test_pictures_without_texture_are_no_trouble() -> None:
    flat = np.full((64, 64, 3), 128, np.uint8)
    assert np.isfinite(Flow().between(flat, np.full_like(flat, 129))).all()
