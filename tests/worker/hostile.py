"""Files as an attacker would make them, small to send and large or harmful to read."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.worker.clips import box_mask, make_clip

HUGE = 10_000
BILLION = 1_000_000_000


def huge_picture(width: int = HUGE, height: int = HUGE) -> bytes:
    """A black PNG of so many pixels, in a few kilobytes."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)  # one bit a pixel
    return _png(head, zlib.compress(bytes((width + 7) // 8 + 1) * height, 9))


def false_picture() -> bytes:
    """A PNG whose header says 64x48 and whose data never end."""
    return _png(struct.pack(">IIBBBBB", 64, 48, 8, 0, 0, 0, 0), zlib.compress(bytes(200_000_000), 9))


def inflating_text() -> bytes:
    """A good mask with a comment that unpacks to 200 MB."""
    good = box_mask()
    text = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9))
    return good[:33] + text + good[33:]


def huge_clip(path: Path) -> bytes:
    """Two frames of 10,000x10,000, said so in the header."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("png", rate=24)
        stream.width, stream.height, stream.pix_fmt = HUGE, HUGE, "monob"
        for number in range(2):
            packet = av.Packet(huge_picture())
            packet.stream, packet.time_base = stream, Fraction(1, 24)
            packet.pts = packet.dts = number
            output.mux(packet)
    return path.read_bytes()


def huge_clip_that_claims_to_be_small(path: Path) -> bytes:
    """The same, but the container's header says 64x48."""
    data = huge_clip(path)
    assert data.count(struct.pack(">HH", HUGE, HUGE)) == 1
    data = data.replace(struct.pack(">HH", HUGE, HUGE), struct.pack(">HH", 64, 48))
    return data.replace(struct.pack(">II", HUGE << 16, HUGE << 16), struct.pack(">II", 64 << 16, 48 << 16))


def many_frames(path: Path, count: int = BILLION) -> bytes:
    """A clip of 12 frames whose tables claim a billion of them."""
    clip = make_clip(path, codec="rawvideo", pixel_format="rgb24")
    data = bytearray(clip.read_bytes())
    for name, field in ((b"stts", 8), (b"stsz", 8), (b"stsc", 12)):
        at = data.index(name) + 4 + field
        assert struct.unpack_from(">I", data, at)[0] == 12, name
        struct.pack_into(">I", data, at, count)
    return bytes(data)


def billion_seconds(path: Path) -> bytes:
    """A Matroska file whose frames are a billion ticks apart."""
    return make_clip(
        path, timestamps=[number * BILLION for number in range(12)], time_base=Fraction(1, 1000)
    ).read_bytes()


def playlist(secret: Path) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode()


def playlist_of_the_net(port: int) -> bytes:
    return (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:{port}/\n#EXT-X-ENDLIST\n".encode()
    )


def concatenation(secret: Path) -> bytes:
    return f"ffconcat version 1.0\nfile '{secret}'\nfile '{secret}'\n".encode()


def session_description(port: int) -> bytes:
    return (
        f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n".encode()
    )


def zip_archive(clip: Path) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.write(clip, "clip.mp4")
    return target.getvalue()


def tar_archive(clip: Path) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        archive.add(clip, "clip.mp4")
    return target.getvalue()


def packed(clip: Path) -> bytes:
    return gzip.compress(clip.read_bytes())


def printing_program() -> bytes:
    """PostScript: to read it, Pillow would start Ghostscript."""
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n(/etc/passwd) (r) file\n%%EOF\n"


def drawing() -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"><image href="file:///etc/passwd"/></svg>'


def noise(size: int = 100_000) -> bytes:
    return np.random.default_rng(0).bytes(size)


def _png(head: bytes, data: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
