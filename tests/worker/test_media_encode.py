"""A result shows the clip's frames when the clip does, with the clip's sound, or is not there at all."""

import dataclasses
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from tests.worker.clips import SHARED, box, make_clip, picture
from worker.media import (
    AudioOutcome,
    ClipFacts,
    ClipLimits,
    Kind,
    MediaMismatch,
    VideoWriter,
    compare,
    frames,
    half_size,
    inspect,
)
from worker.render import stacked

LIMITS = ClipLimits(pixels=1920 * 1080, frames=5000, seconds=600)
BLUE = (30, 144, 255)


def rewrite(source: Path, kind: Kind = Kind.OVERLAY) -> tuple[Path, ClipFacts, tuple[AudioOutcome, ...]]:
    """The clip's own frames as a result of this kind; for alpha, the left half is transparent.

    In a preview they stand above the box that walks over them.
    """
    facts = inspect(source, LIMITS)
    path = source.parent / f"result.{kind.recipe.container}"
    with VideoWriter(path, kind, facts, audio_from=source) as writer:
        for frame in frames(source):
            image = frame.image
            if kind.recipe.alpha:
                alpha = np.full((*image.shape[:2], 1), 255, np.uint8)
                alpha[:, : image.shape[1] // 2] = 0
                image = np.concatenate([image, alpha], axis=2)
            if kind.recipe.stacked:
                labels = upright_box(frame.index, facts)
                image = stacked(image, labels, [BLUE], half_size(facts.width, facts.height))
            writer.write(dataclasses.replace(frame, image=image))
    return path, facts, writer.audio


def upright_box(index: int, facts: ClipFacts) -> npt.NDArray[np.uint8]:
    """The labels of a made clip's frame."""
    turned = facts.rotation_degrees % 180 == 90
    size = (facts.height, facts.width) if turned else (facts.width, facts.height)
    return np.rot90(box(index, size) // 255, facts.rotation_degrees // 90)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {"audio": "aac"}),
        ("a.mkv", {"vfr": True, "audio": "libopus"}),
        ("a.mp4", {"rotation": 90, "sample_aspect_ratio": Fraction(4, 3)}),
        ("a.mp4", {"size": (63, 47), "pixel_format": "yuv444p", "rate": Fraction(24000, 1001)}),
        ("a.ts", {"audio": "aac", "rate": 25}),
        ("a.mkv", {"start": 7777, "time_base": Fraction(1, 24), "audio": "flac"}),
        ("a.avi", {"codec": "mjpeg", "pixel_format": "yuvj420p", "audio": "pcm_s16le"}),
    ],
)
def test_the_clip_survives(tmp_path: Path, name: str, options: dict[str, object], kind: Kind) -> None:
    source = make_clip(tmp_path / name, **options)  # type: ignore[arg-type]  # a table of keyword arguments
    path, facts, _ = rewrite(source, kind)
    compare(source, path, facts, kind)
    result = inspect(path, LIMITS)
    assert result.rotation_degrees == 0
    assert result.duration_seconds == pytest.approx(facts.duration_seconds, abs=0.003)
    if kind is not Kind.ALPHA_WEBM:
        assert result.sample_aspect_ratio == facts.sample_aspect_ratio
    for index, frame in enumerate(frames(path)):
        shown = frame.image[: facts.height, : facts.width]
        turned = np.rot90(picture(index, options.get("size", (64, 48))), facts.rotation_degrees // 90)  # type: ignore[arg-type]
        half = shown.shape[1] // 2 + 2  # what is transparent may have any colour
        assert np.abs(shown[:, half:].astype(int) - turned[:, half:]).mean() < 12


def test_timestamps_are_the_same_fractions(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", vfr=True, start=1234)
    path, _, _ = rewrite(source)
    before = [frame.pts * frame.time_base for frame in frames(source)]
    assert [frame.pts * frame.time_base for frame in frames(path)] == before


def test_an_overlay_is_what_browsers_play(tmp_path: Path) -> None:
    path, _, _ = rewrite(make_clip(tmp_path / "a.mp4"))
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        bt709 = (context.colorspace, context.color_primaries, context.color_trc)
        assert (bt709, context.color_range) == ((1, 1, 1), 1)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_colours_go_through_the_matrix_that_is_written(tmp_path: Path) -> None:
    """Pure red in BT.709, limited range, is Y 63, Cb 102, Cr 240."""
    source = make_clip(tmp_path / "a.mp4", frames=2)
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 255
    with VideoWriter(tmp_path / "red.mp4", Kind.OVERLAY, inspect(source, LIMITS)) as writer:
        for frame in frames(source):
            writer.write(dataclasses.replace(frame, image=red))
    with av.open(str(tmp_path / "red.mp4")) as container:
        planes = next(container.decode(video=0)).to_ndarray()
    assert planes[:48].mean() == pytest.approx(63, abs=1)
    assert planes[48:60].mean() == pytest.approx(102, abs=1)
    assert planes[60:].mean() == pytest.approx(240, abs=1)


def test_an_odd_overlay_repeats_its_last_row_and_column(tmp_path: Path) -> None:
    path, _, _ = rewrite(make_clip(tmp_path / "a.mp4", size=(63, 47), pixel_format="yuv444p"))
    image = next(frames(path)).image.astype(int)
    assert image.shape == (48, 64, 3)
    assert np.abs(image[-1] - image[-2]).mean() < 3
    assert np.abs(image[:, -1] - image[:, -2]).mean() < 3


@pytest.mark.parametrize("kind", [Kind.ALPHA_MOV, Kind.ALPHA_WEBM])
def test_alpha_comes_back(tmp_path: Path, kind: Kind) -> None:
    path, _, _ = rewrite(make_clip(tmp_path / "a.mp4"), kind)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        # FFmpeg's own VP9 decoder leaves alpha out; libvpx reads it
        decoder = (
            av.CodecContext.create("libvpx-vp9", "r") if kind is Kind.ALPHA_WEBM else stream.codec_context
        )
        picture = next(p for packet in container.demux(stream) for p in decoder.decode(packet))
    alpha = picture.reformat(format="rgba").to_ndarray()[..., 3]
    assert alpha[:, :28].max() < 10
    assert alpha[:, 36:].min() > 245


@pytest.mark.parametrize(
    ("name", "audio", "kind", "outcome", "codec"),
    [
        ("a.mp4", "aac", Kind.OVERLAY, AudioOutcome.COPIED, "aac"),
        ("a.mkv", "libopus", Kind.OVERLAY, AudioOutcome.COPIED, "opus"),
        ("a.mkv", "pcm_s16le", Kind.OVERLAY, AudioOutcome.TRANSCODED, "aac"),
        ("a.mov", "pcm_s16le", Kind.ALPHA_MOV, AudioOutcome.COPIED, "pcm_s16le"),
        ("a.mp4", "aac", Kind.ALPHA_WEBM, AudioOutcome.TRANSCODED, "opus"),
        ("a.webm", "libopus", Kind.ALPHA_WEBM, AudioOutcome.COPIED, "opus"),
    ],
)
def test_sound_is_copied_where_it_may_live(
    tmp_path: Path, name: str, audio: str, kind: Kind, outcome: AudioOutcome, codec: str
) -> None:
    video = "libvpx-vp9" if name.endswith("webm") else "libx264"
    path, facts, audio_outcomes = rewrite(make_clip(tmp_path / name, audio=audio, codec=video), kind)
    assert audio_outcomes == (outcome,)
    result = inspect(path, LIMITS)
    assert [(track.codec, track.channels) for track in result.audio] == [(codec, 2)]
    with av.open(str(path)) as container:
        heard = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert heard == pytest.approx(facts.duration_seconds, abs=0.06)


@pytest.mark.parametrize("kind", list(Kind))
def test_nothing_is_left_of_a_result_that_was_given_up(tmp_path: Path, kind: Kind) -> None:
    source = make_clip(tmp_path / "a.mp4", audio="aac")
    folder = tmp_path / "out"
    folder.mkdir()

    def give_up_half_way() -> None:
        with VideoWriter(folder / "result", kind, inspect(source, LIMITS), audio_from=source) as writer:
            for frame in frames(source):
                if frame.index == 6:
                    raise InterruptedError
                width, height = kind.recipe.given_size(64, 48)
                blank = np.zeros((height, width, 4 if kind.recipe.alpha else 3), np.uint8)
                writer.write(dataclasses.replace(frame, image=blank))

    with pytest.raises(InterruptedError):
        give_up_half_way()
    assert list(folder.iterdir()) == []


def test_a_frame_of_another_size_is_our_error(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4")
    with (
        pytest.raises(ValueError, match="shape"),
        VideoWriter(tmp_path / "r.mp4", Kind.OVERLAY, inspect(source, LIMITS)) as writer,
    ):
        writer.write(dataclasses.replace(next(frames(source)), image=np.zeros((48, 63, 3), np.uint8)))


def swap(source: Path, **options: object) -> Path:
    return make_clip(source.with_name("other.mp4"), **options)  # type: ignore[arg-type]  # keyword arguments


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"frames": 11, "audio": "aac"}, "12 frames in, 11 frames out"),
        ({"rate": 25, "audio": "aac"}, "frame 1 is shown at"),
        ({"size": (64, 64), "audio": "aac"}, "64x64 instead of 64x48"),
        ({"rotation": 90, "audio": "aac"}, "turned by 90 degrees"),
        ({}, "1 sound tracks in, 0 out"),
        ({"audio": "aac", "audio_rate": 32_000}, "the sound's packets differ"),
    ],
)
def test_each_difference_is_found(tmp_path: Path, options: dict[str, object], words: str) -> None:
    source = make_clip(tmp_path / "a.mp4", audio="aac")
    with pytest.raises(MediaMismatch, match=words):
        compare(source, swap(source, **options), inspect(source, LIMITS), Kind.OVERLAY)


