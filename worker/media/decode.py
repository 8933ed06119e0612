"""A clip as a stream of upright RGB frames, in constant memory, with every frame accounted for."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import SideData, Type
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from worker.errors import InputError
from worker.media.container import LARGEST_DECODED_PIXELS, is_picture, opened, picture_stream
from worker.media.facts import Frame

# FFmpeg's numbers (libavutil/pixfmt.h, AVCOL_SPC_*)
UNSPECIFIED_MATRIX = 2

# Full chroma resolution on the way: the default drops every second chroma column of 4:4:4 and 4:2:2.
ACCURATE = (
    Interpolation.BICUBIC
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.ACCURATE_RND
)


# H.264 and HEVC reorder at most 16 frames (their largest decoded picture buffer).
DEEPEST_REORDERING = 16


def frames(source: Path | BinaryIO) -> Iterator[Frame]:
    """Every frame of the clip in the order it is shown, upright, as (H,W,3) uint8 RGB.

    Holds one frame and what the decoder needs to reorder. A clip that does not name its colour matrix is
    taken as BT.601 below 720 lines and as BT.709 from there on, as players do; HDR is not tone-mapped.
    Damage is noticed where the decoder notices it: most codecs carry no checksum, and bytes that still
    parse decode to a wrong picture without a word.
    Raises InputError `clip_corrupt` (with frame and time) where a frame cannot be decoded or is missing,
    `clip_size_changes` where the picture changes its size, and what `container.opened` raises.
    """
    with opened(source) as container:
        stream = picture_stream(container)
        reformatter = VideoReformatter()
        for index, picture in enumerate(pictures(container, stream)):
            yield frame_of(picture, index, reformatter)


def frame_of(picture: VideoFrame, index: int, reformatter: VideoReformatter) -> Frame:
    """A decoded picture as the frame of this number."""
    time_base = Fraction(picture.time_base or 0)
    return Frame(
        index=index,
        pts=picture.pts or 0,
        time_base=time_base,
        time_seconds=float((picture.pts or 0) * time_base),
        image=upright(to_rgb(picture, reformatter), display_matrix(picture)),
        duration=picture.duration or 0,
    )


def pictures(
    container: InputContainer,
    stream: VideoStream,
    packets: Iterable[Packet[VideoStream]] | None = None,
    since: int | None = None,
) -> Iterator[VideoFrame]:
    """Decoded frames as stored, each with the timestamp of its packet: the clip's, or those of these packets.

    Frames that are shown before `since` are decoded for the sake of others, and passed over. Raises as `frames` does.
    """
    context = stream.codec_context
    # "explode": a broken slice is an error instead of a guess at what the picture may have been.
    context.options = {"err_detect": "explode", "max_pixels": str(LARGEST_DECODED_PIXELS)}
    ledger = _Ledger(Fraction(stream.time_base or 1))
    size: tuple[int, int] | None = None
    for picture in _decoded(iter(packets or container.demux(stream)), stream, ledger, since):
        if _is_before(since, picture.pts):
            continue
        size = size or (picture.width, picture.height)
        if size != (picture.width, picture.height):
            raise InputError(
                "clip_size_changes",
                f"The picture changes its size at frame {ledger.shown} from {size[0]}x{size[1]} to "
                f"{picture.width}x{picture.height}. Export the clip at one size.",
            )
        ledger.account_for(picture)
        yield picture
    ledger.close()


def _is_before(since: int | None, stamp: int | None) -> bool:
    return since is not None and stamp is not None and stamp < since


def _decoded(
    packets: Iterator[Packet[VideoStream]], stream: VideoStream, ledger: _Ledger, since: int | None
) -> Iterator[VideoFrame]:
    packet: Packet[VideoStream] | None = None
    try:
        for packet in packets:
            if packet.size == 0:
                continue  # to the decoder an empty packet means the end
            stamp = packet.pts if packet.pts is not None else packet.dts
            if is_picture(packet) and not _is_before(since, stamp):
                ledger.expect(stamp)
            yield from packet.decode()
        yield from stream.decode(None)
    except av.FFmpegError as error:
        # Frames shown earlier may be stored later: knowing them, the frame's number is right.
        with suppress(av.FFmpegError):
            for later in islice(filter(is_picture, packets), DEEPEST_REORDERING):
                ledger.expect(later.pts)
        raise ledger.corrupt(packet.pts if packet else None) from error


class _Ledger:
    """Timestamps that went into the decoder and have not come out: what is shown must be the smallest.

    Decoders drop what they cannot decode without a word; this notices, and knows which frame it was.
    """

    def __init__(self, time_base: Fraction) -> None:
        self.shown = 0
        self._time_base = time_base
        self._expected: list[int] = []  # a heap, as long as the decoder's reordering is deep

    def expect(self, pts: int | None) -> None:
        if pts is None:
            raise InputError(
                "clip_timestamps_unusable", "A frame of the clip has no timestamp. Export it again."
            )
        heapq.heappush(self._expected, pts)

    def account_for(self, picture: VideoFrame) -> None:
        due = self._expected[0] if self._expected else None
        if picture.is_corrupt or due is None:
            raise self.corrupt(picture.pts)
        if picture.pts is not None and picture.pts != due:
            raise self.corrupt(due)
        picture.pts = heapq.heappop(self._expected)
        picture.time_base = self._time_base  # what a decoder gives back at the clip's end has none
        self.shown += 1

    def close(self) -> None:
        if self._expected:
            raise self.corrupt(self._expected[0])

    def corrupt(self, pts: int | None) -> InputError:
        """The error that says where: a frame cannot be later than all before it would have been."""
        if pts is None:
            pts = self._expected[0] if self._expected else 0
        index = self.shown + sum(waiting < pts for waiting in self._expected)
        return InputError(
            "clip_corrupt",
            f"Frame {index} at {float(pts * self._time_base):.3f} s cannot be decoded: the clip is damaged "
            "there. Export it again, or cut the damaged part out.",
        )


def to_rgb(picture: VideoFrame, reformatter: VideoReformatter) -> npt.NDArray[np.uint8]:
    """The stored picture as (H,W,3) uint8 RGB, full range, by the matrix and range it is tagged with."""
    matrix = None
    if picture.colorspace == UNSPECIFIED_MATRIX and not picture.format.is_rgb:
        matrix = Colorspace.ITU601 if picture.height < 720 else Colorspace.ITU709
    converted = reformatter.reformat(
        picture,
        format="rgb24",
        src_colorspace=matrix,
        dst_color_range=ColorRange.JPEG,
        interpolation=ACCURATE,
    )
    return np.asarray(converted.to_ndarray(), dtype=np.uint8)


def display_matrix(picture: VideoFrame) -> tuple[int, int, int, int]:
    """The part (a, b, c, d) of the display matrix that turns and mirrors; (1, 0, 0, 1) leaves all as it is."""
    data = cast(Mapping[Type, SideData], picture.side_data).get(Type.DISPLAYMATRIX)
    if data is None:
        return 1, 0, 0, 1
    values = np.frombuffer(bytes(data), dtype=np.int32)
    return int(values[0]), int(values[1]), int(values[3]), int(values[4])


def is_turned(matrix: tuple[int, int, int, int]) -> bool:
    """Whether the display matrix swaps width and height."""
    a, b, c, d = matrix
    return abs(b) + abs(c) > abs(a) + abs(d)


def upright(image: npt.NDArray[np.uint8], matrix: tuple[int, int, int, int]) -> npt.NDArray[np.uint8]:
    """The picture as it is meant to be seen: quarter turns and mirrorings, no resampling.

    The matrix maps a stored point to a shown one, x' = a x + c y and y' = b x + d y (ISO/IEC 14496-12, 8.3.2).
    """
    a, b, c, d = matrix
    x_sign, y_sign = (c, b) if is_turned(matrix) else (a, d)
    if is_turned(matrix):
        image = image.swapaxes(0, 1)
    if x_sign < 0:
        image = image[:, ::-1]
    if y_sign < 0:
        image = image[::-1]
    return np.ascontiguousarray(image)
