"""What a caller may keep of an answer, and when it need not be sent again (RFC 9110, 8.8 and 13.1)."""

from http import HTTPStatus

from fastapi import Request, Response


def is_known(request: Request, tag: str) -> bool:
    """Whether the caller has the answer of this entity tag already: If-None-Match names it, or any."""
    header = request.headers.get("if-none-match", "")
    named = {part.strip().removeprefix("W/") for part in header.split(",")}
    return tag in named or "*" in named


def unchanged(headers: dict[str, str]) -> Response:
    """304, with the headers that the whole answer would have."""
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
