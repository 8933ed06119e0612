"""The last look at a result: did the clip survive? Reads packets, decodes one frame, keeps 8 bytes a frame."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from worker.errors import MediaMismatch
from worker.media.container import is_picture, opened, picture_stream
from worker.media.decode import display_matrix, pictures
from worker.media.facts import ClipFacts
from worker.media.kinds import AudioOutcome, Kind, Recipe
from worker.media.sound import codec_of

HALF_A_MILLISECOND = Fraction(1, 2000)


def compare(source: Path | BinaryIO, result: Path | BinaryIO, facts: ClipFacts, kind: Kind) -> None:
    """Raise MediaMismatch unless `result` shows the frames of `source`, when it does, the way up it does.

    Checked: the number of frames, each timestamp (exactly; in WebM to the nearest millisecond), the size
    (an overlay's is even, a preview's that of its two halves), no rotation left to apply, and each copied sound
    track packet for packet.
    """
    with opened(source) as clip, opened(result) as video:
        _compare_timestamps(_timestamps(clip), _timestamps(video), kind.recipe)
    with opened(source) as clip, opened(result) as video:
        _compare_sound(clip, video, kind.recipe)
    with opened(result) as video:
        _check_picture(video, facts, kind.recipe)


def _timestamps(container: InputContainer) -> tuple[list[int], Fraction]:
    stream = picture_stream(container)
    stamps = array("q")
    for packet in container.demux(stream):
        if is_picture(packet):
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is None:
                raise MediaMismatch(f"frame {len(stamps)} has no timestamp")
            stamps.append(stamp)
    return sorted(stamps), Fraction(stream.time_base or 1)


def _compare_timestamps(
    clip: tuple[list[int], Fraction], video: tuple[list[int], Fraction], recipe: Recipe
) -> None:
    (wanted, wanted_base), (found, found_base) = clip, video
    if len(wanted) != len(found):
        raise MediaMismatch(f"{len(wanted)} frames in, {len(found)} frames out")
    tolerance = Fraction(0) if recipe.exact_timestamps else HALF_A_MILLISECOND
    for index, (here, there) in enumerate(zip(wanted, found, strict=True)):
        if abs(here * wanted_base - there * found_base) > tolerance:
            raise MediaMismatch(
                f"frame {index} is shown at {float(here * wanted_base):.6f} s in the clip and at "
                f"{float(there * found_base):.6f} s in the result"
            )


def _check_picture(container: InputContainer, facts: ClipFacts, recipe: Recipe) -> None:
    first = next(pictures(container, picture_stream(container)))
    if display_matrix(first) != (1, 0, 0, 1) and first.rotation != 0:
        raise MediaMismatch(f"the result still asks to be turned by {first.rotation} degrees")
    wanted = recipe.stored_size(facts.width, facts.height)
    if (first.width, first.height) != wanted:
        raise MediaMismatch(f"the result is {first.width}x{first.height} instead of {wanted[0]}x{wanted[1]}")


def _compare_sound(clip: InputContainer, video: InputContainer, recipe: Recipe) -> None:
    outcomes = [(track, recipe.audio_outcome(codec_of(track))) for track in clip.streams.audio]
    kept = [(track, outcome) for track, outcome in outcomes if outcome is not AudioOutcome.LEFT_OUT]
    if len(kept) != len(video.streams.audio):
        raise MediaMismatch(f"{len(kept)} sound tracks in, {len(video.streams.audio)} out")
    pairs = [
        (track, copy)
        for (track, outcome), copy in zip(kept, video.streams.audio, strict=True)
        if outcome is AudioOutcome.COPIED
    ]
    if not pairs:
        return
    wanted = _digests(clip, tuple(track for track, _ in pairs))
    found = _digests(video, tuple(copy for _, copy in pairs))
    if wanted != found:
        raise MediaMismatch("the sound's packets differ from the clip's")


def _digests(container: InputContainer, tracks: tuple[AudioStream, ...]) -> list[tuple[int, str]]:
    """For each track how many packets it has, and the SHA-256 over the length and bytes of each."""
    hashes = {track.index: hashlib.sha256() for track in tracks}
    counts = dict.fromkeys(hashes, 0)
    for packet in _packets(container, tracks):
        payload = _payload(packet)
        hashes[packet.stream.index].update(len(payload).to_bytes(8, "big") + payload)
        counts[packet.stream.index] += 1
    return [(counts[track.index], hashes[track.index].hexdigest()) for track in tracks]


def _packets(container: InputContainer, tracks: tuple[AudioStream, ...]) -> Iterator[Packet[AudioStream]]:
    return (packet for packet in container.demux(tracks) if packet.size)


def _payload(packet: Packet[AudioStream]) -> bytes:
    """The packet without its ADTS header: transport streams put one before AAC, MP4 must not (ISO 14496-3, 1.A).

    No raw AAC packet begins with the sync word: its first three bits would mean "end".
    """
    data = bytes(packet)
    if codec_of(packet.stream) == "aac" and len(data) > 9 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return data[7:] if data[1] & 1 else data[9:]
    return data
