"""Looks at an upload in a process of its own: `python -m worker.inspection` for one request on stdin.

Strangers' media meet FFmpeg and Pillow here first, under limits on memory and processor time. The request is
`{"store": address or null, "video": key, "masks": {"0": key}, "limits": {"pixels", "frames", "seconds"},
"cpu_seconds": 60}`, where keys are paths if there is no store. The answer on stdout is
`{"ok": {"clip": facts, "objects": K}}` or `{"error": {"code", "detail"}}`. Anything else, a crash included,
is a failure of ours and ends the process with a traceback.
"""

import json
import resource
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import cv2

from storage.objects import Objects
from worker.errors import InputError
from worker.masks import read_masks
from worker.masks.labels import field
from worker.media import ClipFacts, ClipLimits, inspect

OpenSource = Callable[[str], BinaryIO]

# The decoder holds up to 17 frames of the largest clip (8192 x 8192 in 4:2:0: 100 MB each), and a mask's
# colours take 20 bytes a pixel; the libraries themselves map about 1 GB.
MEMORY_BYTES = 4 * 1024**3

# Demuxing reads the whole clip: about a second a gigabyte. What takes a minute is made to take long.
CPU_SECONDS = 60

# An uncompressed picture of the largest size there may be is larger; nobody draws masks like that.
MAX_MASK_BYTES = 32 * 1024 * 1024


def inspect_upload(
    open_source: OpenSource, video: str, masks: Mapping[int, str], limits: ClipLimits
) -> tuple[ClipFacts, int]:
    """What the clip is and how many objects its masks (frame number to key) show.

    Raises InputError as `media.inspect` and `read_masks` do, `mask_frame_out_of_range` where the clip has
    no such frame, and whatever `open_source` raises.
    """
    with closing(open_source(video)) as source:
        facts = inspect(source, limits)
    for frame in masks:
        if not 0 <= frame < facts.frames:
            raise InputError(
                "mask_frame_out_of_range",
                f"{field(frame)} is for frame {frame}, but the clip's frames are 0 to {facts.frames - 1}.",
            )
    pictures = {frame: _mask_bytes(open_source, key, field(frame)) for frame, key in masks.items()}
    _, objects = read_masks(pictures, (facts.width, facts.height))
    return facts, objects


def _mask_bytes(open_source: OpenSource, key: str, name: str) -> bytes:
    with closing(open_source(key)) as source:
        data = bytes(source.read(MAX_MASK_BYTES + 1))
    if len(data) > MAX_MASK_BYTES:
        raise InputError(
            "mask_too_large",
            f"{name} is larger than {MAX_MASK_BYTES // 1024**2} MiB. Save it as a compressed PNG.",
        )
    return data


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one request, as it goes to stdout."""
    open_source = open_path if request.get("store") is None else Objects(request["store"]).open
    masks = {int(frame): key for frame, key in request["masks"].items()}
    try:
        facts, objects = inspect_upload(open_source, request["video"], masks, ClipLimits(**request["limits"]))
    except InputError as error:
        return {"error": {"code": error.code, "detail": error.detail}}
    return {"ok": {"clip": asdict(facts), "objects": objects}}


def open_path(path: str) -> BinaryIO:
    return Path(path).open("rb")


def confine(cpu_seconds: int) -> None:
    """Bound what this process may take; it ends with a signal or a MemoryError beyond that."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    request = json.load(sys.stdin)
    confine(int(request.get("cpu_seconds", CPU_SECONDS)))
    cv2.setNumThreads(1)  # each thread of a pool maps memory of its own
    json.dump(answer(request), sys.stdout)


if __name__ == "__main__":
    main()
