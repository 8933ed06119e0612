"""An object of the store as an answer, with Range (RFC 9110, 14), a chunk at a time."""

import re
from http import HTTPStatus
from typing import Final

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from api import caching
from storage.objects import Objects
from storage.results import Result

# What is held of each answer that is under way.
CHUNK_BYTES: Final = 256 * 1024

_RANGE: Final = re.compile(r"bytes=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*")


class _UnsatisfiableError(Exception):
    """No byte of the file is in the range."""


def stored(objects: Objects, result: Result, request: Request) -> Response:
    """The result, or the part of it that is asked for. Raises ObjectMissingError before anything is answered."""
    headers = headers_of(result)
    tag = headers["ETag"]
    if caching.is_known(request, tag):
        return caching.unchanged(headers)
    try:
        part = _part(request, tag, result.bytes)
    except _UnsatisfiableError:
        refused = {"Content-Range": f"bytes */{result.bytes}"}
        return PlainTextResponse("", HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, refused)
    begin, end = part or (0, result.bytes)
    headers["Content-Length"] = str(end - begin)
    if part:
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{result.bytes}"
    status = HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK
    if request.method == "HEAD" or begin == end:
        return Response(status_code=status, headers=headers)
    chunks = objects.chunks(result.object_key, begin, end, CHUNK_BYTES)
    return StreamingResponse(chunks, status_code=status, headers=headers)


def headers_of(result: Result) -> dict[str, str]:
    """What is said of a result wherever it lies. A job's results never change."""
    return {
        "ETag": f'"{result.sha256}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": f'inline; filename="{result.name}"',
        "Content-Type": result.media_type,
        "X-Content-Type-Options": "nosniff",
    }


def _part(request: Request, tag: str, size: int) -> tuple[int, int] | None:
    """The bytes that are asked for, from and up to; None: all. Several ranges at once are answered with all."""
    asked = _RANGE.fullmatch(request.headers.get("range", "").lower())
    if not asked or not any(asked.groups()) or request.headers.get("if-range", tag) != tag:
        return None
    first, last = asked.groups()
    if not first:  # so many from the end
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
    if first and last and int(last) < int(first):
        return None  # not a range, and to be ignored
    if begin >= size or begin >= end:
        raise _UnsatisfiableError
    return begin, end
