"""Signing in: what shows pictures and videos of a service with keys, and cannot set headers on them, keeps a cookie."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from api import json_body, session_cookie
from api.dependencies import Given
from api.exposure import check_keyless, check_same_origin
from api.security import caller_of, nobody, presented_key
from api.session_schemas import SessionIn, SessionOut

router = APIRouter(prefix="/v1/session", tags=["session"])

Presented = Annotated[str | None, Depends(presented_key)]


async def _asked(request: Request) -> SessionIn:
    return await json_body.parsed(request, SessionIn)


@router.post(
    "",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    openapi_extra=json_body.documented(SessionIn),
    responses={204: {"headers": {"Set-Cookie": {"schema": {"type": "string"}}}}},
)
async def sign_in(request: Request, given: Given, body: Annotated[SessionIn, Depends(_asked)]) -> Response:
    """Keep an API key in a cookie, as pages of this service do. It is sent by pages of the same origin alone.

    It stays for a month, until `DELETE /v1/session`, or until the key is revoked. A key in a header goes before it.
    """
    check_same_origin(request, given.settings, must_be_told=False)
    key = body.key.strip()
    if await caller_of(given, key) is None:
        raise await nobody(request, given, key)
    response = Response(status_code=HTTPStatus.NO_CONTENT, headers={"Cache-Control": "no-store"})
    session_cookie.give(response, request, given.settings, key)
    return response


@router.get("", response_model=SessionOut)
async def show_session(request: Request, response: Response, given: Given, key: Presented) -> dict[str, Any]:
    """Whether a key is needed, and whose key came with this request. Needs none itself."""
    response.headers["Cache-Control"] = "no-store"
    if key is None and not given.settings.keys_required:
        check_keyless(request, given.settings)
    caller = await caller_of(given, key) if key else None
    if key and caller is None:
        refused = await nobody(request, given, key)
        if refused.status is HTTPStatus.TOO_MANY_REQUESTS:
            raise refused
    return {
        "keys_required": given.settings.keys_required,
        "signed_in": caller is not None,
        "owner": caller.owner if caller else None,
    }


@router.delete("", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def sign_out(request: Request, given: Given) -> Response:
    """Forget the key in the cookie. The key itself stays as it is."""
    check_same_origin(request, given.settings, must_be_told=False)
    response = Response(status_code=HTTPStatus.NO_CONTENT, headers={"Cache-Control": "no-store"})
    session_cookie.take_back(response, request, given.settings)
    return response
