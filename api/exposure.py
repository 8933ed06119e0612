"""Whether the service may be open: without API keys it answers this machine alone, and no web page of strangers."""

from urllib.parse import urlsplit

import structlog
from fastapi import Request

from api.errors import forbidden
from api.settings import ApiSettings
from storage import api_keys
from storage.database import Database
from storage.errors import DatabaseUnavailableError
from worker import addresses

log = structlog.get_logger(__name__)

MAKE_A_KEY = "`python -m api.admin keys create OWNER`"

# What proxies add. A machine's own user comes through none.
PROXY_HEADERS = ("x-forwarded-for", "x-forwarded-host", "forwarded", "x-real-ip", "via")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def objection(settings: ApiSettings, database: Database) -> str | None:
    """Why the service must not start as it is set up, in a sentence that says what to do; None if it may."""
    address = "ROTOMILL_EXPOSED_ON" if settings.exposed_on else "ROTOMILL_HOST"
    if not settings.keys_required:
        if addresses.is_loopback(settings.reached_on):
            return None
        return (
            f"without API keys the service answers this machine alone, but it is reached on {settings.reached_on}. "
            f"Remove ROTOMILL_API_KEYS_REQUIRED and make a key with {MAKE_A_KEY}, or set {address}=127.0.0.1."
        )
    try:
        if api_keys.any_valid(database):
            return None
    except DatabaseUnavailableError:
        # nobody gets in meanwhile: without a database every key is unknown
        log.warning("cannot tell whether there are API keys; the database does not answer")
        return None
    where = settings.public_url if addresses.is_loopback(settings.reached_on) else settings.reached_on
    return (
        f"callers need API keys, since the service is reached on {where}, and there are none. "
        f"Make one with {MAKE_A_KEY} and start again, or set {address}=127.0.0.1 to keep it on this machine."
    )


def check_keyless(request: Request, settings: ApiSettings) -> None:
    """Refuse a request without a key that only seems to come from this machine's user.

    A page of strangers in the user's browser can send forms to a loopback address, and one whose own name is
    made to resolve to 127.0.0.1 (DNS rebinding) could even read the answers.
    """
    if not settings.exposed_on and not _came_in_locally(request):
        raise forbidden(
            "exposed_without_keys",
            "This service answers only its own machine without API keys. Its operator must set ROTOMILL_HOST to "
            "the address it listens on, and make keys.",
        )
    # who has said that no keys are wanted may have a proxy that knows its callers
    if settings.api_keys_required is None and any(name in request.headers for name in PROXY_HEADERS):
        raise forbidden(
            "exposed_without_keys",
            f"A proxy stands before this service, which has no API keys. Its operator must make one with {MAKE_A_KEY} "
            "and set ROTOMILL_PUBLIC_URL first.",
        )
    host = request.headers.get("host", "")
    if not _is_ours(host, settings):
        raise forbidden(
            "host_not_allowed",
            "Call this service as localhost or by its address. Its operator can allow more names with "
            "ROTOMILL_ALLOWED_HOSTS.",
        )
    if request.method not in SAFE_METHODS and _is_cross_site(request, host, settings):
        raise forbidden(
            "cross_site_refused",
            "Web pages of other sites may not call a service that needs no API key. Call it from a program.",
        )


def check_same_origin(request: Request, settings: ApiSettings, *, must_be_told: bool) -> None:
    """Refuse what a browser sends for another origin's page: a cookie comes along wherever the page may be from.

    `must_be_told`: also what does not say whence it comes. Browsers do say it.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    told = site is not None or origin is not None
    is_same = site in {None, "same-origin"} and (origin is None or _is_own_origin(origin, request, settings))
    if is_same if told else not must_be_told:
        return
    raise forbidden(
        "cross_site_refused",
        "Only this service's own page may do that with a cookie. Programs send the key in a header; behind a proxy, "
        "the operator must set ROTOMILL_PUBLIC_URL or keep the Host.",
    )


def _is_own_origin(origin: str, request: Request, settings: ApiSettings) -> bool:
    scheme, _, name = origin.lower().partition("://")
    public = urlsplit(settings.public_url.lower())
    if not name:
        return False
    if name == public.netloc:
        return scheme == public.scheme
    # which scheme a proxy has is not known here
    return name == request.headers.get("host", "").lower()


def _came_in_locally(request: Request) -> bool:
    """Whether the connection was made to a loopback address, or through a Unix socket."""
    server = request.scope.get("server")
    return not server or server[1] is None or addresses.is_loopback(server[0])


def _is_ours(host: str, settings: ApiSettings) -> bool:
    """Whether a Host header names us. An address always does: rebinding needs a name."""
    name = (_hostname(f"//{host}") or "").rstrip(".")
    allowed = {part.strip().lower() for part in settings.allowed_hosts.split(",") if part.strip()}
    return (
        addresses.is_loopback(name)
        or addresses.literal(name) is not None
        or name.endswith(".localhost")
        or name in allowed
        or (bool(name) and name == _hostname(settings.public_url))
    )


def _is_cross_site(request: Request, host: str, settings: ApiSettings) -> bool:
    """Whether a browser says that another site's page sends this."""
    if request.headers.get("sec-fetch-site") == "cross-site":
        return True
    origin = request.headers.get("origin")
    if origin is None:
        return False
    ours = {host.lower(), urlsplit(settings.public_url).netloc.lower()} - {""}
    return origin == "null" or origin.partition("://")[2].lower() not in ours


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
