"""Who is calling: the owner that an API key stands for."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from api import session_cookie
from api.dependencies import Given, Services
from api.errors import ApiError
from api.exposure import SAFE_METHODS, check_keyless, check_same_origin
from api.keyring import Caller
from api.limits import FAILURES_PER_MINUTE, Rate, neighbourhood, rate_limited
from storage.owners import LOCAL

__all__ = ["Authenticated", "Caller", "authenticated", "caller_of", "nobody", "presented_key"]

MISSING = "This service needs an API key: send it as `Authorization: Bearer rm_…`. Its operator makes them."
INVALID = "The API key is unknown or was revoked. Ask the service's operator for another."

BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="`Authorization: Bearer rm_…`. A service that only its own machine can reach needs no key.",
)
HEADER = APIKeyHeader(
    name="X-API-Key", auto_error=False, scheme_name="header", description="The same key, in another header."
)


async def presented_key(
    request: Request,
    given: Given,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
    header: Annotated[str | None, Security(HEADER)],
) -> str | None:
    """The text of the key that came with the request: in a header, or in the cookie of a page, whose `<video src>`
    can set none.
    """
    if bearer or header:
        return bearer.credentials if bearer else header
    # an open service has no use for what an earlier one may have left in the browser
    kept = session_cookie.read(request, given.settings) if given.settings.keys_required else None
    if kept and request.method not in SAFE_METHODS:
        check_same_origin(request, given.settings, must_be_told=True)
    return kept


async def authenticated(
    request: Request, given: Given, text: Annotated[str | None, Depends(presented_key)]
) -> Caller:
    """The caller; ApiError for one that is nobody, or that asks too often."""
    if text is None and not given.settings.keys_required:
        check_keyless(request, given.settings)
        request.state.owner = LOCAL
        return Caller(LOCAL)
    caller = await caller_of(given, text) if text else None
    if caller is None:
        raise await nobody(request, given, text)
    request.state.owner = caller.owner
    if given.settings.requests_per_minute:
        rate = await _count(given, f"key:{caller.key_id}", given.settings.requests_per_minute)
        request.state.rate = rate
        if not rate.passes:
            raise rate_limited(rate)
    request.state.owner = caller.owner
    return caller


Authenticated = Annotated[Caller, Depends(authenticated)]


async def caller_of(given: Services, text: str) -> Caller | None:
    """The caller that a key stands for, if it is one and not revoked."""
    return given.keyring.remembered(text) or await run_in_threadpool(given.keyring.look_up, text)


async def _count(given: Services, who: str, most: int) -> Rate:
    if given.rates.is_shared:
        return await run_in_threadpool(given.rates.count, who, most)
    return given.rates.count(who, most)


async def nobody(request: Request, given: Services, text: str | None) -> ApiError:
    """The refusal. Guessing a key is hopeless; counting the guesses keeps those who try from filling the log."""
    address = neighbourhood(request.client.host if request.client else "")
    rate = await _count(given, f"nobody:{address}", FAILURES_PER_MINUTE)
    if not rate.passes:
        return rate_limited(rate)
    code, detail, challenge = "api_key_missing", MISSING, "Bearer"
    if text:
        code, detail, challenge = "api_key_invalid", INVALID, 'Bearer error="invalid_token"'
    return ApiError(HTTPStatus.UNAUTHORIZED, code, detail, {"WWW-Authenticate": challenge})
