"""A preview shows the clip above its masks, as the page reads it."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from tests.worker.clips import make_clip
from tests.worker.test_media_encode import BLUE, rewrite, upright_box
from worker.media import Kind, compare, frames, half_size
from worker.render import stacked


def halves(path: Path) -> Iterator[tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]]:
    for frame in frames(path):
        height = frame.image.shape[0] // 2
        whole = frame.image.astype(np.int16)
        yield whole[:height], whole[height:]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mkv", {"vfr": True, "audio": "aac", "size": (128, 96)}),
        ("a.mp4", {"rotation": 90, "size": (128, 96), "sample_aspect_ratio": Fraction(4, 3)}),
        ("a.mp4", {"size": (127, 95), "pixel_format": "yuv444p"}),
        ("a.mp4", {"size": (1280, 96), "frames": 6}),
        ("a.mp4", {"size": (98, 1282), "frames": 6}),
    ],
)
def test_a_previews_halves_are_the_clip_and_its_masks(
    tmp_path: Path, name: str, options: dict[str, object]
) -> None:
    source = make_clip(tmp_path / name, **options)  # type: ignore[arg-type]  # a table of keyword arguments
    path, facts, _ = rewrite(source, Kind.PREVIEW)
    compare(source, path, facts, Kind.PREVIEW)
    width, height = half_size(facts.width, facts.height)
    assert (width % 2, height % 2) == (0, 0)
    assert max(width, height) <= 960
    for shown, (above, below) in zip(frames(source), halves(path), strict=True):
        assert above.shape == below.shape == (height, width, 3)
        wanted = stacked(shown.image, upright_box(shown.index, facts), [BLUE], (width, height))
        assert np.abs(above - wanted[:height]).mean() < 3
        assert np.abs(below - wanted[height:]).mean() < 3
        assert (np.abs(below - BLUE).max(axis=2) < 24).mean() > 0.8 * (wanted[height:] > 0).any(axis=2).mean()


def test_a_preview_keeps_key_frames_near(tmp_path: Path) -> None:
    path, _, _ = rewrite(make_clip(tmp_path / "a.mp4", frames=40), Kind.PREVIEW)
    with av.open(str(path)) as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    data = path.read_bytes()
    assert all(any(keys[first : first + 12]) for first in range(29))
    assert data.index(b"moov") < data.index(b"mdat")