MEASURE = """
import re, sys
from pathlib import Path
from worker.media import ClipLimits, Kind, VideoWriter, frames, inspect
source = Path(sys.argv[1])
facts = inspect(source, ClipLimits(10**7, 10**6, 10**6))
with VideoWriter(source.with_name("r.mp4"), Kind.OVERLAY, facts, audio_from=source) as writer:
    for frame in frames(source):
        writer.write(frame)
# not ru_maxrss: that begins with what the parent had when it forked
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    """1,200 more frames take 69 MB as RGB; the process that rewrites them needs next to none of that."""
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    root = Path(__file__).resolve().parents[2]

    def peak(count: int) -> int:
        source = make_clip(tmp_path / f"{count}.mp4", frames=count, size=(160, 120), audio="aac")
        run = subprocess.run(
            [sys.executable, "-c", MEASURE, str(source)], cwd=root, capture_output=True, text=True, check=True
        )
        return int(run.stdout)

    assert peak(1500) - peak(300) < 12 * 1024  # KiB


@pytest.mark.parametrize(
    "name",
    ["bear-audio.mp4", "blackswan-hevc.mp4", "car-turn-vfr.mkv", "lucia-rotated.mp4", "swing-odd-444.mp4"],
)
def test_real_clips_survive(tmp_path: Path, name: str) -> None:
    path = SHARED / "clips" / name
    if not path.exists():
        pytest.skip("the real clips are not beside the checkout")
    source = Path(shutil.copy(path, tmp_path))
    for kind in (Kind.OVERLAY, Kind.PREVIEW) if name.startswith("swing") else (Kind.OVERLAY,):
        result, facts, audio = rewrite(source, kind)
        compare(source, result, facts, kind)
    assert audio == ((AudioOutcome.COPIED,) if name.startswith("bear") else ())


def test_no_frame_of_a_preview_is_stored_before_one_that_it_is_shown_after(tmp_path: Path) -> None:
    result, *_ = rewrite(make_clip(tmp_path / "a.mkv", frames=30, vfr=True), Kind.PREVIEW)
    with av.open(result) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert all(packet.pts == packet.dts for packet in packets)
