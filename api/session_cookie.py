"""The cookie in which a browser keeps its API key. No script reads it, and no other site's page sends it."""

from urllib.parse import urlsplit

from fastapi import Request, Response

from api.settings import ApiSettings

NAME = "rotomill_session"

# A browser takes this name only over https, for this very host and all of its paths.
SECURE_NAME = f"__Host-{NAME}"

# Who comes back within a month need not look for the key again. A revoked key ends it at once.
KEPT_SECONDS = 30 * 24 * 3600


def read(request: Request, settings: ApiSettings) -> str | None:
    """The key that the browser keeps for us."""
    return request.cookies.get(_name(request, settings)) or None


def give(response: Response, request: Request, settings: ApiSettings, key: str) -> None:
    response.set_cookie(
        _name(request, settings),
        key,
        max_age=KEPT_SECONDS,
        secure=_is_secure(request, settings),
        httponly=True,
        samesite="strict",
    )


def take_back(response: Response, request: Request, settings: ApiSettings) -> None:
    response.delete_cookie(
        _name(request, settings), secure=_is_secure(request, settings), httponly=True, samesite="strict"
    )


def _name(request: Request, settings: ApiSettings) -> str:
    return SECURE_NAME if _is_secure(request, settings) else NAME


def _is_secure(request: Request, settings: ApiSettings) -> bool:
    """Whether callers come over https: to us, or to the proxy before us."""
    return "https" in {request.url.scheme, urlsplit(settings.public_url).scheme}
