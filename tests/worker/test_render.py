"""The overlay, the cut-out and the poster."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from worker.media import half_size
from worker.render import cutout, live_picture, overlay, poster, stacked

BLUE, RED = (30, 144, 255), (230, 46, 46)
Pixels = npt.NDArray[np.uint8]


def textured(height: int = 120, width: int = 160) -> Pixels:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def disk(height: int = 120, width: int = 160, label: int = 1) -> Pixels:
    """A disk of radius 30 in the middle."""
    labels = np.zeros((height, width), np.uint8)
    cv2.circle(labels, (width // 2, height // 2), 30, label, -1)
    return labels


def test_the_background_and_the_frame_itself_stay_as_they_were() -> None:
    image = textured()
    before = image.copy()
    painted = overlay(image, disk(), [BLUE])
    assert (image == before).all()
    far = cv2.dilate(disk(), np.ones((9, 9), np.uint8)) == 0
    assert (painted[far] == image[far]).all()


def test_the_inside_keeps_its_texture_under_the_tint() -> None:
    image, inside = textured(), cv2.erode(disk(), np.ones((9, 9), np.uint8)) > 0
    painted = overlay(image, disk(), [BLUE], opacity=0.4)
    expected = image[inside] * 0.6 + np.array(BLUE) * 0.4
    assert np.abs(painted[inside] - expected).max() <= 1


def test_the_outline_is_the_full_colour_and_as_wide_as_the_frame_asks() -> None:
    for height, expected in ((480, 2), (1080, 4.5)):
        image = np.zeros((height, height * 2, 3), np.uint8)
        labels = np.zeros((height, height * 2), np.uint8)
        labels[height // 4 : -height // 4, height // 2 : -height // 2] = 1
        red = overlay(image, labels, [(255, 0, 0)], opacity=0.0)[height // 2, :height, 0] / 255
        assert red.max() == 1
        assert red.sum() == pytest.approx(expected, rel=0.15)


def test_no_outline_runs_along_the_frames_border() -> None:
    image = textured()
    painted = overlay(image, np.ones(image.shape[:2], np.uint8), [BLUE], opacity=0.5)
    assert np.abs(painted - (image * 0.5 + np.array(BLUE) * 0.5)).max() <= 1


def test_each_object_has_its_own_colour_and_a_label_without_one_is_left() -> None:
    image = np.zeros((60, 90, 3), np.uint8)
    labels = np.zeros((60, 90), np.uint8)
    for label, x in ((1, 5), (2, 35), (3, 65)):
        labels[20:40, x : x + 20] = label
    painted = overlay(image, labels, [BLUE, RED], opacity=1.0)
    assert (painted[30, 15] == BLUE).all()
    assert (painted[30, 45] == RED).all()
    assert (painted[30, 75] == 0).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 50)])
def test_tiny_objects_and_frames_are_drawn(size: tuple[int, int]) -> None:
    labels = np.zeros(size, np.uint8)
    labels[0, 0] = 1
    image = np.zeros((*size, 3), np.uint8)
    assert overlay(image, labels, [BLUE])[0, 0].any()
    assert cutout(image, labels)[0, 0, 3] > 0


def test_without_objects_nothing_is_drawn() -> None:
    image, nothing = textured(), np.zeros((120, 160), np.uint8)
    assert (overlay(image, nothing, [BLUE]) == image).all()
    assert not cutout(image, nothing).any()


def test_a_cutout_keeps_the_objects_colours_and_hides_the_rest() -> None:
    image, labels = textured(), disk(label=2)
    cut = cutout(image, labels)
    assert (cut[labels > 0, :3] == image[labels > 0]).all()
    assert (cut[cv2.erode(labels, np.ones((5, 5), np.uint8)) > 0, 3] == 255).all()
    assert (cut[cv2.dilate(labels, np.ones((5, 5), np.uint8)) == 0, 3] == 0).all()
    assert not cut[cv2.dilate(labels, np.ones((41, 41), np.uint8)) == 0].any()


def test_the_cutouts_edge_is_soft_only_on_request() -> None:
    assert set(np.unique(cutout(textured(), disk(), antialias=False)[..., 3])) == {0, 255}
    assert len(np.unique(cutout(textured(), disk())[..., 3])) > 2


@pytest.mark.parametrize(("size", "expected"), [((120, 160), (120, 160)), ((1080, 1920), (720, 1280))])
def test_a_poster_is_a_jpeg_of_at_most_1280_pixels(size: tuple[int, int], expected: tuple[int, int]) -> None:
    image = np.full((*size, 3), (200, 40, 20), np.uint8)
    labels = np.zeros(size, np.uint8)
    labels[: size[0] // 2] = 1
    packed = poster(image, labels, [BLUE], opacity=1.0)
    assert packed.startswith(b"\xff\xd8")
    shown = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert shown is not None
    assert shown.shape == (*expected, 3)
    assert np.abs(shown[10, 10].astype(int) - BLUE).max() < 8
    assert np.abs(shown[-10, 10].astype(int) - (200, 40, 20)).max() < 8


@pytest.mark.parametrize(("size", "expected"), [((120, 160), (120, 160)), ((1920, 1080), (640, 360))])
def test_a_live_picture_is_a_jpeg_of_at_most_640_pixels(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = np.full((*size, 3), (200, 40, 20), np.uint8)
    labels = np.zeros(size, np.uint8)
    labels[: size[0] // 2] = 1
    shown = cv2.imdecode(np.frombuffer(live_picture(image, labels, [BLUE]), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert shown is not None
    assert shown.shape == (*expected, 3)
    tinted = np.array((200, 40, 20)) * 0.55 + np.array(BLUE) * 0.45
    assert np.abs(shown[10, 10] - tinted).max() < 10
    assert np.abs(shown[-10, 10].astype(int) - (200, 40, 20)).max() < 10


@pytest.mark.parametrize(
    ("clip", "half"),
    [
        ((854, 480), (854, 480)),
        ((853, 479), (854, 480)),
        ((960, 540), (960, 540)),
        ((961, 541), (960, 540)),
        ((1920, 1080), (960, 540)),
        ((1080, 1920), (540, 960)),
        ((3840, 2), (960, 2)),
        ((1, 1), (2, 2)),
    ],
)
def test_each_half_of_a_preview_is_even_and_no_larger_than_its_clip(
    clip: tuple[int, int], half: tuple[int, int]
) -> None:
    assert half_size(*clip) == half
    width, height = clip
    shown = stacked(np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8), [BLUE], half)
    assert shown.shape == (2 * half[1], half[0], 3)


def test_a_preview_shows_the_frame_above_flat_colours_on_black() -> None:
    image, labels = textured(), disk(label=2)
    shown = stacked(image, labels, [BLUE, RED], (160, 120))
    assert (shown[:120] == image).all()
    assert (shown[120:][labels == 2] == RED).all()
    assert not shown[120:][labels == 0].any()


def test_a_preview_tells_even_a_black_object_from_the_ground() -> None:
    shown = stacked(textured(), disk(), [(0, 0, 10)], (160, 120))
    assert (shown[120:][disk() > 0] == (86, 86, 96)).all()
