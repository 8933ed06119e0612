"""Opening a clip without trusting it: which demuxers may run, and which packets are pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from worker.errors import InputError
from worker.media.diagnosis import cut_off, unreadable

# Nothing here follows a reference to another file (HLS, concat), makes up pictures (lavfi) or reads a list
# of images. The audio formats are let in so that a sound file can be called one.
DEMUXERS = "mov,matroska,avi,mpegts,mpeg,flv,ogg,mp3,wav,flac,aac"

# 8192 x 8192 is twice 8K UHD. The bound holds in FFmpeg itself, for a stream whose header says less than its
# pictures do; the service's own limit is lower and has its own words.
LARGEST_DECODED_PIXELS = 8192 * 8192

NOT_THE_PICTURE = Disposition.attached_pic | Disposition.timed_thumbnails


@contextmanager
def opened(source: Path | BinaryIO) -> Iterator[InputContainer]:
    """The clip, open for demuxing; a binary file is read from its start and stays open afterwards.

    Raises InputError `clip_empty`, `clip_truncated`, `clip_too_short` (a still image) or `clip_unreadable`.
    What the file object itself raises (a store that is down) passes through unchanged.
    """
    if isinstance(source, Path):
        with source.open("rb") as file, opened(file) as container:
            yield container
        return
    if source.seek(0, os.SEEK_END) == 0:
        raise unreadable(source)
    if cut_off(source):
        raise InputError("clip_truncated", TRUNCATED)
    try:
        container = av.open(
            _Reader(source),
            "r",
            # Read through the file object alone: no protocol may open anything else.
            container_options={"format_whitelist": DEMUXERS, "protocol_whitelist": "none"},
            options={"max_pixels": str(LARGEST_DECODED_PIXELS)},
            metadata_errors="replace",
        )
    except av.FFmpegError as error:
        raise unreadable(source) from error
    with container:
        yield container


class _Reader:
    """What FFmpeg sees of a file. A damaged header sends it to impossible places: that is an answer, no error."""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        self._file = file
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        return bytes(self._file.read(size))  # object stores answer with a buffer of their own kind

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET and offset < 0:
            return -1
        return self._file.seek(offset, whence)


TRUNCATED = (
    "The clip ends before its own header says it does: the file is cut off. "
    "Upload it again, or export it again if the original does not play to the end either."
)


def picture_stream(container: InputContainer) -> VideoStream:
    """The first stream that is a moving picture. Raises InputError `clip_has_no_video`, `clip_codec_unknown`.

    The cover of a song and the thumbnails of chapters are video streams to FFmpeg; to us they are not.
    """
    for stream in container.streams.video:
        if stream.disposition & NOT_THE_PICTURE:
            continue
        # PyAV gives no codec context where FFmpeg has no decoder.
        if getattr(stream, "codec_context", None) is None:
            raise InputError(
                "clip_codec_unknown",
                "The clip's video codec cannot be decoded here. Convert it to H.264 in an MP4 file.",
            )
        return stream
    raise InputError(
        "clip_has_no_video", "The file holds no moving picture, only sound. Upload a video file."
    )


def is_picture(packet: Packet[Any]) -> bool:
    """Whether this packet becomes a frame that is shown.

    Not the empty packets by which AVI repeats a picture and PyAV ends a stream, nor those an edit list cuts,
    nor VP8's hidden reference frames (RFC 6386, 9.1: bit 4 of the first byte is show_frame).
    """
    if packet.size == 0 or packet.is_discard:
        return False
    return packet.stream.codec_context.name not in {"vp8", "libvpx"} or bool(memoryview(packet)[0] & 0x10)
