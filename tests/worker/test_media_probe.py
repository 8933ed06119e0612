"""What is accepted as a clip, and what each bad file is told."""

import io
from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from tests.worker.clips import SHARED, cut, damage, encode, make_audio, make_clip, picture
from worker.errors import InputError
from worker.media import ClipFacts, ClipLimits, inspect

LIMITS = ClipLimits(pixels=1920 * 1080, frames=1000, seconds=60)


def refusal(path: Path, limits: ClipLimits = LIMITS) -> str:
    with pytest.raises(InputError) as error:
        inspect(path, limits)
    assert error.value.detail.endswith((".", "Ogg file, for instance H.264 in an MP4."))
    return error.value.code


def test_facts_of_a_plain_clip(tmp_path: Path) -> None:
    facts = inspect(make_clip(tmp_path / "a.mp4", audio="aac", audio_rate=44_100), LIMITS)
    assert (facts.width, facts.height, facts.frames) == (64, 48, 12)
    assert (facts.codec, facts.average_rate, facts.variable_rate) == ("h264", "24/1", False)
    assert facts.duration_seconds == pytest.approx(0.5)
    assert [(track.codec, track.sample_rate, track.channels) for track in facts.audio] == [("aac", 44_100, 2)]


def test_facts_survive_json(tmp_path: Path) -> None:
    facts = inspect(make_clip(tmp_path / "a.mp4", audio="aac"), LIMITS)
    assert ClipFacts.from_json(asdict(facts)) == facts


def test_a_clip_is_read_from_an_open_file_as_well(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv")
    assert inspect(io.BytesIO(path.read_bytes()), LIMITS) == inspect(path, LIMITS)


def test_the_size_is_that_of_the_upright_picture(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", rotation=90, sample_aspect_ratio=Fraction(4, 3))
    facts = inspect(path, LIMITS)
    assert (facts.width, facts.height, facts.rotation_degrees) == (48, 64, 90)
    assert facts.sample_aspect_ratio == "3/4"


def test_uneven_times_are_a_variable_rate(tmp_path: Path) -> None:
    assert inspect(make_clip(tmp_path / "a.mkv", vfr=True), LIMITS).variable_rate


def test_a_constant_rate_in_milliseconds_is_constant(tmp_path: Path) -> None:
    facts = inspect(make_clip(tmp_path / "a.mkv", rate=Fraction(30000, 1001), frames=20), LIMITS)
    assert (facts.average_rate, facts.variable_rate) == ("30000/1001", False)


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("a.webm", "libvpx", "yuv420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.mpg", "mpeg2video", "yuv420p"),
        ("a.ts", "libx264", "yuv420p"),
        ("a.flv", "libx264", "yuv420p"),
        ("a.mp4", "libsvtav1", "yuv420p"),
    ],
)
def test_common_containers_and_codecs_are_counted_right(
    tmp_path: Path, name: str, codec: str, pixel_format: str
) -> None:
    path = make_clip(tmp_path / name, codec=codec, pixel_format=pixel_format, rate=25, frames=20)
    assert inspect(path, LIMITS).frames == 20


def test_a_fragmented_mp4_is_accepted(tmp_path: Path) -> None:
    fragments = {"movflags": "frag_keyframe+empty_moov"}
    path = make_clip(tmp_path / "a.mp4", frames=24, options={"g": "6"}, container_options=fragments)
    assert inspect(path, LIMITS).frames == 24


BAD_FILES: dict[str, Callable[[Path], object]] = {
    "clip_empty": lambda path: path.write_bytes(b""),
    "clip_unreadable": lambda path: path.write_text("What I did on my holidays\n" * 40),
    "clip_has_no_video": lambda path: make_audio(path.with_suffix(".mp3"), "libmp3lame", cover=True).rename(
        path
    ),
    "clip_too_short": lambda path: make_clip(path, frames=1),
}


@pytest.mark.parametrize("code", BAD_FILES)
def test_what_is_no_clip_is_told_why(tmp_path: Path, code: str) -> None:
    BAD_FILES[code](tmp_path / "a.mp4")
    assert refusal(tmp_path / "a.mp4") == code


@pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.wav", "pcm_s16le"), ("a.ogg", "libopus")])
def test_a_sound_file_has_no_video(tmp_path: Path, name: str, codec: str) -> None:
    assert refusal(make_audio(tmp_path / name, codec)) == "clip_has_no_video"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_still_image_is_too_short(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(encode(Image.fromarray(picture(0)), form))
    assert refusal(path) == "clip_too_short"


@pytest.mark.parametrize(
    "playlist",
    ["#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n", "ffconcat version 1.0\nfile /etc/hostname\n"],
)
def test_a_list_of_other_files_is_not_followed(tmp_path: Path, playlist: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_text(playlist)
    assert refusal(path) == "clip_unreadable"


@pytest.mark.parametrize(
    ("name", "container_options"),
    [
        ("a.mp4", {}),
        ("a.mp4", {"movflags": "faststart"}),
        ("a.mp4", {"movflags": "frag_keyframe+empty_moov"}),
        ("a.mkv", {}),
        ("a.avi", {}),
    ],
)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_clip_cut_off_is_noticed(
    tmp_path: Path, name: str, container_options: dict[str, str], share: float
) -> None:
    path = make_clip(
        tmp_path / name, frames=48, size=(160, 120), options={"g": "12"}, container_options=container_options
    )
    assert refusal(cut(path, share)) == "clip_truncated"


def test_a_matroska_file_that_breaks_off_in_the_middle_is_noticed(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", frames=72, size=(160, 120))
    assert refusal(damage(path, 0.3)) == "clip_corrupt"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (ClipLimits(64 * 48 - 1, 1000, 60), "clip_too_many_pixels"),
        (ClipLimits(64 * 48, 11, 60), "clip_too_many_frames"),
        (ClipLimits(64 * 48, 12, 0.45), "clip_too_long"),
    ],
)
def test_each_limit_has_its_own_answer(tmp_path: Path, limits: ClipLimits, code: str) -> None:
    assert refusal(make_clip(tmp_path / "a.mp4"), limits) == code


def test_limits_are_inclusive(tmp_path: Path) -> None:
    assert inspect(make_clip(tmp_path / "a.mp4"), ClipLimits(64 * 48, 12, 0.5)).frames == 12


def test_a_clip_that_is_too_long_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", frames=200, size=(160, 120), codec="ffv1")

    class Counting(io.BytesIO):
        count = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.count += len(data)
            return data

    source = Counting(path.read_bytes())
    with pytest.raises(InputError):
        inspect(source, ClipLimits(LIMITS.pixels, 20, 60))
    assert source.count < path.stat().st_size / 2


def test_two_frames_at_one_time_are_refused(tmp_path: Path) -> None:
    path = make_clip(
        tmp_path / "a.mkv", timestamps=[0, 1, 2, 3], time_base=Fraction(1, 5000), options={"bf": "0"}
    )
    assert refusal(path) == "clip_timestamps_unusable"


def test_an_error_of_the_store_is_not_the_callers(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 1000:
                raise ConnectionError("the store went away")
            return super().read(size)

    data = make_clip(tmp_path / "a.mkv", frames=48, size=(160, 120)).read_bytes()
    with pytest.raises(ConnectionError):
        inspect(Broken(data), LIMITS)


REAL = {
    "bear-audio.mp4": (854, 480, 82, "25/1", False, "1/1", ("aac",)),
    "blackswan-hevc.mp4": (854, 480, 50, "24/1", False, "1/1", ()),
    "car-turn-vfr.mkv": (854, 480, 80, "158/7", True, "1/1", ()),
    "lucia-rotated.mp4": (854, 480, 70, "30/1", False, "1/1", ()),
    "swing-odd-444.mp4": (427, 241, 60, "24000/1001", False, "241/240", ()),
}


@pytest.mark.parametrize("name", REAL)
def test_facts_of_real_clips(name: str) -> None:
    path = SHARED / "clips" / name
    if not path.exists():
        pytest.skip("the real clips are not beside the checkout")
    facts = inspect(path, LIMITS)
    assert REAL[name] == (
        facts.width,
        facts.height,
        facts.frames,
        facts.average_rate,
        facts.variable_rate,
        facts.sample_aspect_ratio,
        tuple(track.codec for track in facts.audio),
    )
