"""One mask out of a job's `masks.zip`, of which no more is read than that takes."""

import struct
import zipfile
import zlib
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from storage.objects import Objects
from storage.results import Result
from worker.frame_name import frame_name

# The end of an archive, an entry of its directory, and the head of a file (PKWARE's APPNOTE.TXT, 4.3.16, .12 and .7).
_END: Final = struct.Struct("<4s4H2LH")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_HEAD: Final = struct.Struct("<4s5H3L2H")


def mask_of(objects: Objects, result: Result, number: int, frames: int) -> bytes:
    """The PNG of a frame. Raises ObjectMissingError, and KeyError where the archive has no such file."""
    name = frame_name(number, frames)
    found = _entry(objects, result, number, name.encode())
    content = found and _content(objects, result.object_key, found)
    if content:
        return content
    with closing(objects.open(result.object_key)) as file, zipfile.ZipFile(file) as archive:
        return archive.read(name)


@dataclass(frozen=True)
class _Entry:
    """Where a file begins, how many bytes it and its name take, and its checksum."""

    start: int
    size: int
    name: bytes
    checksum: int


def _entry(objects: Objects, result: Result, number: int, name: bytes) -> _Entry | None:
    """The directory's entry of this number: all are of one length, as names are. None where they are not."""
    if result.bytes < _END.size:
        return None
    end = _END.unpack(objects.part(result.object_key, result.bytes - _END.size, _END.size))
    mark, _, _, _, count, directory_bytes, directory, comment = end
    length = _ENTRY.size + len(name)
    # in an archive beyond 4 GiB the numbers stand elsewhere
    if mark != b"PK\5\6" or comment or number >= count or directory_bytes != count * length:
        return None
    data = objects.part(result.object_key, directory + number * length, length)
    mark, _, _, _, method, _, _, checksum, packed, size, named, extra, comment, _, _, _, start = (
        _ENTRY.unpack(data[: _ENTRY.size])
    )
    is_plain = (mark, method, packed, named, extra, comment) == (b"PK\1\2", 0, size, len(name), 0, 0)
    if not is_plain or data[_ENTRY.size :] != name or start >= directory:
        return None
    return _Entry(start, size, name, checksum)


def _content(objects: Objects, key: str, entry: _Entry) -> bytes | None:
    before = _HEAD.size + len(entry.name)
    data = objects.part(key, entry.start, before + entry.size)
    mark, *_, named, extra = _HEAD.unpack(data[: _HEAD.size])
    content = data[before:]
    is_whole = (mark, named, extra) == (b"PK\3\4", len(entry.name), 0) and len(content) == entry.size
    return content if is_whole and zlib.crc32(content) == entry.checksum else None
