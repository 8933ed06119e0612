"""The box tool: `POST /v1/masks/suggest` has a confined child find the object in a box."""

import math
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from api.bodies import allow_body
from api.children import Wording, answered
from api.dependencies import Given, Services
from api.errors import bad_request, too_large, unprocessable
from api.inspection import EVERYBODY
from api.multipart import INCOMPLETE, Multipart, plain_name
from api.openapi import FILE, PROBLEMS
from api.security import Authenticated
from api.waiting import to_its_end
from worker.channel import ChannelMisusedError
from worker.child import Child
from worker.confinement import Limits

router = APIRouter(prefix="/v1/masks", tags=["masks"])

MOST_IMAGE_BYTES: Final = 8 * 1024**2
MOST_STROKES_BYTES: Final = 2 * 1024**2
MOST_BOX_BYTES: Final = 200
# what stands around the parts of a form
_FORM_BYTES: Final = 16 * 1024

# Nobody waits for longer with a pen in the hand; it takes half a second on one core.
TIMEOUT_SECONDS: Final = 20.0

# Pictures of 2048 x 2048 in a few forms, and 1 GB that the libraries map.
MEMORY_BYTES: Final = 2 * 1024**3

# One bit a pixel would be 0.5 MB: a PNG of noise is no mask of ours.
MOST_MASK_BYTES: Final = 8 * 1024**2
_PNG: Final = b"\x89PNG\r\n\x1a\n"

_NUMBER: Final = r"\s*(-?\d{1,6}(?:\.\d{0,6})?)\s*"
BOX: Final = re.compile(",".join([_NUMBER] * 4))

WORDING: Final = Wording(
    code="image_unreadable",
    doing="Looking at the picture",
    what="The picture",
    way_out="Save it as a plain PNG, and send that.",
    away="The service cannot look at pictures just now. Try again in some seconds, or draw by hand.",
)

FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image", "box"],
                    "properties": {
                        "image": FILE
                        | {
                            "description": "The frame, or the part of it around the object: PNG, JPEG or WebP, at "
                            "most 8 MiB, 4,194,304 pixels and 8,192 a side."
                        },
                        "box": {
                            "type": "string",
                            "description": "`x0,y0,x1,y1` in pixels of the picture, the last two exclusive.",
                            "pattern": f"^{BOX.pattern}$",
                            "examples": ["120,40,360,300"],
                        },
                        "strokes": FILE
                        | {
                            "description": "Corrections, if there are any: a grey PNG of the picture's size; 255 on "
                            "the object, 128 on the background, 0 elsewhere."
                        },
                    },
                },
                "encoding": {"box": {"contentType": "text/plain"}},
            }
        },
    }
}

_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The mask, of the picture's size: grey, 0 or 255.",
        "content": {"image/png": {"schema": {"type": "string", "contentMediaType": "image/png"}}},
    }
}


@dataclass(frozen=True)
class Asked:
    """What came: files as they were sent, and the box's corners."""

    image: bytes
    box: tuple[float, ...]
    strokes: bytes


@router.post(
    "/suggest",
    response_class=Response,
    openapi_extra=FORM,
    responses=_ANSWER | {status: PROBLEMS[status] for status in (400, 413, 422)},
)
async def suggest_mask(request: Request, given: Given, caller: Authenticated) -> Response:
    """The mask of the object in a box, to begin drawing with.

    Nothing of it is stored. Send strokes over what is wrong, and ask again.
    """
    async with given.uploads.hold(caller.owner):
        asked = await _received(request)
    async with given.owner_suggestions.hold(caller.owner), given.suggestions.hold(EVERYBODY):
        mask = await to_its_end(partial(answered, partial(_ask, given, asked), WORDING))
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(mask, media_type="image/png", headers=headers)


async def _received(request: Request) -> Asked:
    allow_body(request, MOST_IMAGE_BYTES + MOST_STROKES_BYTES + MOST_BOX_BYTES + _FORM_BYTES)
    content_type = request.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data"):
        detail = "Send a multipart/form-data body with the fields `image`, `box` and, if wanted, `strokes`."
        raise bad_request("content_type_wrong", detail)
    form = Multipart(aiter(request.stream()), content_type)
    most = {"image": MOST_IMAGE_BYTES, "box": MOST_BOX_BYTES, "strokes": MOST_STROKES_BYTES}
    parts: dict[str, bytes] = {}
    try:
        async for part in form:
            if part.name not in most:
                known = "`image`, `box` and `strokes`"
                name = plain_name(part.name)[:40]
                raise unprocessable("field_unknown", f"There is no form field `{name}`; there are {known}.")
            if part.name in parts:
                raise unprocessable(
                    "field_repeated", f"The form field `{part.name}` came twice. Send it once."
                )
            parts[part.name] = await _whole(part.name, form.chunks(), most[part.name])
    except ClientDisconnect as error:
        raise bad_request("body_incomplete", INCOMPLETE) from error
    if "image" not in parts:
        raise unprocessable("image_missing", "Send the picture in the form field `image`.")
    return Asked(parts["image"], _corners(parts.get("box")), parts.get("strokes", b""))


async def _whole(name: str, chunks: AsyncIterator[bytes], most: int) -> bytes:
    data = bytearray()
    async for chunk in chunks:
        data.extend(chunk)
        if len(data) > most:
            raise too_large(f"{name}_too_large", f"`{name}` may have at most {most:,} bytes.")
    return bytes(data)


def _corners(text: bytes | None) -> tuple[float, ...]:
    if text is None:
        raise unprocessable("box_missing", "Send the box in the form field `box`: x0,y0,x1,y1 in pixels.")
    found = BOX.fullmatch(text.decode("latin-1"))
    if found is None:
        raise unprocessable(
            "box_invalid", "`box` must be four numbers: x0,y0,x1,y1, in pixels of the picture."
        )
    return tuple(map(float, found.groups()))


def _ask(given: Services, asked: Asked) -> bytes:
    """The mask that the child sends, a PNG."""
    about = {"image_bytes": len(asked.image), "box": asked.box}
    limits = Limits(MEMORY_BYTES, cpu_seconds=math.ceil(TIMEOUT_SECONDS))
    deadline = time.monotonic() + TIMEOUT_SECONDS
    data = asked.image + asked.strokes
    with given.nursery.child("suggestion", about, limits, data=data, deadline=deadline) as child:
        return _heard(child)


def _heard(child: Child) -> bytes:
    said, mask = child.hear(MOST_MASK_BYTES)
    if said != {"mask": True} or not mask.startswith(_PNG):
        raise ChannelMisusedError(f"not what a child says: {str(said)[:100]}")
    child.hear()  # that it has ended well
    return bytes(mask)
