"""Reading just enough of a file to say why it cannot be a clip: cut off, empty, a picture, or something else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from worker.errors import InputError

STILL_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\x00", b"MM\x00*")
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
ISO_BOXES = {
    b"ftyp",
    b"moov",
    b"mdat",
    b"moof",
    b"free",
    b"skip",
    b"wide",
    b"mfra",
    b"sidx",
    b"styp",
    b"uuid",
}


def unreadable(file: BinaryIO) -> InputError:
    """The error to raise for a file in which no demuxer found a clip."""
    head = _read(file, 0, 16)
    if not head:
        return InputError("clip_empty", "The clip is an empty file. Upload it again.")
    if head.startswith(STILL_IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return InputError(
            "clip_too_short", "The clip is a single picture. Upload a video of two frames or more."
        )
    if head[4:8] in ISO_BOXES or head.startswith(EBML) or head[:4] == b"RIFF":
        return InputError(
            "clip_unreadable",
            "The file begins like a video, but its header is damaged. Export it again and upload that.",
        )
    return InputError(
        "clip_unreadable",
        "The file is not a video that can be read here. Upload an MP4, MOV, MKV, WebM, AVI, MPEG, FLV or Ogg "
        "file, for instance H.264 in an MP4.",
    )


def cut_off(file: BinaryIO) -> bool:
    """Whether the file is shorter than its own outer structure says (ISO media, Matroska, RIFF)."""
    size = file.seek(0, os.SEEK_END)
    head = _read(file, 0, 12)
    if head[4:8] in ISO_BOXES:
        return _iso_cut_off(file, size)
    if head.startswith(EBML):
        return _matroska_cut_off(file, size)
    # AVI rounds to even; a recorder that was switched off leaves 0, which claims nothing
    return head[:4] == b"RIFF" and 8 + int.from_bytes(head[4:8], "little") > size + 1


def is_fragmented(file: BinaryIO) -> bool:
    """Whether some of an ISO file's pictures are described beside themselves, not in its header."""
    size = file.seek(0, os.SEEK_END)
    return any(kind == b"moof" for kind, _ in _iso_boxes(file, size))


def _iso_cut_off(file: BinaryIO, size: int) -> bool:
    found_moov = False
    for kind, end in _iso_boxes(file, size):
        found_moov = found_moov or kind == b"moov"
        if end > size:
            return True
    return not found_moov


def _iso_boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """ISO/IEC 14496-12, 4.2: boxes side by side, one of them `moov`, each with its length in front.

    The kind of each that is known, and where it ends.
    """
    position = 0
    while position + 8 <= size:
        head = _read(file, position, 16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if kind not in ISO_BOXES:
            position += max(length, 8) if kind.isalnum() else size
            continue
        if length == 0:  # this box runs to the end of the file
            yield kind, size
            return
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:
            yield kind, position
            return
        position += length
        yield kind, position


def _matroska_cut_off(file: BinaryIO, size: int) -> bool:
    """RFC 8794: an EBML header, then one Segment; both say their length, a live recording does not."""
    header_length, header_width = _vint(_read(file, 4, 8))
    if header_length is None:
        return False
    start = 4 + header_width + header_length
    if _read(file, start, 4) != SEGMENT:
        return False
    length, width = _vint(_read(file, start + 4, 8))
    return length is not None and start + 4 + width + length > size


def _vint(data: bytes) -> tuple[int | None, int]:
    """An EBML length and how many bytes it takes; None where all ones say "unknown"."""
    if not data or data[0] == 0:
        return None, 1
    width = 9 - data[0].bit_length()
    value = int.from_bytes(data[:width], "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), width


def _read(file: BinaryIO, position: int, length: int) -> bytes:
    file.seek(position)
    return bytes(file.read(length))
