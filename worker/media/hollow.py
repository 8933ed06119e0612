"""A clip's file of which only what describes the clip is read: for timestamps the pictures themselves do not matter."""

from __future__ import annotations

import io
import os
from typing import BinaryIO

from av.container import InputContainer
from av.video.stream import VideoStream

from worker.media.diagnosis import is_fragmented

# Whose packets FFmpeg's demuxer of ISO media neither joins nor splits by what is in them.
_TOLD_BY_HEADER = {"h264", "hevc", "av1", "mpeg4", "prores", "mjpeg", "dnxhd"}


class HollowFile(io.RawIOBase):
    """Reads a file until told that the rest does not matter: from then on there are zeros, and nothing is read."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        self._position = 0
        self._is_hollow = False

    def pour_out(self, container: InputContainer, stream: VideoStream) -> bool:
        """Read no more of this clip, if its header has told all about its packets; whether it has."""
        name = stream.codec_context.codec.canonical_name
        self._is_hollow = (
            container.format.name.startswith("mov")
            and name in _TOLD_BY_HEADER
            and len(stream.index_entries) == stream.frames > 0
            and not is_fragmented(self._file)
        )
        return self._is_hollow

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        if self._is_hollow:
            data = bytes(wanted)
        else:
            self._file.seek(self._position)
            data = bytes(self._file.read(wanted))
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError("before the beginning of the file")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position
