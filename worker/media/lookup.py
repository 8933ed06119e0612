"""One frame of a clip without decoding all that comes before it: exactly the one of this number in `decode.frames`."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self, cast

import av
import numpy as np
import numpy.typing as npt
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

# Decoded from the start these are there sooner than the clip has been gone through for a place to begin.
_NEAR = 24

# Keyframes that may not be what they are called; with fewer than so many good ones, all is decoded from the start.
_MOST_ENTRIES_TRIED = 4


class _OddError(Exception):
    """Something is not where the table has it."""


@dataclass(frozen=True)
class Table:
    """When the pictures of a clip are shown, in the order in which they are stored, and which are keyframes.

    Some 8 bytes a frame: who asks for many frames of a clip keeps it.
    """

    stamps: npt.NDArray[np.int64]
    """Of each picture, in the stream's ticks."""
    keys: npt.NDArray[np.int64]
    """Places of keyframes in `stamps`, ascending."""

    def to_bytes(self) -> bytes:
        return np.concatenate([[len(self.stamps)], self.stamps, self.keys]).astype("<i8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes | bytearray) -> Self:
        values = np.frombuffer(data, "<i8").astype(np.int64)
        return cls(values[1 : 1 + values[0]], values[1 + values[0] :])

    def __len__(self) -> int:
        return len(self.stamps)

    @cached_property
    def shown(self) -> npt.NDArray[np.int64]:
        """The place of each picture, in the order in which they are shown."""
        return np.argsort(self.stamps, kind="stable")

    @cached_property
    def is_sound(self) -> bool:
        """Whether no two pictures share a time, so that a time names one."""
        return bool((np.diff(self.stamps[self.shown]) > 0).all())

    def place_of(self, stamp: int | None) -> int | None:
        """Where the picture of this time is stored."""
        if stamp is None:
            return None
        rank = self.rank_of(stamp)
        found = rank < len(self) and self.stamps[self.shown[rank]] == stamp
        return int(self.shown[rank]) if found else None

    def rank_of(self, stamp: int) -> int:
        """How many pictures are shown before this time."""
        return int(np.searchsorted(self.stamps, stamp, sorter=self.shown))

    def keys_before(self, number: int) -> list[int]:
        """Places of the keyframes from which frame `number` may be decoded, the nearest first."""
        place = self.shown[number]
        usable = self.keys[(self.keys <= place)]
        return [int(key) for key in usable[self.stamps[usable] <= self.stamps[place]][::-1]]


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
        for key in table.keys_before(number)[:_MOST_ENTRIES_TRIED]:
            if found := _frame_from(source, table, key, number):
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


def _frame_from(source: Path | BinaryIO, table: Table, key: int, number: int) -> Frame | None:
    """The frame, decoded from this keyframe on; None where anything is not as the table has it."""
    earlier = table.keys_before(int(table.rank_of(int(table.stamps[key]))))
    before = int(table.stamps[earlier[1]]) if len(earlier) > 1 else None
    # some demuxers overshoot; the last way goes through all packets before
    for target in dict.fromkeys((int(table.stamps[key]), before, None)):
        with suppress(_OddError, InputError, av.FFmpegError), opened(source) as container:
            return _sought(container, table, key, number, target)
    return None


def _sought(container: InputContainer, table: Table, key: int, number: int, target: int | None) -> Frame:
    stream = picture_stream(container)
    if target is not None:
        container.seek(target, stream=stream)
    first = table.rank_of(int(table.stamps[key]))
    packets = _packets_from(container, stream, table, key)
    for index, picture in enumerate(pictures(container, stream, packets), first):
        _check(picture, table, index, is_first=index == first)
        if index == number:
            return frame_of(picture, index, VideoReformatter())
    raise _OddError


def _packets_from(
    container: InputContainer, stream: VideoStream, table: Table, key: int
) -> Iterator[Packet[VideoStream]]:
    """The packets from a keyframe on, without the pictures that are shown before it and refer to others before."""
    packets = container.demux(stream)
    begin = int(table.stamps[key])
    for packet in packets:
        place = table.place_of(_stamp(packet)) if is_picture(packet) else None
        if place is not None and place > key:
            raise _OddError
        if place == key:
            if not is_entry(packet):
                raise _OddError
            yield packet
            break
    for packet in packets:
        stamp = _stamp(packet)
        if is_picture(packet) and stamp is not None and stamp < begin:
            continue
        yield packet


def _check(picture: VideoFrame, table: Table, index: int, *, is_first: bool) -> None:
    if index >= len(table) or picture.pts != table.stamps[table.shown[index]]:
        raise _OddError
    if is_first and not picture.key_frame:
        raise _OddError


def _stamp(packet: Packet[VideoStream]) -> int | None:
    return packet.pts if packet.pts is not None else packet.dts
