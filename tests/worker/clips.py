"""Small clips and masks made on the spot, so that the tests carry no media files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from PIL import Image

SHARED = Path(__file__).resolve().parents[2] / "../shared"
"""Real clips may lie beside the checkout; tests that use them skip where they do not."""


def picture(index: int, size: tuple[int, int] = (64, 48)) -> npt.NDArray[np.uint8]:
    """Frame `index` of every made clip, (H,W,3) uint8 RGB: a red box that walks over a smooth ground.

    The top left corner is bright, so a test sees which way up the picture is.
    """
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    ground = np.stack([60 + 40 * x, 80 + 60 * y, 140 - 50 * x], axis=-1)
    ground[: height // 4, : width // 4] = 230
    ground[box(index, size) > 0] = (200, 40, 40)
    return ground.astype(np.uint8)


def box(index: int, size: tuple[int, int] = (64, 48)) -> npt.NDArray[np.uint8]:
    """Where the red box of frame `index` stands: (H,W) uint8, 0 or 255."""
    width, height = size
    labels = np.zeros((height, width), np.uint8)
    left = width // 3 + index % max(1, width // 4)
    labels[height // 3 : height // 3 * 2, left : left + width // 3] = 255
    return labels


def png(pixels: npt.NDArray[np.uint8], mode: str | None = None) -> bytes:
    """Any array Pillow understands, as the bytes of a PNG."""
    return encode(Image.fromarray(pixels, mode) if mode else Image.fromarray(pixels))


def encode(image: Image.Image, form: str = "PNG", **options: int) -> bytes:
    """A Pillow picture as the bytes of a file of this form."""
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def box_mask(index: int = 0, size: tuple[int, int] = (64, 48)) -> bytes:
    """The mask of a made clip's frame as a 0/255 PNG."""
    return png(box(index, size))


def uneven(frames: int) -> list[int]:
    """Timestamps that no constant rate explains, in any time base."""
    return [int(step) for step in np.cumsum([0, *([40, 15, 70, 33] * frames)])[:frames]]


def make_clip(
    path: Path,
    *,
    frames: int = 12,
    size: tuple[int, int] = (64, 48),
    rate: Fraction | int = 24,
    audio: str | None = None,
    audio_rate: int = 48_000,
    rotation: int = 0,
    vfr: bool = False,
    timestamps: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    start: int = 0,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    sample_aspect_ratio: Fraction | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a clip of `picture(0..frames-1)` and return its path; the suffix chooses the container.

    `size` is the stored size. `rotation` (counter-clockwise degrees, as PyAV reads it back) is only a flag:
    the stored pixels stay as they are. `vfr` spaces the frames unevenly in milliseconds; `timestamps` gives
    them outright, in `time_base`. `start` is added to each. `audio` names an encoder, such as "aac".
    """
    base = time_base or (Fraction(1, 1000) if vfr else 1 / Fraction(rate))
    stamps = list(timestamps or (uneven(frames) if vfr else range(frames)))
    with av.open(str(path), "w", container_options=container_options or {}) as output:
        video = cast(VideoStream, output.add_stream(codec, rate=Fraction(rate), options=options or {}))
        video.width, video.height = size
        video.pix_fmt = pixel_format
        video.codec_context.time_base = base
        video.codec_context.thread_count = 1
        if sample_aspect_ratio is not None:
            video.codec_context.sample_aspect_ratio = sample_aspect_ratio
        if rotation:
            video.set_display_rotation(rotation)
        sound = cast(AudioStream, output.add_stream(audio, rate=audio_rate)) if audio else None
        for index, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(picture(index, size), "rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base = stamp + start, base
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if sound is not None:
            seconds = float((stamps[-1] + 1) * base)
            write_tone(output, sound, seconds, float(start * base))
    return path


def write_tone(
    output: av.container.OutputContainer, stream: av.AudioStream, seconds: float, start_seconds: float = 0.0
) -> None:
    """Encode a 440 Hz tone of this length into `stream`."""
    rate = stream.codec_context.sample_rate
    times = np.arange(int(seconds * rate)) / rate
    tone = (np.sin(2 * np.pi * 440 * times) * 8000).astype(np.int16)
    for begin in range(0, len(tone), 1024):
        chunk = np.repeat(tone[begin : begin + 1024], 2).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(chunk, format="s16", layout="stereo")
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = begin + int(start_seconds * rate)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def make_audio(path: Path, codec: str, *, seconds: float = 0.5, cover: bool = False) -> Path:
    """Write a file that is all sound; `cover` adds a picture as music files carry it."""
    with av.open(str(path), "w") as output:
        stream = cast(AudioStream, output.add_stream(codec, rate=48_000))
        art = output.add_stream("png", rate=1) if cover else None
        if art is not None:
            art.width, art.height, art.pix_fmt = 32, 32, "rgb24"
            art.disposition = av.stream.Disposition.attached_pic
            output.mux(art.encode(av.VideoFrame.from_ndarray(picture(0, (32, 32)), "rgb24")))
        write_tone(output, stream, seconds)
    return path


def damage(path: Path, at: float = 0.5, length: int = 400) -> Path:
    """Overwrite bytes of the file, beginning at this share of its length, with noise."""
    data = bytearray(path.read_bytes())
    begin = int(len(data) * at)
    noise = np.random.default_rng(1).integers(0, 256, length, dtype=np.uint8).tobytes()
    data[begin : begin + length] = noise
    path.write_bytes(data)
    return path


def cut(path: Path, share: float = 0.5) -> Path:
    """Keep only the first part of the file, as an interrupted upload would."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
