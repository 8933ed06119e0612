"""The clip's sound on its way into a result: copied bit for bit where the container allows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Discard

from worker.media.container import opened
from worker.media.kinds import AudioOutcome, Recipe


class Sound:
    """Feeds the clip's audio packets into `output` alongside the pictures, a little at a time.

    Open it before the first packet is written; `outcomes` then tells what becomes of each track.
    """

    def __init__(self, output: OutputContainer, recipe: Recipe, source: Path | BinaryIO | None) -> None:
        self.outcomes: tuple[AudioOutcome, ...] = ()
        self._output = output
        self._stack = ExitStack()
        self._tracks: dict[int, _Copy | _Transcode] = {}
        self._packets: Iterator[Packet[AudioStream]] = iter(())
        self._waiting: Packet[AudioStream] | None = None
        if source is not None:
            self._open(recipe, source)

    def _open(self, recipe: Recipe, source: Path | BinaryIO) -> None:
        container = self._stack.enter_context(opened(source))
        for video in container.streams.video:
            video.discard = Discard.all  # spares reading the pictures a second time where the index allows it
        outcomes = []
        for track in container.streams.audio:
            outcome = recipe.audio_outcome(codec_of(track))
            outcomes.append(outcome)
            if outcome is AudioOutcome.COPIED:
                self._tracks[track.index] = _Copy(self._output, track)
            elif outcome is AudioOutcome.TRANSCODED:
                self._tracks[track.index] = _Transcode(self._output, track, recipe.other_audio)
        self.outcomes = tuple(outcomes)
        if self._tracks:
            wanted = tuple(track for track in container.streams.audio if track.index in self._tracks)
            self._packets = iter(container.demux(wanted))
            self._waiting = next(self._packets, None)

    def advance(self, seconds: float) -> None:
        """Write what is heard up to this time, so that neither sound nor picture piles up in the muxer."""
        while self._waiting is not None and _seconds(self._waiting) <= seconds:
            self._tracks[self._waiting.stream.index].write(self._waiting)
            self._waiting = next(self._packets, None)

    def finish(self) -> None:
        """Write the rest."""
        self.advance(float("inf"))
        for track in self._tracks.values():
            track.finish()

    def close(self) -> None:
        self._stack.close()


def codec_of(track: AudioStream) -> str | None:
    """FFmpeg's canonical name of the track's codec; None where it has no decoder."""
    context = getattr(track, "codec_context", None)
    return None if context is None else str(context.codec.canonical_name)


def _seconds(packet: Packet[AudioStream]) -> float:
    stamp = packet.dts if packet.dts is not None else packet.pts
    return float("-inf") if stamp is None else float(stamp * packet.time_base)


class _Copy:
    def __init__(self, output: OutputContainer, track: AudioStream) -> None:
        self._output = output
        self._stream = output.add_stream_from_template(track, opaque=True)

    def write(self, packet: Packet[AudioStream]) -> None:
        if packet.size:  # PyAV ends each stream with an empty packet
            packet.stream = self._stream
            self._output.mux(packet)

    def finish(self) -> None:
        pass


class _Transcode:
    def __init__(self, output: OutputContainer, track: AudioStream, encoder: str) -> None:
        # Opus knows 48 kHz and its divisors only
        rate = 48_000 if encoder == "libopus" else min(track.codec_context.sample_rate, 48_000)
        layout = "mono" if track.codec_context.channels == 1 else "stereo"
        self._output = output
        self._stream = cast(AudioStream, output.add_stream(encoder, rate=rate, layout=layout))
        self._resampler = AudioResampler(self._stream.codec_context.format, layout, rate)

    def write(self, packet: Packet[AudioStream]) -> None:
        if not packet.size:
            return
        try:
            decoded = packet.decode()
        except av.FFmpegError:
            return  # a damaged packet is a click; the pictures are what the job is about
        for frame in decoded:
            for resampled in self._resampler.resample(frame):
                self._output.mux(self._stream.encode(resampled))

    def finish(self) -> None:
        for resampled in self._resampler.resample(None):
            self._output.mux(self._stream.encode(resampled))
        self._output.mux(self._stream.encode(None))
