"""Has one frame of a stored clip decoded by a confined process."""

import math
import time
from contextlib import closing
from functools import partial
from typing import BinaryIO, Final

from api.children import Wording, answered
from api.dependencies import Services
from api.inspection import EXPORT_AGAIN, MEMORY_BYTES
from api.sources import Sources
from worker.channel import ChannelMisusedError
from worker.child import Child
from worker.confinement import Limits

# Not even the largest frame there may be is larger as a JPEG, or a longer clip's table.
_MOST_SAID_BYTES: Final = 64 * 1024**2


def jpeg_of(given: Services, key: str, number: int, width: int | None) -> bytes | None:
    """Frame `number` of the clip that is stored under this key, upright; None where the clip has fewer.

    Raises ApiError where the clip is at fault, and ObjectMissingError.
    """
    wording = Wording(
        code="clip_unreadable",
        doing=f"Decoding frame {number}",
        what="The clip",
        way_out=EXPORT_AGAIN,
        away="The service cannot decode frames just now. Try again in some seconds.",
    )
    return answered(partial(_look, given, key, number, width), wording)


def _look(given: Services, key: str, number: int, width: int | None) -> bytes | None:
    with closing(given.objects.open(key)) as source:
        return _ask(given, source, key, number, width)


def _ask(given: Services, source: BinaryIO, key: str, number: int, width: int | None) -> bytes | None:
    settings, files = given.settings, Sources([source])
    about = {
        "source": files.described()[0],
        "number": number,
        "width": width,
        "limits": settings.clip_limits,
    }
    seconds = settings.inspection_timeout_seconds
    with given.nursery.child(
        "one_frame",
        about,
        Limits(MEMORY_BYTES, cpu_seconds=math.ceil(seconds)),
        data=given.tables.get(key),
        files=files.files,
        deadline=time.monotonic() + seconds,
    ) as child:
        return _heard(given, child, files, key)


def _heard(given: Services, child: Child, files: Sources, key: str) -> bytes | None:
    picture = None
    while True:
        said, data = child.hear(_MOST_SAID_BYTES)
        match said:
            case {"read": [int(source), int(offset), int(size)]}:
                child.tell({}, files.read(source, offset, size))
            case {"table": int()}:
                given.tables.put(key, bytes(data))
            case {"picture": int()}:
                picture = bytes(data)
            case {"done": {"found": bool(found)}} if found == (picture is not None):
                return picture
            case _:
                raise ChannelMisusedError(f"not what a child says: {str(said)[:100]}")
