"""Clips in and out. The only package that imports PyAV."""

from worker.errors import MediaMismatch
from worker.media.check import compare
from worker.media.decode import frames
from worker.media.encode import VideoWriter
from worker.media.facts import ClipFacts, ClipLimits, Frame
from worker.media.kinds import AudioOutcome, Kind
from worker.media.probe import inspect
from worker.media.sizes import half_size

__all__ = [
    "AudioOutcome",
    "ClipFacts",
    "ClipLimits",
    "Frame",
    "Kind",
    "MediaMismatch",
    "VideoWriter",
    "compare",
    "frames",
    "half_size",
    "inspect",
]
