"""Passes a body on to a signed address as it arrives: no more than a few chunks of it are here at a time."""

from collections.abc import AsyncIterator
from functools import cache
from http import HTTPStatus
from ssl import SSLContext

import httpx

from storage.errors import MultipartMissingError, ObjectsUnavailableError

CONNECT_TIMEOUT_SECONDS = 3.0

# A store may look at the whole part before it answers; in between it takes what it is given.
READ_TIMEOUT_SECONDS = 120.0
WRITE_TIMEOUT_SECONDS = 60.0

TIMEOUT = httpx.Timeout(READ_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS, write=WRITE_TIMEOUT_SECONDS)


async def put(address: str, size: int, body: AsyncIterator[bytes]) -> None:
    """PUT a body of so many bytes. What `body` raises comes through, and then the store keeps nothing.

    Raises ObjectsUnavailableError where the store does not take it, MultipartMissingError where it has no such upload.
    """
    headers = {"Content-Length": str(size)}
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, verify=_trusted()) as client:
            answer = await client.put(address, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise ObjectsUnavailableError(f"{type(error).__name__}: {error}") from error
    if answer.is_success:
        return
    if answer.status_code == HTTPStatus.NOT_FOUND and "NoSuchUpload" in answer.text:
        raise MultipartMissingError(address.partition("?")[0])
    raise ObjectsUnavailableError(f"the store answered {answer.status_code}: {answer.text[:200]}")


@cache
def _trusted() -> SSLContext:
    """Made once: it reads all certificates of the machine."""
    return httpx.create_ssl_context()
