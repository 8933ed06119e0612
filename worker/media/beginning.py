"""The first packets of a clip, kept while the rest is counted."""

from __future__ import annotations

from av.packet import Packet
from av.video.stream import VideoStream

from worker.media.container import is_picture
from worker.media.decode import DEEPEST_REORDERING

# The packets that are kept for the first picture: 17 raw frames of 4K would be more, and are read twice.
_MOST_KEPT_BYTES = 64 * 1024**2


class Beginning:
    """The first packets of a clip, from which its first picture can be decoded without reading the clip again."""

    def __init__(self) -> None:
        self.packets: list[Packet[VideoStream]] = []
        self._bytes = self._pictures = 0

    @property
    def shows_a_picture(self) -> bool:
        """Whether there are enough of them: all of the clip, or as many as decoders hold back."""
        return self._bytes <= _MOST_KEPT_BYTES

    def add(self, packet: Packet[VideoStream]) -> None:
        if packet.size == 0 or self._pictures > DEEPEST_REORDERING or self._bytes > _MOST_KEPT_BYTES:
            return
        self._pictures += is_picture(packet)
        self._bytes += packet.size
        self.packets.append(packet)
        if self._bytes > _MOST_KEPT_BYTES:
            self.packets.clear()
