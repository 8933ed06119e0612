"""The kinds of video that are written: container, codec, and what becomes of the sound in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from worker.media.sizes import half_size


class AudioOutcome(StrEnum):
    """What happened to a sound track on its way from the clip into a result."""

    COPIED = "copied"
    """Packet for packet, bit for bit."""
    TRANSCODED = "transcoded"
    """The result's container cannot hold the clip's codec."""
    LEFT_OUT = "left_out"
    """FFmpeg cannot decode the track, so it can be neither copied safely nor transcoded."""


@dataclass(frozen=True)
class Recipe:
    """How one kind of result is made. `copied_audio` are codecs that the container's players expect in it."""

    container: str
    codec: str
    pixel_format: str
    options: Mapping[str, str]
    copied_audio: tuple[str, ...]
    other_audio: str
    alpha: bool = False
    even_size: bool = False
    exact_timestamps: bool = True
    stacked: bool = False
    key_frame_every: int | None = None

    def given_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the pictures that are written for a clip of this size."""
        if not self.stacked:
            return width, height
        width, height = half_size(width, height)
        return width, 2 * height

    def stored_size(self, width: int, height: int) -> tuple[int, int]:
        """Those of the video that is made for a clip of this size."""
        width, height = self.given_size(width, height)
        odd = 1 if self.even_size else 0
        return width + (width & odd), height + (height & odd)

    def audio_outcome(self, codec: str | None) -> AudioOutcome:
        """What becomes of a track in this codec (FFmpeg's canonical name; None: no decoder)."""
        if codec is None:
            return AudioOutcome.LEFT_OUT
        return AudioOutcome.COPIED if codec.startswith(self.copied_audio) else AudioOutcome.TRANSCODED


class Kind(StrEnum):
    """A video that a job can deliver."""

    OVERLAY = "overlay"
    PREVIEW = "preview"
    ALPHA_MOV = "alpha_mov"
    ALPHA_WEBM = "alpha_webm"

    @property
    def recipe(self) -> Recipe:
        return RECIPES[self]


RECIPES: Mapping[Kind, Recipe] = MappingProxyType(
    {
        # For looking at: plays in every browser. At crf 18 the preset "faster" costs 0.9 dB against "medium"
        # and half the time (30 against 54 ms for a frame of 854x480, one core). 4:2:0 needs
        # even sizes. PCM and Vorbis could be put into MP4, but hardly any player finds them there.
        Kind.OVERLAY: Recipe(
            container="mp4",
            codec="libx264",
            pixel_format="yuv420p",
            options={"crf": "18", "preset": "faster"},
            copied_audio=("aac", "mp3", "ac3", "eac3", "opus", "alac", "flac"),
            other_audio="aac",
            even_size=True,
        ),
        # For pages: the clip above its masks in one video, so that both are always of the same frame. Key frames
        # are near each other, since a viewer jumps and steps. No frame is stored before one that it is shown after:
        # Chromium, asked for the frame before such a key frame in a clip of uneven rate, shows the key frame.
        Kind.PREVIEW: Recipe(
            container="mp4",
            codec="libx264",
            pixel_format="yuv420p",
            options={"crf": "20", "preset": "veryfast", "bf": "0"},
            copied_audio=("aac", "mp3", "ac3", "eac3", "opus", "alac", "flac"),
            other_audio="aac",
            even_size=True,
            stacked=True,
            key_frame_every=12,
        ),
        # For editing: ProRes 4444 with 16 bits of straight alpha.
        Kind.ALPHA_MOV: Recipe(
            container="mov",
            codec="prores_ks",
            pixel_format="yuva444p10le",
            options={"profile": "4444", "alpha_bits": "16", "vendor": "apl0"},
            copied_audio=("aac", "mp3", "ac3", "eac3", "alac", "pcm_"),
            other_audio="aac",
            alpha=True,
        ),
        # For web pages. Matroska counts in milliseconds, so timestamps are kept to the nearest one.
        Kind.ALPHA_WEBM: Recipe(
            container="webm",
            codec="libvpx-vp9",
            pixel_format="yuva420p",
            options={"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
            copied_audio=("opus", "vorbis"),
            other_audio="libopus",
            alpha=True,
            exact_timestamps=False,
        ),
    }
)
