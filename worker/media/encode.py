"""Writing a result video whose frames are shown exactly when the clip's are, with the clip's sound."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)
from av.video.stream import VideoStream

from worker.file_view import FileView
from worker.media.facts import ClipFacts, Frame
from worker.media.kinds import AudioOutcome, Kind
from worker.media.sound import Sound

# Two threads: a worker shares its machine with the network, and x264 holds about 1.5 frames a thread.
ENCODER_THREADS = 2

# A key frame every two seconds lets a viewer scrub; x264's own default is 250 frames.
KEY_FRAME_SECONDS = 2

AVCOL_SPC_BT709 = 1
LARGEST_TIMESCALE = 2**31 - 1


class VideoWriter:
    """A video file that appears under its name when all of it is written, and not at all otherwise.

    Use it as a context manager and `write` each frame, in order. Colours are converted with the BT.709
    matrix to limited range and tagged so. Odd sizes are kept, except in an overlay: H.264 in 4:2:0 cannot
    have them, so its last column or row is written twice. Memory does not grow with the clip's length.
    """

    def __init__(
        self,
        target: Path | FileView,
        kind: Kind,
        facts: ClipFacts,
        *,
        audio_from: Path | BinaryIO | None = None,
    ) -> None:
        """`facts` are the clip's; `audio_from` is the clip itself, None for a silent result.

        A file object given as `audio_from` is read between writes, so it must not be shared with a decoder.
        A target that is open already has its name from somebody else.
        """
        self.kind = kind
        self._recipe = kind.recipe
        self._facts = facts
        self._time_base = Fraction(facts.time_base)
        self._file = _Unfinished(target) if isinstance(target, Path) else target
        self._reformatter = VideoReformatter()
        self._written = 0
        self._output = self._open(audio_from)

    def _open(self, audio_from: Path | BinaryIO | None) -> OutputContainer:
        output = av.open(
            self._file,
            "w",
            format=self._recipe.container,
            container_options=self._container_options(),
            io_open=self._again,
        )
        try:
            self._stream = self._add_pictures(output)
            self._sound = Sound(output, self._recipe, audio_from)
        except BaseException:
            self._discard(output)
            raise
        return output

    def _again(self, _url: str, _flags: int, _options: object) -> FileView:
        """To move the index to the front, the muxer reads what it has written."""
        return FileView(self._file.descriptor)

    @property
    def audio(self) -> tuple[AudioOutcome, ...]:
        """What became of each of the clip's sound tracks; empty for a silent clip."""
        return self._sound.outcomes

    def write(self, frame: Frame) -> None:
        """Add a frame: (H,W,3) uint8 RGB of the recipe's `given_size`; (H,W,4) with straight alpha for alpha."""
        picture = self._picture(frame.image)
        picture.pts = frame.pts
        picture.time_base = self._time_base
        picture.duration = frame.duration or round(1 / (Fraction(self._facts.average_rate) * self._time_base))
        self._mux(self._stream.encode(picture))
        self._written += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            self._discard(self._output)

    def _finish(self) -> None:
        if not self._written:
            raise ValueError("no frame was written")
        self._mux(self._stream.encode(None))
        self._sound.finish()
        self._output.close()
        if isinstance(self._file, _Unfinished):
            self._file.keep()

    def _discard(self, output: OutputContainer) -> None:
        """Close everything and remove what is not finished; after `_finish` there is nothing left to remove."""
        with suppress(av.FFmpegError):
            output.close()
        if hasattr(self, "_sound"):
            self._sound.close()
        if isinstance(self._file, _Unfinished):
            self._file.discard()

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            if packet.dts is not None:
                self._sound.advance(float(packet.dts * packet.time_base))
            self._output.mux(packet)

    def _container_options(self) -> dict[str, str]:
        if self._recipe.container == "webm":
            return {}
        return {
            "movflags": "+faststart+write_colr",
            "video_track_timescale": str(self._time_base.denominator),
            "movie_timescale": str(self._movie_timescale()),
        }

    def _movie_timescale(self) -> int:
        """Edit lists say when a track starts in these ticks; the default of 1000 would round late starts."""
        ticks = self._time_base.denominator
        together = math.lcm(ticks, *(track.sample_rate for track in self._facts.audio if track.sample_rate))
        return together if together <= LARGEST_TIMESCALE else ticks

    def _add_pictures(self, output: OutputContainer) -> VideoStream:
        rate = Fraction(self._facts.average_rate)
        stream = cast(
            VideoStream,
            output.add_stream(
                self._recipe.codec, rate=rate.limit_denominator(1 << 16), options=dict(self._recipe.options)
            ),
        )
        context = stream.codec_context
        context.width, context.height = self._recipe.stored_size(self._facts.width, self._facts.height)
        context.pix_fmt = self._recipe.pixel_format
        context.time_base = self._time_base
        context.sample_aspect_ratio = Fraction(self._facts.sample_aspect_ratio)
        context.thread_count = ENCODER_THREADS
        context.gop_size = self._recipe.key_frame_every or max(1, min(250, round(rate * KEY_FRAME_SECONDS)))
        context.flags |= Flags.frame_duration
        context.colorspace = AVCOL_SPC_BT709
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        context.color_range = ColorRange.MPEG
        return stream

    def _picture(self, image: npt.NDArray[np.uint8]) -> VideoFrame:
        width, height = self._recipe.given_size(self._facts.width, self._facts.height)
        expected = (height, width, 4 if self._recipe.alpha else 3)
        if image.shape != expected:
            raise ValueError(f"a frame of shape {image.shape} where the clip has {expected}")
        width, height = self._recipe.stored_size(self._facts.width, self._facts.height)
        if (height, width) != image.shape[:2]:
            image = np.pad(image, ((0, height - image.shape[0]), (0, width - image.shape[1]), (0, 0)), "edge")
        rgb = VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgba" if self._recipe.alpha else "rgb24")
        return self._reformatter.reformat(
            rgb,
            format=self._recipe.pixel_format,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND,
        )


class _Unfinished(FileView):
    """A file beside its later name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        super().__init__(os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666))

    def keep(self) -> None:
        self._part.replace(self._path)

    def discard(self) -> None:
        """Close, and remove what was not kept."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        self._part.unlink(missing_ok=True)
