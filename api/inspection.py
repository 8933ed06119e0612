"""Has an upload looked at by a confined process, so that no stranger's media is decoded in this one."""

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from api.children import Wording, answered
from api.dependencies import Services
from api.small_files import SmallFiles
from api.sources import Sources
from api.waiting import to_its_end, while_waiting
from storage.jobs import StoredFile
from worker.channel import ChannelMisusedError
from worker.confinement import Limits

# All callers share the slots.
EVERYBODY = ""

# The decoder holds up to 17 frames of the largest clip (8192 x 8192 in 4:2:0: 100 MB each), and a mask's
# colours take 20 bytes a pixel; the libraries themselves map about 1 GB.
MEMORY_BYTES = 4 * 1024**3

EXPORT_AGAIN = "Export the clip again as a plain H.264 MP4, and retry."

WORDING = Wording(
    code="clip_unreadable",
    doing="Looking at the upload",
    what="The upload",
    way_out=EXPORT_AGAIN,
    away="The service cannot look at uploads just now; nothing was kept. Try again in some seconds.",
)


@dataclass(frozen=True)
class Inspected:
    """What the child found: facts of the clip, and how many objects the masks show."""

    clip: dict[str, Any]
    objects: int


@dataclass(frozen=True)
class Upload:
    """What is to be looked at: a clip, unless it is known already, and masks."""

    video: tuple[StoredFile, ...]
    masks: tuple[StoredFile, ...]
    known_clip: dict[str, Any] | None


async def inspect(
    given: Services,
    owner: str,
    video: StoredFile,
    masks: tuple[StoredFile, ...],
    small: SmallFiles,
    on_wait: Callable[[], Awaitable[None]],
    *,
    known_clip: dict[str, Any] | None = None,
) -> Inspected:
    """Facts of a good upload; ApiError with the child's own code and sentence for a bad one.

    A clip of which all is known already is not looked at again. `on_wait` is called every few seconds until its turn
    has come and it has been looked at.
    """
    upload = Upload(() if known_clip else (video,), masks, known_clip)
    look = partial(answered, partial(_look, given, upload, small), WORDING)
    return await while_waiting(_in_turn(given, owner, look), on_wait)


async def _in_turn(given: Services, owner: str, look: Callable[[], Inspected]) -> Inspected:
    # an owner's next one goes behind those of others that wait
    async with given.owner_inspections.hold(owner), given.inspections.hold(EVERYBODY):
        return await to_its_end(look)


def _look(given: Services, upload: Upload, small: SmallFiles) -> Inspected:
    with ExitStack() as stack:
        keys = [stored.key for stored in (*upload.video, *upload.masks)]
        sources = [stack.enter_context(closing(small.take(key) or given.objects.open(key))) for key in keys]
        return _ask(given, sources, upload)


def _ask(given: Services, sources: Sequence[BinaryIO], upload: Upload) -> Inspected:
    """What the child says of a clip, the first source unless it is known, and of the masks, the others.

    It has neither network nor credentials: it gets open files, or what it asks us to read.
    """
    settings = given.settings
    files = Sources(sources)
    about = {
        "sources": files.described(),
        "video": 0,
        "clip": upload.known_clip,
        "masks": {
            str(mask.frame or 0): number for number, mask in enumerate(upload.masks, len(upload.video))
        },
        "corrections": [mask.frame or 0 for mask in upload.masks if mask.corrects],
        "limits": settings.clip_limits,
    }
    seconds = settings.inspection_timeout_seconds
    limits = Limits(MEMORY_BYTES, cpu_seconds=math.ceil(seconds))
    deadline = time.monotonic() + seconds
    with given.nursery.child("inspect", about, limits, files=files.files, deadline=deadline) as child:
        while True:
            said, _ = child.hear()
            match said:
                case {"done": {"clip": dict(clip), "objects": int(objects)}}:
                    return Inspected(clip, objects)
                case {"read": [int(source), int(offset), int(size)]}:
                    child.tell({}, files.read(source, offset, size))
                case _:
                    raise ChannelMisusedError(f"not what a child says: {str(said)[:100]}")
