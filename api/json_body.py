"""A small JSON body, of which no byte is read before its sender is known."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from api.bodies import allow_body
from api.errors import bad_request, sentence, too_large, unprocessable
from api.multipart import INCOMPLETE
from api.security import Authenticated

Model = TypeVar("Model", bound=BaseModel)

# A file's name and two numbers.
MOST_BYTES = 16 * 1024


async def read(request: Request, most_bytes: int) -> bytes:
    """The whole body; ApiError where it is longer, or ends too early."""
    allow_body(request, most_bytes)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body.extend(chunk)
    except ClientDisconnect as error:
        raise bad_request("body_incomplete", INCOMPLETE) from error
    if len(body) > most_bytes:
        raise too_large("body_too_large", f"The body may have at most {most_bytes // 1024} KiB.")
    return bytes(body)


def is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").split(";")[0].strip().lower() == "application/json"


def sent(model: type[Model]) -> Callable[..., Awaitable[Model]]:
    """A dependency: what the caller sent, nothing being an empty object. FastAPI's own would be read before the key is
    looked at.
    """

    async def dependency(request: Request, caller: Authenticated) -> Model:  # noqa: ARG001 — is known first
        return await parsed(request, model)

    return dependency


async def parsed(request: Request, model: type[Model]) -> Model:
    """What the request's body says."""
    body = await read(request, MOST_BYTES)
    if body and not is_json(request):
        raise unprocessable("request_invalid", "Send JSON, with `Content-Type: application/json`.")
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        found = sentence(list(error.errors(include_url=False)))
        raise unprocessable("request_invalid", f"The body cannot be used: {found}.") from error


def documented(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """The body for OpenAPI, which does not see it in a dependency; `api.openapi` adds the model's schema."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}
