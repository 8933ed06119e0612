"""Looking at an upload: is it a clip, within the limits, and are its masks masks. Runs in a confined child."""

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from typing import BinaryIO

from worker.errors import InputError
from worker.masks import read_masks
from worker.masks.labels import field
from worker.media import ClipFacts, ClipLimits, inspect

# Telling the colours of a 4K mask apart takes two seconds of a busy core: these are a hundred of 1080p, or 32 of 4K.
MOST_MASK_PIXELS = 256 * 1024**2

OpenSource = Callable[[str], BinaryIO]

# An uncompressed picture of the largest size there may be is larger; nobody draws masks like that.
MAX_MASK_BYTES = 32 * 1024 * 1024


def inspect_upload(
    open_source: OpenSource,
    video: str,
    masks: Mapping[int, str],
    limits: ClipLimits,
    *,
    known: ClipFacts | None = None,
    corrections: Collection[int] = (),
) -> tuple[ClipFacts, int]:
    """What the clip is and how many objects its masks (frame number to key) show: 0 where none are given.

    A clip that is `known` already is not looked at again; `corrections` are as `read_masks` takes them.

    Raises InputError as `media.inspect` and `read_masks` do, `mask_frame_out_of_range` where the clip has
    no such frame, `too_many_masks` where they are too large to be so many, and whatever `open_source` raises.
    """
    facts = known or _facts(open_source, video, limits)
    most = max(1, MOST_MASK_PIXELS // (facts.width * facts.height))
    if len(masks) > most:
        detail = (
            f"A job of a clip of {facts.width}x{facts.height} takes at most {most} masks; leave some out."
        )
        raise InputError("too_many_masks", detail)
    for frame in masks:
        if not 0 <= frame < facts.frames:
            raise InputError(
                "mask_frame_out_of_range",
                f"{field(frame)} is for frame {frame}, but the clip's frames are 0 to {facts.frames - 1}.",
            )
    if not masks:
        return facts, 0
    pictures = {frame: _mask_bytes(open_source, key, field(frame)) for frame, key in masks.items()}
    _, objects = read_masks(pictures, (facts.width, facts.height), corrections)
    return facts, objects


def _facts(open_source: OpenSource, video: str, limits: ClipLimits) -> ClipFacts:
    with closing(open_source(video)) as source:
        return inspect(source, limits)


def _mask_bytes(open_source: OpenSource, key: str, name: str) -> bytes:
    with closing(open_source(key)) as source:
        data = bytes(source.read(MAX_MASK_BYTES + 1))
    if len(data) > MAX_MASK_BYTES:
        raise InputError(
            "mask_too_large",
            f"{name} is larger than {MAX_MASK_BYTES // 1024**2} MiB. Save it as a compressed PNG.",
        )
    return data
