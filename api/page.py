"""The web page: `/`, what it is made of under `/static`, and `/docs`. Anybody may see it; its calls want a key."""

from pathlib import Path

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from api.dependencies import Given
from api.exposure import check_keyless
from api.static_files import StaticFiles

STATIC = Path(__file__).resolve().parent / "static"

# Nothing but our own files: no other host, no code or style in the HTML itself, no frame around it.
POLICY = {
    "default-src": "'self'",
    "img-src": "'self' blob: data:",
    "media-src": "'self' blob: data:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

HEADERS = {
    "Content-Security-Policy": "; ".join(f"{what} {whence}" for what, whence in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # ids of jobs are nobody else's; `no-referrer` would take the Origin from our own calls too
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def allowed(request: Request, given: Given) -> None:
    """An open service shows its page to those whose calls it answers."""
    if not given.settings.keys_required:
        check_keyless(request, given.settings)


router = APIRouter(include_in_schema=False, dependencies=[Depends(allowed)])

_files = StaticFiles(STATIC)


@router.api_route("/", methods=["GET", "HEAD"])
def show_page(request: Request) -> Response:
    return _files.answer(request, "index.html", HEADERS)


@router.api_route("/docs", methods=["GET", "HEAD"])
def show_docs(request: Request) -> Response:
    """The calls, with forms to try them."""
    return _files.answer(request, "docs.html", HEADERS)


@router.api_route("/static/{name:path}", methods=["GET", "HEAD"])
def show_file(name: str, request: Request) -> Response:
    return _files.answer(request, name, HEADERS)
