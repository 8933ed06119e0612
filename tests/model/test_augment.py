"""Variations of an annotated frame stay true to it, and repeat with the seed."""

import cv2
import numpy as np

from model.augment import Augmenter, Variation
from tests.model.synthetic import clip

USUAL = Variation()
STILL = Variation(rotation_degrees=0, scale=(1, 1), translation=0, gain=0, offset=0)


def augmenter(seed: int = 0, variation: Variation = USUAL) -> Augmenter:
    image, labels = clip(frames=1)[0]
    return Augmenter(image, (labels == 1).astype(np.float32)[None], np.random.default_rng(seed), variation)


def test_the_same_seed_gives_the_same_variations() -> None:
    first, second, other = augmenter(3), augmenter(3), augmenter(4)
    for _ in range(3):
        (image, truth), (image_again, truth_again) = first.draw(), second.draw()
        np.testing.assert_array_equal(image, image_again)
        np.testing.assert_array_equal(truth, truth_again)
    assert (other.draw()[0] != augmenter(3).draw()[0]).any()


def test_the_callers_random_numbers_are_untouched() -> None:
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    augmenter().draw()
    assert np.random.rand() == expected


def test_shapes_and_ranges_are_kept() -> None:
    image, truth = augmenter().draw()
    assert image.shape == (96, 128, 3)
    assert image.dtype == np.uint8
    assert truth.shape == (1, 96, 128)
    assert truth.dtype == np.float32
    assert truth.min() >= 0
    assert truth.max() <= 1


def test_without_limits_only_the_mirror_remains() -> None:
    """A variation of nothing is the frame itself or its mirror image, to the pixel."""
    image = clip(frames=1)[0][0]
    source = augmenter(variation=STILL)
    drawn = [source.draw()[0] for _ in range(12)]
    kinds = {
        "same" if (d == image).all() else "mirror" if (d == image[:, ::-1]).all() else "other" for d in drawn
    }
    assert kinds == {"same", "mirror"}


def test_the_truth_moves_with_the_picture() -> None:
    """A white object on black is found in the varied picture exactly where the varied truth says."""
    labels = clip(frames=1)[0][1]
    image = np.repeat((labels * 255)[..., None], 3, axis=2)
    moved = Augmenter(
        image, labels[None].astype(np.float32), np.random.default_rng(1), Variation(gain=0, offset=0)
    )
    for _ in range(10):
        varied, truth = moved.draw()
        np.testing.assert_allclose(varied[..., 0] / 255, truth[0], atol=0.02)


def test_variations_differ_as_much_as_announced() -> None:
    """Over many draws the object's area varies with the square of the scale, and it leaves its place."""
    source = augmenter(variation=Variation(translation=0.1))
    truths = [source.draw()[1][0] for _ in range(60)]
    areas = np.array([truth.sum() for truth in truths])
    assert areas.max() / areas.min() > 1.8
    centres = np.array([cv2.moments(truth)["m10"] / truth.sum() for truth in truths])
    assert np.ptp(centres) > 40


def test_several_objects_keep_their_planes() -> None:
    image, labels = clip(frames=1, disks=2)[0]
    truth = np.stack([labels == 1, labels == 2]).astype(np.float32)
    _, varied = Augmenter(image, truth, np.random.default_rng(0)).draw()
    assert varied.shape == truth.shape
    assert (varied.sum(0) <= 1.0001).all()
    assert (varied.reshape(2, -1).sum(1) > 100).all()
