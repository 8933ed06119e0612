"""What confined children do: everything that reads a stranger's clip or mask. Only zygotes import this."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Any, BinaryIO, Final, cast

import cv2
import numpy as np
import numpy.typing as npt

from worker.archive import MaskReader
from worker.channel import Channel
from worker.errors import MediaMismatch
from worker.file_view import FileView, distant
from worker.inspection import inspect_upload
from worker.masks import read_masks
from worker.media import ClipFacts, ClipLimits, Kind, VideoWriter, compare, frames, half_size
from worker.one_frame import one_frame
from worker.prefetch import prefetched
from worker.rehearsal import rehearse
from worker.render import cutout, overlay, poster, stacked
from worker.suggestion.network import rehearse as rehearse_network
from worker.suggestion.task import suggestion
from worker.zygote import Task

# A thread pool in the zygote would not survive a fork.
cv2.setNumThreads(1)

_MOST_MASK_BYTES: Final = 1 << 32


def inspect(channel: Channel, about: Mapping[str, Any], _data: bytearray, files: list[int]) -> dict[str, Any]:
    """An upload, judged: `sources` are open files, or sizes of files that the other side reads."""

    def open_source(number: str) -> BinaryIO:
        source = about["sources"][int(number)]
        if "file" in source:
            return cast(BinaryIO, FileView(files[source["file"]]))
        return distant(channel, int(number), source["bytes"])

    masks = {int(frame): str(number) for frame, number in about["masks"].items()}
    known = about.get("clip")
    facts, objects = inspect_upload(
        open_source,
        str(about["video"]),
        masks,
        ClipLimits(**about["limits"]),
        known=ClipFacts.from_json(known) if known else None,
        corrections=about.get("corrections", ()),
    )
    return {"clip": asdict(facts), "objects": objects}


def masks(channel: Channel, about: Mapping[str, Any], _data: bytearray, _files: list[int]) -> dict[str, Any]:
    """Masks, received one by one, as labels, sent one by one."""
    given = {frame: bytes(channel.receive(_MOST_MASK_BYTES)[1]) for frame in about["frames"]}
    labels, objects = read_masks(given, tuple(about["size"]), about["corrections"])
    for frame, pixels in labels.items():
        channel.send({"frame": frame}, _bytes(pixels))
    return {"objects": objects}


def pictures(
    channel: Channel, about: Mapping[str, Any], _data: bytearray, files: list[int]
) -> dict[str, Any]:
    """The clip's frames, one by one; of those that are not wanted (`only`) just their numbers."""
    only = None if about["only"] is None else set(about["only"])
    for frame in frames(_file(files[0])):
        said = {"index": frame.index, "pts": frame.pts, "base": str(frame.time_base), "lasts": frame.duration}
        channel.send(said, _bytes(frame.image) if only is None or frame.index in only else b"")
        if only is not None and frame.index >= max(only):
            break
    return {}


def results(channel: Channel, about: Mapping[str, Any], _data: bytearray, files: list[int]) -> dict[str, Any]:
    """The second pass: videos and poster from the clip and its masks, and the check that the clip has survived."""
    clip, archive, *open_files = files
    facts = ClipFacts.from_json(about["facts"])
    videos = dict(zip(map(Kind, about["kinds"]), open_files, strict=True))
    with MaskReader(_file(archive)) as labels:
        if len(labels) != facts.frames:
            raise MediaMismatch(f"{facts.frames} frames in, {len(labels)} masks out")
        audio = _encode(channel, about, clip, labels, facts, videos) if videos or about["poster"] else {}
    for kind, video in videos.items():
        compare(_file(clip), _file(video), facts, kind)
        channel.send({"advance": facts.frames})
    return {"audio": audio}


def _encode(
    channel: Channel,
    about: Mapping[str, Any],
    clip: int,
    masks: MaskReader,
    facts: ClipFacts,
    videos: Mapping[Kind, int],
) -> dict[str, list[str]]:
    """What became of the sound in each kind of video."""
    colors = tuple(tuple(color) for color in about["colors"])
    with ExitStack() as stack:
        writers = {
            kind: stack.enter_context(VideoWriter(FileView(video), kind, facts, audio_from=_file(clip)))
            for kind, video in videos.items()
        }
        for frame, labels in zip(prefetched(frames(_file(clip))), masks, strict=True):
            for kind, writer in writers.items():
                writer.write(replace(frame, image=_picture(kind, frame.image, labels, colors)))
            if frame.index == about["poster_frame"] and about["poster"]:
                channel.send({"poster": True}, poster(frame.image, labels, colors))
            channel.send({"advance": frame.index + 1})
    return {kind.value: [outcome.value for outcome in writer.audio] for kind, writer in writers.items()}


def _picture(
    kind: Kind, image: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], colors: Sequence[Any]
) -> npt.NDArray[np.uint8]:
    match kind:
        case Kind.OVERLAY:
            return overlay(image, labels, colors)
        case Kind.PREVIEW:
            return stacked(image, labels, colors, half_size(image.shape[1], image.shape[0]))
        case _:
            return cutout(image, labels)


def _file(descriptor: int) -> BinaryIO:
    return cast(BinaryIO, FileView(descriptor))


def _bytes(pixels: npt.NDArray[np.uint8]) -> memoryview:
    return np.ascontiguousarray(pixels).data.cast("B")


rehearse()
rehearse_network()

TASKS: Final[Mapping[str, Task]] = {
    "inspect": inspect,
    "masks": masks,
    "one_frame": one_frame,
    "pictures": pictures,
    "results": results,
    "suggestion": suggestion,
}
