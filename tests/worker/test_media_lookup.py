"""A frame that is asked for by its number is the very one that comes under it when all are read."""

import io
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.worker.clips import SHARED, damage, make_clip
from worker.errors import InputError
from worker.media import ClipLimits, frames, lookup
from worker.media.lookup import frame_at, read_table
from worker.media.table import Table

LIMITS = ClipLimits(pixels=2**31, frames=2**31, seconds=1e6)
GOP = {"g": "10", "keyint_min": "10", "sc_threshold": "0"}
X264 = "keyint=12:min-keyint=12:scenecut=0"
X265 = "keyint=12:min-keyint=12:bframes=3:log-level=none"
VPX = {"g": "12", "auto-alt-ref": "1", "lag-in-frames": "10"}
MPEG = {"g": "12", "bf": "2"}
SEEN = [0, 1, 9, 10, 11, 12, 24, 35, 36, 37, 47, 59]


def made(name: str, codec: str = "libx264", **others: Any) -> Any:
    return pytest.param(name, {"codec": codec} | others, id=f"{name}-{codec}-{'-'.join(others)}")


@pytest.fixture(autouse=True)
def _nothing_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short clips are long enough to be sought in."""
    monkeypatch.setattr(lookup, "_NEAR", 0)


def same_as_all(path: Path, numbers: list[int]) -> None:
    wanted = {frame.index: frame for frame in islice(frames(path), max(numbers) + 1)}
    table = None
    for number in numbers:
        found, table = frame_at(path, number, LIMITS, table)
        assert found is not None
        assert (found.index, found.pts) == (number, wanted[number].pts)
        assert (found.time_base, found.time_seconds) == (
            wanted[number].time_base,
            wanted[number].time_seconds,
        )
        assert np.array_equal(found.image, wanted[number].image), number


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        made("a.mp4", options=GOP),
        made("a.mp4", options={"x264-params": X264 + ":bframes=3:b-pyramid=normal:ref=4"}, rotation=90),
        made("a.mp4", options={"x264-params": X264 + ":bframes=3:open-gop=1"}, start=0),
        made("a.mp4", options={"x264-params": X264 + ":intra-refresh=1:bframes=0"}, rotation=180),
        made("a.mkv", options=GOP, vfr=True, start=500),
        made("a.mkv", options={"x264-params": X264 + ":open-gop=1"}, vfr=True),
        made("a.ts", options={"x264-params": X264 + ":open-gop=1"}, rate=25, audio="aac"),
        made("a.flv", options=GOP),
        made("a.mov", options=GOP, audio="aac", container_options={"movflags": "faststart"}),
        made("a.mp4", options=GOP, container_options={"movflags": "frag_keyframe+empty_moov"}),
        made("a.mp4", "libx265", options={"x265-params": X265}),
        made("a.mkv", "libx265", options={"x265-params": X265 + ":open-gop=1"}, start=80),
        made("a.webm", "libvpx", options=VPX),
        made("a.webm", "libvpx-vp9", options=VPX),
        made("a.avi", "mpeg4", rate=25, options=MPEG),
        made("a.mp4", "mpeg4", rate=25, options=MPEG),
        made("a.mpg", "mpeg2video", rate=25, options=MPEG),
        made("a.ts", "mpeg2video", rate=25, options=MPEG),
        made("a.mov", "prores_ks", pixel_format="yuv422p10le"),
        made("a.mkv", "ffv1", options={"g": "12"}),
    ],
)
def test_it_is_the_frame_that_all_frames_have_at_its_number(
    tmp_path: Path, name: str, kind: dict[str, Any]
) -> None:
    same_as_all(make_clip(tmp_path / name, frames=60, **kind), SEEN)


def test_frames_that_an_edit_list_cuts_do_not_count(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=60, options=GOP | {"bf": "0"})
    data = bytearray(path.read_bytes())
    entry = data.index(b"elst") + 4 + 8  # the first entry's length, in ms, then its start, in ticks
    data[entry : entry + 4] = (2500 * 45 // 60).to_bytes(4, "big")
    data[entry + 4 : entry + 8] = (512 * 15).to_bytes(4, "big")
    path.write_bytes(data)
    assert len(read_table(path, LIMITS)) == sum(1 for _ in frames(path)) == 45
    same_as_all(path, [0, 4, 5, 20, 44])


@pytest.mark.parametrize(
    "name",
    ["bear-audio.mp4", "blackswan-hevc.mp4", "car-turn-vfr.mkv", "lucia-rotated.mp4", "swing-odd-444.mp4"],
)
def test_frames_of_real_clips_are_the_same(name: str) -> None:
    path = SHARED / "clips" / name
    if not path.exists():
        pytest.skip("the real clips are not beside the checkout")
    same_as_all(path, [1, 30, 40])


def test_a_group_that_leans_on_the_one_before_is_not_counted_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first pictures are shown before the keyframe, and it has the decoder forget some of them."""
    params = X264 + ":bframes=5:open-gop=1:b-pyramid=strict:ref=6"
    path = make_clip(tmp_path / "a.mp4", frames=72, size=(160, 96), options={"x264-params": params})
    monkeypatch.setattr(lookup, "_counted_to", lambda *_: None)
    same_as_all(path, [30, 40, 50, 60])


