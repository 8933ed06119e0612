"""A frame that is asked for by its number is the very one that comes under it when all are read."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.worker.clips import make_clip
from worker.media import ClipLimits, frames, lookup
from worker.media.lookup import frame_at

LIMITS = ClipLimits(pixels=2**31, frames=2**31, seconds=1e6)
GOP = {"g": "10", "keyint_min": "10", "sc_threshold": "0"}
X264 = "keyint=12:min-keyint=12:scenecut=0"
SEEN = [0, 1, 9, 10, 11, 12, 13, 24, 35, 36, 37, 47, 58, 59]


def makes(name: str, codec: str = "libx264", **others: Any) -> Any:
    return pytest.param(name, {"codec": codec} | others, id=f"{name}-{codec}-{'-'.join(others)}")


KINDS = [
    makes("a.mp4", options=GOP),
    makes("a.mp4", options={"x264-params": X264 + ":bframes=3:b-pyramid=normal:ref=4"}, rotation=90),
    makes("a.mp4", options={"x264-params": X264 + ":bframes=3:open-gop=1:b-pyramid=normal"}),
    makes("a.mp4", options={"x264-params": X264 + ":intra-refresh=1:bframes=0"}, rotation=180),
    makes("a.mkv", options=GOP, vfr=True, start=500),
    makes("a.mkv", options={"x264-params": X264 + ":open-gop=1"}, vfr=True),
    makes("a.ts", options=GOP, rate=25),
    makes("a.ts", options={"x264-params": X264 + ":open-gop=1"}, rate=25, audio="aac"),
    makes("a.flv", options=GOP),
    makes("a.mov", "libx264", options=GOP, audio="aac", container_options={"movflags": "faststart"}),
    makes("a.mp4", "libx264", options=GOP, container_options={"movflags": "frag_keyframe+empty_moov"}),
    makes("a.mp4", "libx265", options={"x265-params": "keyint=12:min-keyint=12:bframes=3:log-level=none"}),
    makes(
        "a.mkv", "libx265", options={"x265-params": "keyint=12:open-gop=1:bframes=4:log-level=none"}, start=80
    ),
    makes("a.webm", "libvpx", options={"g": "12", "auto-alt-ref": "1", "lag-in-frames": "10"}),
    makes("a.webm", "libvpx-vp9", options={"g": "12", "auto-alt-ref": "1", "lag-in-frames": "10"}),
    makes("a.avi", "mpeg4", rate=25, options={"g": "12", "bf": "2"}),
    makes("a.mp4", "mpeg4", rate=25, options={"g": "12", "bf": "2"}),
    makes("a.mpg", "mpeg2video", rate=25, options={"g": "12", "bf": "2"}),
    makes("a.ts", "mpeg2video", rate=25, options={"g": "12", "bf": "2"}),
    makes("a.mov", "prores_ks", pixel_format="yuv422p10le"),
    makes("a.mov", "mjpeg", pixel_format="yuvj420p"),
    makes("a.mkv", "ffv1", options={"g": "12"}),
]


@pytest.mark.parametrize(("name", "made"), KINDS)
def test_it_is_the_frame_that_all_frames_have_at_its_number(
    tmp_path: Path, name: str, made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_clip(tmp_path / name, frames=60, **made)
    same_as_all(path, SEEN, monkeypatch)


def same_as_all(path: Path, numbers: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_NEAR", 0)
    wanted = {frame.index: frame for frame in frames(path) if frame.index in numbers}
    table = None
    for number in numbers:
        found, table = frame_at(path, number, LIMITS, table)
        assert found is not None
        assert (found.index, found.pts, found.time_base) == (number, *stamp(wanted[number]))
        assert np.array_equal(found.image, wanted[number].image), number


def stamp(frame: Any) -> tuple[int, Fraction]:
    return frame.pts, frame.time_base
