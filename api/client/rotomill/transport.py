"""One HTTP request and its answer; the only place that knows httpx's errors and problem+json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

import httpx

from rotomill.errors import ApiError, ConnectionFailed, api_error

# A quarter of a proxy's usual minute, and refused connections show much sooner.
_CONNECT_SECONDS = 10.0

_CREDENTIALS = ("authorization", "x-api-key", "cookie")


def connect(base_url: str, timeout_seconds: float, api_key: str | None = None) -> httpx.Client:
    """Return an HTTP client for a service; a service on this machine is never asked through a proxy."""
    url = httpx.URL(base_url)
    return httpx.Client(
        base_url=url,
        # httpx leaves it out where a redirect leads to another server
        headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
        timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, _CONNECT_SECONDS)),
        follow_redirects=True,  # results may live in an object store that signs its own URLs
        trust_env=not _is_loopback(url.host),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Transport:
    """Sends single requests and turns every failure into an error of this package."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Return the complete, successful answer to one request."""
        with self._converted():
            # httpx has no argument for this in a client that was handed in by the caller
            response = self._http.request(method, path, follow_redirects=True, **arguments)
        _check(response)
        return response

    def put(self, url: str, content: Iterator[bytes], size: int, *, signed: bool) -> None:
        """Send bytes to an address that the service gave; one that is signed gets nothing of our credentials."""
        with self._converted():
            request = self._http.build_request(
                "PUT", url, content=content, headers={"Content-Length": str(size)}
            )
            if signed:
                # S3 refuses a request that says twice who it is from, and the store is not to know our key
                for name in _CREDENTIALS:
                    request.headers.pop(name, None)
            response = self._http.send(request, auth=None) if signed else self._http.send(request)
        _check(response)

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        read_seconds: float | None = None,
    ) -> Iterator[httpx.Response]:
        """Open the answer to a GET, whose body the caller reads piece by piece."""
        timeout: Any = httpx.USE_CLIENT_DEFAULT
        if read_seconds is not None:
            timeout = httpx.Timeout(_CONNECT_SECONDS, read=read_seconds)
        with (
            self._converted(),
            self._http.stream(
                "GET", path, headers=headers, timeout=timeout, follow_redirects=True
            ) as response,
        ):
            if not response.is_success:
                response.read()
                _check(response)
            yield response

    @contextmanager
    def _converted(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            raise ConnectionFailed(
                f"No service answers at {self._http.base_url}: start it, or name another address."
            ) from error
        except httpx.TimeoutException as error:
            raise ConnectionFailed(
                f"The service at {self._http.base_url} did not answer in time.", code="timeout"
            ) from error
        except httpx.TransportError as error:
            raise ConnectionFailed(
                f"The connection to {self._http.base_url} broke: {error or type(error).__name__}."
            ) from error


def _check(response: httpx.Response) -> None:
    if not response.is_success:
        raise _refusal(response)


def _refusal(response: httpx.Response) -> ApiError:
    """Read problem+json; an answer that is none comes from a proxy or from something else entirely."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    status = response.status_code
    return api_error(
        str(problem.get("code") or f"http_{status}"),
        str(problem.get("detail") or problem.get("title") or _plain_refusal(response)),
        status,
        retry_after_seconds=retry_after_seconds(response.headers.get("retry-after")),
    )


def _plain_refusal(response: httpx.Response) -> str:
    status = response.status_code
    name = HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else "unknown status"
    return f"{response.request.url.host} answered {status} {name}; is this a Rotomill service?"


def retry_after_seconds(header: str | None, now: datetime | None = None) -> float | None:
    """Read a Retry-After header: seconds, or a date (RFC 9110 10.2.3); None where it says nothing."""
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
