"""Frames come out upright, in their true colours, each accounted for."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from tests.worker.clips import SHARED, damage, make_clip, picture, uneven
from worker.errors import InputError
from worker.media import frames
from worker.media.decode import upright

SHARP = {"crf": "4"}


def difference(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [("libx264", "yuv420p"), ("libx264", "yuv444p"), ("libx264", "yuv420p10le"), ("libx264", "yuvj420p")],
)
def test_frames_are_the_pictures_that_were_encoded(tmp_path: Path, codec: str, pixel_format: str) -> None:
    path = make_clip(tmp_path / "a.mp4", codec=codec, pixel_format=pixel_format, options=SHARP)
    for index, frame in enumerate(frames(path)):
        assert frame.index == index
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
        assert difference(frame.image, picture(index)) < 4


@pytest.mark.parametrize(("rotation", "turns"), [(0, 0), (90, 1), (180, 2), (-90, 3)])
def test_a_clip_stored_on_its_side_stands_upright(tmp_path: Path, rotation: int, turns: int) -> None:
    first = next(frames(make_clip(tmp_path / "a.mp4", rotation=rotation, options=SHARP)))
    assert difference(first.image, np.rot90(picture(0), turns)) < 4


def test_a_mirrored_clip_is_mirrored_back() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert np.array_equal(upright(image, (-65536, 0, 0, 65536)), image[:, ::-1])
    assert np.array_equal(upright(image, (0, 65536, 65536, 0)), image.swapaxes(0, 1))


@pytest.mark.parametrize(("size", "matrix"), [((64, 48), 6), ((1280, 720), 1)])
def test_a_clip_without_a_colour_matrix_is_read_as_players_do(
    tmp_path: Path, size: tuple[int, int], matrix: int
) -> None:
    """BT.601 (SMPTE 170M, 6) below 720 lines, BT.709 (1) from there on."""
    red = np.zeros((size[1], size[0], 3), np.uint8)
    red[:] = (200, 30, 60)
    source = av.VideoFrame.from_ndarray(red, "rgb24")
    coded = source.reformat(format="yuv444p", dst_colorspace={6: "ITU601", 1: "ITU709"}[matrix])
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=2)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv444p"
        for index in range(2):
            coded.pts, coded.time_base, coded.colorspace = index, Fraction(1, 2), 2
            output.mux(stream.encode(coded))
        output.mux(stream.encode(None))
    assert np.abs(next(frames(path)).image.astype(int) - red).max() <= 3


def test_timestamps_are_those_of_the_packets(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", vfr=True, start=500)
    assert [frame.pts for frame in frames(path)] == [stamp + 500 for stamp in uneven(12)]
    assert next(frames(path)).time_seconds == pytest.approx(0.5)


def test_the_last_frames_have_their_times_too_where_the_decoder_holds_them_back(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", options={"bf": "2"})
    assert [frame.time_seconds for frame in frames(path)] == pytest.approx([n / 24 for n in range(12)])


def test_damage_in_the_middle_is_named_with_its_place(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=60, size=(320, 240), options={"crf": "10"})
    seen: list[int] = []
    with pytest.raises(InputError) as error:
        seen.extend(frame.index for frame in frames(damage(path, 0.5, 2000)))
    assert error.value.code == "clip_corrupt"
    number = int(error.value.detail.split()[1])
    assert 0 < number < 60
    assert len(seen) <= number
    assert f"Frame {number} at {number / 24:.3f} s" in error.value.detail


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.mpg", "mpeg2video", "yuv420p"),
    ],
)
def test_damage_is_noticed_in_other_codecs(tmp_path: Path, name: str, codec: str, pixel_format: str) -> None:
    path = make_clip(
        tmp_path / name, codec=codec, pixel_format=pixel_format, rate=25, frames=48, size=(320, 240)
    )
    with pytest.raises(InputError, match="clip_corrupt"):
        list(frames(damage(path, 0.5, 2000)))


def test_a_picture_that_changes_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    first = make_clip(tmp_path / "1.ts", frames=6, codec="mpeg2video", rate=25)
    second = make_clip(tmp_path / "2.ts", frames=6, size=(96, 64), start=6, codec="mpeg2video", rate=25)
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(InputError, match="clip_size_changes"):
        list(frames(path))


def test_frames_that_an_edit_list_cuts_are_not_shown(tmp_path: Path) -> None:
    """As phones store a trimmed clip: all packets are there, the list says where to begin."""
    path = make_clip(tmp_path / "a.mp4", frames=12, options={"bf": "0"})
    data = bytearray(path.read_bytes())
    entry = data.index(b"elst") + 4 + 8  # the first entry's length, in ms, then its start, in ticks
    data[entry : entry + 4] = (500 * 7 // 12).to_bytes(4, "big")
    data[entry + 4 : entry + 8] = (512 * 5).to_bytes(4, "big")
    path.write_bytes(data)
    shown = list(frames(path))
    assert [frame.pts for frame in shown] == [512 * step for step in range(7)]
    assert difference(shown[0].image, picture(5)) < 8


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("bear-audio.mp4", 82),
        ("blackswan-hevc.mp4", 50),
        ("car-turn-vfr.mkv", 80),
        ("lucia-rotated.mp4", 70),
        ("swing-odd-444.mp4", 60),
    ],
)
def test_real_clips_decode_without_a_false_alarm(name: str, count: int) -> None:
    path = SHARED / "clips" / name
    if not path.exists():
        pytest.skip("the real clips are not beside the checkout")
    assert sum(1 for _ in frames(path)) == count
