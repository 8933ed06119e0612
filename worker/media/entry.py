"""Whether decoding may begin at a keyframe and give the same pictures as if it had begun at the clip's start."""

from __future__ import annotations

from collections.abc import Iterator

from av.packet import Packet
from av.video.stream import VideoStream

# Rec. ITU-T H.264, table 7-1 and D.1
_H264_SLICES = {1, 2, 5}
_IDR, _SEI, _RECOVERY_POINT = 5, 6, 6


def is_entry(packet: Packet[VideoStream]) -> bool:
    """Whether all that is shown from this keyframe on refers to nothing before it.

    Elsewhere that is what a keyframe is. H.264's may be a first picture of many that refresh the image bit by bit: of
    those that are no IDR picture, only one that says that all is right at once may be begun at.
    """
    if not packet.is_keyframe:
        return False
    if packet.stream.codec_context.name != "h264":
        return True
    recovers = False
    for unit in _units(bytes(packet), bytes(packet.stream.codec_context.extradata or b"")):
        kind = unit[0] & 31
        if kind == _SEI:
            recovers = recovers or _recovers_at_once(unit[1:])
        if kind in _H264_SLICES:
            return kind == _IDR or recovers
    return False


def _units(data: bytes, extradata: bytes) -> Iterator[bytes]:
    """The NAL units of a packet: with their length before each (ISO/IEC 14496-15), or start codes (annex B)."""
    if extradata[:1] != b"\x01" or len(extradata) < 5:
        for unit in data.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")[1:]:
            if unit:
                yield unit
        return
    width, position = (extradata[4] & 3) + 1, 0
    while position + width < len(data):
        length = int.from_bytes(data[position : position + width], "big")
        position += width
        if unit := data[position : position + length]:
            yield unit
        position += length


def _recovers_at_once(message: bytes) -> bool:
    """Whether SEI has a recovery point here (D.1.8): `recovery_frame_cnt` 0, and `exact_match_flag`."""
    position = 0
    while position + 2 < len(message):
        kind, position = _number(message, position)
        size, position = _number(message, position)
        if kind == _RECOVERY_POINT and message[position : position + 1]:
            # 0 is the one bit 1 in Exp-Golomb code; the flag follows
            return message[position] >> 6 == 0b11
        position += size
    return False


def _number(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    while message[position : position + 1] == b"\xff":
        value, position = value + 255, position + 1
    return value + (message[position] if position < len(message) else 0), position + 1
