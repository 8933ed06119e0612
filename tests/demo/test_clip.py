"""The demonstration's clip, whose truth is known."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from demo.clip import Frame, Mask, Scene, encode, render, write

SMALL = Scene(frames=6)
WHOLE = Scene()


@pytest.fixture(scope="module")
def frames() -> list[tuple[Frame, Mask]]:
    return list(render(SMALL))


def test_every_frame_has_its_mask(frames: list[tuple[Frame, Mask]]) -> None:
    assert len(frames) == 6
    for image, mask in frames:
        assert image.shape == (270, 480, 3)
        assert mask.shape == (270, 480)
        assert image.dtype == np.uint8
        assert mask.dtype == np.bool_


def test_the_same_seed_gives_the_same_frames_and_another_gives_others(
    frames: list[tuple[Frame, Mask]],
) -> None:
    again, other = next(render(SMALL)), next(render(Scene(seed=5, frames=6)))
    assert np.array_equal(again[0], frames[0][0])
    assert np.array_equal(again[1], frames[0][1])
    assert not np.array_equal(other[0], frames[0][0])


def test_the_mask_is_where_the_fish_is(frames: list[tuple[Frame, Mask]]) -> None:
    """The fish is warm, the pond is cold; only leaves of green and the fish's black are neither."""
    for image, mask in frames:
        warmth = image[..., 0].astype(int) - image[..., 2]
        assert np.median(warmth[mask]) > 40
        assert np.median(warmth[~mask]) < 0
        red = (warmth > 100) & (image[..., 1] < 120)
        assert red.sum() > 0.15 * mask.sum()
        assert (red & mask).sum() > 0.99 * red.sum()


def test_the_edge_of_the_mask_is_the_edge_of_the_picture() -> None:
    """Colours change along the mask's outline more than elsewhere: the mask is not a pixel or two off."""
    image, mask = next(render(SMALL))
    gradient = np.abs(np.diff(image.astype(int), axis=1)).sum(2)
    edge = mask[:, 1:] != mask[:, :-1]
    assert gradient[edge].mean() > 2 * gradient[~edge].mean()


def test_the_fish_moves_turns_and_grows_and_stays_in_the_frame() -> None:
    masks = [mask for _, mask in render(Scene(width=240, height=136, frames=72))]
    assert masks[-1].sum() > 1.25 * masks[0].sum()
    assert np.argwhere(masks[-1])[:, 1].mean() - np.argwhere(masks[0])[:, 1].mean() > 50
    for mask in masks:
        border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        assert not border.any()


def test_the_files_hold_all_frames_and_masks(tmp_path: Path) -> None:
    written = write(SMALL, tmp_path)
    with av.open(str(written.clip)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.average_rate == 24
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    truth = [np.asarray(Image.open(path)) for path in sorted(written.masks.glob("*.png"))]
    assert len(decoded) == len(truth) == 6
    for (image, mask), seen, true in zip(render(SMALL), decoded, truth, strict=True):
        assert np.abs(image.astype(int) - seen).mean() < 6
        assert np.array_equal(true, mask.astype(np.uint8))
    with Image.open(written.mask) as first:
        assert first.mode == "P"
        assert np.array_equal(np.asarray(first), truth[0])


def test_the_same_frames_give_the_same_file(tmp_path: Path, frames: list[tuple[Frame, Mask]]) -> None:
    for name in ("a.mp4", "b.mp4"):
        encode(tmp_path / name, (image for image, _ in frames), SMALL)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_whole_clip_lasts_three_seconds() -> None:
    assert WHOLE.frames / WHOLE.rate == 3
