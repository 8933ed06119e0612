"""Made frames show the annotated objects, moved, with a truth that moved along."""

import cv2
import numpy as np

from model.lucid import (
    LEAP,
    Motion,
    Pose,
    box_of,
    composed,
    drawn,
    filled,
    mistaken,
    posed,
    taken_apart,
)
from tests.model.synthetic import clip

STILL = Motion(0, 0, 0, 0)
WHOLE = (0.0, 0.0, 128.0, 96.0)


def scene_of(disks: int = 1) -> tuple[np.ndarray, np.ndarray]:
    image, labels = clip(disks=disks)[0]
    return image, np.stack([(labels == k + 1).astype(np.float32) for k in range(disks)])


def unmoved() -> Pose:
    return drawn(np.random.default_rng(0), STILL, WHOLE)


def test_what_does_not_move_is_the_picture_itself() -> None:
    image, covers = scene_of()
    made, truth = composed(taken_apart(image, covers), unmoved(), [unmoved()])
    assert np.abs(truth - covers).max() < 1e-3
    away = cv2.dilate(covers[0], np.ones((9, 9))) < 0.5
    assert np.abs(made.astype(int) - image)[away | (covers[0] > 0.5)].max() <= 1


def test_the_truth_moves_with_the_object() -> None:
    """Where the made truth says object, the object's colours are."""
    image, covers = scene_of()
    rng = np.random.default_rng(1)
    made, truth = composed(taken_apart(image, covers), unmoved(), [drawn(rng, LEAP, box_of(covers[0]))])
    assert 0.3 < truth[0].sum() / covers[0].sum() < 3
    red = made[..., 0].astype(int) - made[..., 1]
    assert red[truth[0] > 0.99].mean() > 60
    assert red[truth[0] == 0].mean() < 0


def test_an_object_can_leave() -> None:
    """Without a pose it is gone, and nothing of it is left in the picture."""
    image, covers = scene_of()
    made, truth = composed(taken_apart(image, covers), unmoved(), [None])
    assert not truth.any()
    red = made[..., 0].astype(int) - made[..., 1]
    assert red[covers[0] > 0].mean() < 0


def test_objects_hide_each_other() -> None:
    """Later objects lie in front, and no pixel belongs to two."""
    image, covers = scene_of(disks=2)
    aside = Pose(np.array([[1.0, 0, 0], [0, 1, 32]]), np.zeros((4, 4, 2), np.float32))
    _, truth = composed(taken_apart(image, covers), unmoved(), [aside, unmoved()])
    assert truth.sum(axis=0).max() <= 1 + 1e-5
    assert truth[0].sum() < 0.2 * truth[1].sum()


def test_a_hole_is_filled_from_around_it() -> None:
    image = np.full((64, 64, 3), 90, np.uint8)
    hole = np.zeros((64, 64), np.float32)
    hole[20:40, 20:40] = 1
    image[hole > 0] = 255
    assert np.abs(filled(image, hole).astype(int) - 90).max() <= 1


def test_a_picture_that_is_all_hole_stays_finite() -> None:
    assert filled(np.zeros((32, 32, 3), np.uint8), np.ones((32, 32), np.float32)).shape == (32, 32, 3)


def test_mistaken_masks_are_mostly_near_the_truth() -> None:
    """Most overlap it well, some are empty, all are masks."""
    cover = scene_of()[1][0]
    rng = np.random.default_rng(0)
    overlaps = []
    for _ in range(200):
        wrong = mistaken(cover, rng)
        assert wrong.shape == cover.shape
        assert wrong.min() >= 0
        assert wrong.max() <= 1 + 1e-5
        shared = ((wrong > 0.5) & (cover > 0.5)).sum()
        overlaps.append(shared / ((wrong > 0.5) | (cover > 0.5)).sum())
    assert 0.05 < np.mean(np.array(overlaps) == 0) < 0.3
    assert np.median(overlaps) > 0.7


def test_the_same_seed_makes_the_same_frames() -> None:
    cover = scene_of()[1][0]
    first, second = (mistaken(cover, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, second)
    assert posed(cover, unmoved(), border=cv2.BORDER_CONSTANT).dtype == np.float32
