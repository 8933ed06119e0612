"""One frame of a clip without decoding all that comes before it: exactly the one of this number in `decode.frames`."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from worker.errors import InputError
from worker.media.container import TRUNCATED, is_picture, opened, picture_stream
from worker.media.decode import frame_of, pictures
from worker.media.entry import is_entry
from worker.media.facts import ClipLimits, Frame
from worker.media.hollow import HollowFile
from worker.media.probe import check_length, check_pixels, unusable
from worker.media.table import Table

# Decoded from the start these are there sooner than the clip has been gone through for a place to begin.
_NEAR = 24

# Keyframes that may not be what they are called; with fewer than so many good ones, all is decoded from the start.
_MOST_ENTRIES_TRIED = 4


class _OddError(Exception):
    """Something is not where the table has it."""


class _OvershotError(Exception):
    """What is read begins after what is wanted."""


def frame_at(
    source: Path | BinaryIO, number: int, limits: ClipLimits, table: Table | None = None
) -> tuple[Frame | None, Table | None]:
    """Frame `number` of the clip, None where it has fewer; and the clip's table, where it was needed.

    Equal, bit for bit, to what `frames` yields under this number. Where the clip is odd in any way, all before it is
    decoded too. Raises InputError as `frames` does, and where the clip is larger than the limits.
    """
    if number < _NEAR:
        return _counted_to(source, number, limits), table
    table = table or read_table(source, limits)
    if number >= len(table):
        return None, table
    if table.is_sound:
        for way in _ways(table, number):
            if found := _frame_by(source, table, way, number):
                return found, table
    return _counted_to(source, number, limits), table


def _counted_to(source: Path | BinaryIO, number: int, limits: ClipLimits) -> Frame | None:
    """The frame, with all before it decoded."""
    with opened(source) as container:
        stream = picture_stream(container)
        check_pixels(stream.codec_context.width, stream.codec_context.height, limits)
        for index, picture in enumerate(pictures(container, stream)):
            if index == number:
                return frame_of(picture, index, VideoReformatter())
    return None


def read_table(source: Path | BinaryIO, limits: ClipLimits) -> Table:
    """The table of a clip, from its header if that tells all, else from reading all of it. Raises InputError."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return read_table(file, limits)
    hollow = HollowFile(source)
    with suppress(_OddError, av.FFmpegError), opened(cast("BinaryIO", hollow)) as container:
        stream = picture_stream(container)
        if hollow.pour_out(container, stream):
            return _table(container, stream, limits, [entry.is_keyframe for entry in stream.index_entries])
    try:
        with opened(source) as container:
            return _table(container, picture_stream(container), limits)
    except av.FFmpegError as error:
        raise InputError("clip_truncated", TRUNCATED) from error


def _table(
    container: InputContainer, stream: VideoStream, limits: ClipLimits, told: Sequence[bool] | None = None
) -> Table:
    """`told`: which packets are keyframes, where these themselves cannot be asked. Raises _OddError."""
    check_pixels(stream.codec_context.width, stream.codec_context.height, limits)
    longest_ticks = int(limits.seconds / (stream.time_base or 1))
    stamps, keys, seen = array("q"), array("q"), 0
    for packet in container.demux(stream):
        seen += packet.size > 0
        if not is_picture(packet):
            continue
        stamp = _stamp(packet)
        if stamp is None:
            raise unusable(f"frame {len(stamps)} has no timestamp")
        if told and seen > len(told):
            raise _OddError
        if told[seen - 1] if told else packet.is_keyframe:
            keys.append(len(stamps))
        stamps.append(stamp)
        check_length(stamps, longest_ticks, limits)
    if told and seen != len(told):
        raise _OddError
    return Table(np.array(stamps, np.int64), np.array(keys, np.int64))


@dataclass(frozen=True)
class _Way:
    """From where to decode, as places in a table.

    What follows a keyframe may tell the decoder to forget pictures that are shown before it: it is an error that they
    were left out. Begun one keyframe before, it has them, and what was wrong on the way does not matter.
    """

    begin: int
    key: int
    """From this keyframe on all has to be right."""


def _ways(table: Table, number: int) -> Iterator[_Way]:
    keys = table.keys_before(number)[:_MOST_ENTRIES_TRIED]
    for key, before in zip_longest(keys, keys[1:]):
        yield _Way(key, key)
        if before is not None:
            yield _Way(before, key)


def _frame_by(source: Path | BinaryIO, table: Table, way: _Way, number: int) -> Frame | None:
    """The frame, decoded in this way; None where anything is not as the table has it."""
    earlier = table.keys_before(table.rank_of(int(table.stamps[way.begin])))
    before = int(table.stamps[earlier[1]]) if len(earlier) > 1 else None
    # some demuxers overshoot; the last way goes through all packets before
    for target in dict.fromkeys((int(table.stamps[way.begin]), before, None)):
        try:
            with opened(source) as container:
                return _sought(container, table, way, number, target)
        except _OvershotError:
            continue
        except (_OddError, InputError, av.FFmpegError):
            break
    return None


def _sought(container: InputContainer, table: Table, way: _Way, number: int, target: int | None) -> Frame:
    stream = picture_stream(container)
    if target is not None:
        container.seek(target, stream=stream)
    since = int(table.stamps[way.key])
    first = table.rank_of(since)
    packets = _packets_from(container, stream, table, way)
    for index, picture in enumerate(pictures(container, stream, packets, since), first):
        _check(picture, table, index, is_first=index == first)
        if index == number:
            return frame_of(picture, index, VideoReformatter())
    raise _OddError


def _packets_from(
    container: InputContainer, stream: VideoStream, table: Table, way: _Way
) -> Iterator[Packet[VideoStream]]:
    """The packets from the key on, once those before it are decoded; none of what is shown before the first one."""
    begin, place = int(table.stamps[way.begin]), -1
    for packet in container.demux(stream):
        found = table.place_of(_stamp(packet)) if is_picture(packet) else None
        if found is not None:
            if place < way.begin < found:
                raise _OvershotError
            place = found
        if place < way.begin or (found is not None and table.stamps[found] < begin):
            continue
        if found in {way.begin, way.key} and not is_entry(packet):
            raise _OddError
        if place < way.key:
            with suppress(av.FFmpegError):
                packet.decode()
        else:
            yield packet
    if place < way.begin:
        raise _OvershotError


def _check(picture: VideoFrame, table: Table, index: int, *, is_first: bool) -> None:
    if index >= len(table) or picture.pts != table.stamps[table.shown[index]]:
        raise _OddError
    if is_first and not picture.key_frame:
        raise _OddError


def _stamp(packet: Packet[VideoStream]) -> int | None:
    return packet.pts if packet.pts is not None else packet.dts
