"""Deciding whether a file is a clip that can be worked on, and what it holds."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from worker.errors import InputError
from worker.media.beginning import Beginning
from worker.media.container import TRUNCATED, is_picture, opened, picture_stream
from worker.media.decode import display_matrix, is_turned, pictures
from worker.media.facts import AudioFacts, ClipFacts, ClipLimits

# Of a clip that was trimmed without being encoded again, most frames may be hidden by an edit list.
_INDEX_PER_FRAME = 20

# Ten hours of AAC; going through more would take seconds.
_MOST_INDEX_ENTRIES = 2_000_000


def inspect(source: Path | BinaryIO, limits: ClipLimits) -> ClipFacts:
    """What the clip is, from demuxing all of it and decoding its first frame.

    Limits are checked before anything is decoded, and as soon as they are passed. Raises InputError:
    `clip_empty`, `clip_unreadable`, `clip_has_no_video`, `clip_codec_unknown`, `clip_truncated`,
    `clip_too_short`, `clip_too_many_pixels`, `clip_too_many_frames`, `clip_too_long`,
    `clip_timestamps_unusable`, `clip_corrupt`.
    """
    with opened(source) as container:
        stream = picture_stream(container)
        check_pixels(stream.codec_context.width, stream.codec_context.height, limits)
        _check_index(container, limits)
        beginning = Beginning()
        timeline = _read_timeline(container, stream, limits, beginning)
        if beginning.shows_a_picture:
            return _facts_of(container, stream, timeline, limits, beginning.packets)
    with opened(source) as container:
        return _facts_of(container, picture_stream(container), timeline, limits)


@dataclass(frozen=True)
class Timeline:
    """When the frames of a clip are shown: how many, for how long, how evenly."""

    frames: int
    duration_seconds: float
    average_rate: Fraction
    variable_rate: bool


def check_pixels(width: int, height: int, limits: ClipLimits) -> None:
    if width * height > limits.pixels:
        raise InputError(
            "clip_too_many_pixels",
            f"The clip is {width}x{height}; at most {limits.pixels} pixels a frame are accepted here. "
            "Scale it down and upload that.",
        )


def _check_index(container: InputContainer, limits: ClipLimits) -> None:
    """A header in front lists where every packet lies: they must all lie inside the file."""
    if not container.format.name.startswith("mov"):
        return
    for stream in container.streams:
        # A few bytes can claim a billion frames; each further look at such a file would cost seconds.
        if stream.type == "video" and stream.frames > _INDEX_PER_FRAME * limits.frames:
            raise _too_many_frames(limits)
        if len(stream.index_entries) > _MOST_INDEX_ENTRIES:
            continue
        end = max((entry.pos + entry.size for entry in stream.index_entries), default=0)
        if end > container.size > 0:
            raise InputError("clip_truncated", TRUNCATED)


def _read_timeline(
    container: InputContainer, stream: VideoStream, limits: ClipLimits, beginning: Beginning
) -> Timeline:
    time_base = Fraction(stream.time_base or 1)
    longest_ticks = int(Fraction(limits.seconds) / time_base)
    stamps = array("q")  # 8 bytes a frame, and the number of frames is limited
    last_duration = 0
    ends = dict.fromkeys((track.index for track in container.streams), 0)  # of each track, in its own ticks
    try:
        for packet in container.demux():
            index = packet.stream.index
            if packet.pts is not None:
                ends[index] = max(ends[index], packet.pts + (packet.duration or 0))
            if index != stream.index:
                continue
            beginning.add(cast("Packet[VideoStream]", packet))
            if not is_picture(packet):
                continue
            # A transport stream marks packets after any hiccup; elsewhere the mark means half a packet.
            if packet.is_corrupt and container.format.name != "mpegts":
                raise InputError("clip_truncated", TRUNCATED)
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is None:
                raise unusable(f"frame {len(stamps)} has no timestamp")
            stamps.append(stamp)
            check_length(stamps, longest_ticks, limits)
            last_duration = packet.duration or last_duration
    except av.FFmpegError as error:
        raise InputError("clip_truncated", TRUNCATED) from error
    bases = {track.index: Fraction(track.time_base or 0) for track in container.streams}
    _check_end(container, max(float(end * bases[index]) for index, end in ends.items()))
    return _timeline(stamps, time_base, last_duration, stream)


def _check_end(container: InputContainer, end_seconds: float) -> None:
    """After damage the Matroska demuxer gives up or leaps ahead, silently; its header knows the length."""
    stated_seconds = (container.duration or 0) / av.time_base
    if container.format.name.startswith("matroska") and stated_seconds > end_seconds + 1:
        raise InputError(
            "clip_corrupt",
            f"The clip should last {stated_seconds:.3f} s, but nothing can be read after {end_seconds:.3f} s. "
            "Export it again.",
        )


def check_length(stamps: array[int], longest_ticks: int, limits: ClipLimits) -> None:
    if len(stamps) > limits.frames:
        raise _too_many_frames(limits)
    if stamps[-1] - stamps[0] > longest_ticks:
        raise InputError(
            "clip_too_long",
            f"The clip is longer than {limits.seconds:g} seconds, the most accepted here. Cut it into parts.",
        )


def _too_many_frames(limits: ClipLimits) -> InputError:
    return InputError(
        "clip_too_many_frames",
        f"The clip has more than {limits.frames} frames, the most accepted here. Cut it into parts.",
    )


def _timeline(stamps: array[int], time_base: Fraction, last_duration: int, stream: VideoStream) -> Timeline:
    if not stamps:
        raise InputError("clip_has_no_video", "The clip's video track holds no frames. Export it again.")
    if len(stamps) == 1:
        raise InputError("clip_too_short", "The clip has one frame. Upload a video of two frames or more.")
    ordered = np.sort(np.frombuffer(stamps, dtype=np.int64))
    steps = np.diff(ordered)
    if steps.min() <= 0:
        seconds = float(int(ordered[int(steps.argmin())]) * time_base)
        raise unusable(f"two frames share the time {seconds:.3f} s")
    span = int(ordered[-1] - ordered[0])
    counted = len(steps) / (span * time_base)
    rate = _constant_rate(counted, int(steps.max() - steps.min()), stream.average_rate)
    duration = (span + (last_duration or round(span / len(steps)))) * time_base
    return Timeline(
        frames=len(stamps),
        duration_seconds=float(duration),
        average_rate=rate or counted.limit_denominator(1001),
        variable_rate=rate is None,
    )


def _constant_rate(counted: Fraction, jitter_ticks: int, stated: Fraction | None) -> Fraction | None:
    """The clip's one frame rate, or None where it varies.

    A constant rate written in ticks that do not divide it jitters by one (30 fps in Matroska's milliseconds):
    then the header's rate counts, if it fits what was counted.
    """
    if jitter_ticks == 0:
        return counted
    if jitter_ticks == 1 and stated and abs(stated / counted - 1) < Fraction(1, 200):
        return stated
    return None


def unusable(what: str) -> InputError:
    return InputError(
        "clip_timestamps_unusable",
        f"The clip's timestamps cannot be kept: {what}. Export it at a constant frame rate and upload that.",
    )


def _facts_of(
    container: InputContainer,
    stream: VideoStream,
    timeline: Timeline,
    limits: ClipLimits,
    packets: Iterable[Packet[VideoStream]] | None = None,
) -> ClipFacts:
    first = _first_picture(container, stream, packets)
    check_pixels(first.width, first.height, limits)
    return _facts(container, stream, first, timeline)


def _first_picture(
    container: InputContainer, stream: VideoStream, packets: Iterable[Packet[VideoStream]] | None
) -> VideoFrame:
    stream.codec_context.thread_count = 1  # more would take longer to start than one frame to decode
    for picture in pictures(container, stream, packets):
        return picture
    raise InputError("clip_corrupt", "No frame of the clip can be decoded. Export it again and upload that.")


def _facts(
    container: InputContainer, stream: VideoStream, first: VideoFrame, timeline: Timeline
) -> ClipFacts:
    turned = is_turned(display_matrix(first))
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    return ClipFacts(
        container=container.format.name,
        codec=stream.codec_context.codec.canonical_name,
        pixel_format=first.format.name,
        width=first.height if turned else first.width,
        height=first.width if turned else first.height,
        rotation_degrees=first.rotation,
        frames=timeline.frames,
        duration_seconds=timeline.duration_seconds,
        average_rate=_text(timeline.average_rate),
        variable_rate=timeline.variable_rate,
        time_base=_text(Fraction(stream.time_base or 1)),
        sample_aspect_ratio=_text(1 / aspect if turned else aspect),
        audio=tuple(
            AudioFacts(track.codec_context.codec.canonical_name, track.sample_rate, track.channels)
            for track in container.streams.audio
            if getattr(track, "codec_context", None) is not None
        ),
    )


def _text(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"
