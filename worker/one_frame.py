"""One frame of a clip as a JPEG: what a confined child does for those who look at a clip frame by frame."""

from collections.abc import Mapping
from typing import Any, BinaryIO, cast

from worker.channel import Channel
from worker.file_view import FileView, distant
from worker.jpeg import jpeg_of
from worker.media import ClipLimits
from worker.media.lookup import frame_at
from worker.media.table import Table


def one_frame(
    channel: Channel, about: Mapping[str, Any], data: bytearray, files: list[int]
) -> dict[str, Any]:
    """Frame `number`, at most `width` pixels wide; `data` is what was said of this clip's `table` before, if anything.

    Says the `picture` and, where it had to be made, the `table`; neither where the clip has fewer frames.
    """
    known = Table.from_bytes(data) if data else None
    source = _opened(channel, about["source"], files)
    frame, table = frame_at(source, about["number"], ClipLimits(**about["limits"]), known)
    if table is not None and table is not known:
        channel.send({"table": len(table)}, table.to_bytes())
    if frame is not None:
        channel.send({"picture": frame.index}, jpeg_of(frame.image, about["width"]))
    return {"found": frame is not None}


def _opened(channel: Channel, source: Mapping[str, Any], files: list[int]) -> BinaryIO:
    """An open file, or one that the other side reads."""
    if "file" in source:
        return cast(BinaryIO, FileView(files[source["file"]]))
    return distant(channel, 0, source["bytes"])