def test_beyond_the_last_there_is_none(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=30)
    for number in (30, 31, 10_000):
        assert frame_at(path, number, LIMITS)[0] is None


def test_the_table_serves_the_next_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=40, options=GOP)
    first, table = frame_at(path, 25, LIMITS)
    assert table is not None
    monkeypatch.setattr(lookup, "read_table", None)
    again, _ = frame_at(path, 25, LIMITS, Table.from_bytes(table.to_bytes()))
    assert first is not None
    assert again is not None
    assert np.array_equal(first.image, again.image)


@pytest.mark.parametrize("wrong", [[0, 5, 10, 20, 30], [0, 13, 26]])
def test_a_table_that_is_wrong_costs_time_and_nothing_else(tmp_path: Path, wrong: list[int]) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=40, options=GOP)
    right = read_table(path, LIMITS)
    wanted = list(frames(path))[35]
    for table in (
        Table(right.stamps, np.array(wrong, np.int64)),
        Table(right.stamps + 1, right.keys),
        Table(np.zeros(40, np.int64), right.keys),
    ):
        found, _ = frame_at(path, 35, LIMITS, table)
        assert found is not None
        assert np.array_equal(found.image, wanted.image)


class Counted(io.BytesIO):
    """A file that knows how much of it was read."""

    read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data


@pytest.mark.parametrize("flags", [{}, {"movflags": "faststart"}])
def test_of_a_clip_that_is_told_by_its_header_little_is_read(tmp_path: Path, flags: dict[str, str]) -> None:
    path = make_clip(
        tmp_path / "a.mov",
        frames=60,
        size=(320, 240),
        codec="prores_ks",
        pixel_format="yuv422p10le",
        audio="aac",
        container_options=flags,
    )
    content = path.read_bytes()
    source = Counted(content)
    assert read_table(source, LIMITS).to_bytes() == read_table(path, LIMITS).to_bytes()
    source = Counted(content)
    assert frame_at(source, 35, LIMITS)[0] is not None
    assert source.read_bytes < len(content) / 2


def test_damage_elsewhere_does_not_matter(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=60, size=(320, 240), options=GOP | {"crf": "10"})
    wanted = list(frames(path))[55]
    damage(path, 0.5, 2000)
    found, _ = frame_at(path, 55, LIMITS)
    assert found is not None
    assert np.array_equal(found.image, wanted.image)
    with pytest.raises(InputError) as corrupt:
        list(frames(path))
    number = int(corrupt.value.detail.split()[1])
    with pytest.raises(InputError, match="clip_corrupt"):
        frame_at(path, number, LIMITS)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (ClipLimits(pixels=1000, frames=1000, seconds=100.0), "clip_too_many_pixels"),
        (ClipLimits(pixels=10_000, frames=20, seconds=100.0), "clip_too_many_frames"),
        (ClipLimits(pixels=10_000, frames=1000, seconds=1.0), "clip_too_long"),
    ],
)
def test_a_clip_beyond_the_limits_is_refused(tmp_path: Path, limits: ClipLimits, code: str) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=40)
    with pytest.raises(InputError, match=code):
        frame_at(path, 30, limits)
