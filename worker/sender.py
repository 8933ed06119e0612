"""Posts one message to one receiver, and says what it answered."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import httpcore
import httpx

from worker.addresses import Policy
from worker.errors import AddressDeniedError
from worker.outbound import CheckedBackend, Deadline, Resolver, resolve

OVERLOADED: Final = frozenset({429, 502, 503, 504})

NOT_FOLLOWED = "redirect_refused: redirects are not followed; give the address that it leads to"


@dataclass(frozen=True)
class Answer:
    """What the receiver said: a status code, or an error where it said nothing, or nothing of use."""

    status_code: int | None
    error: str | None = None
    retry_after: timedelta | None = None

    @property
    def accepted(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


@dataclass(frozen=True)
class Sender:
    """How this installation speaks to receivers: to which, for how long (in all), and whose certificates it trusts."""

    policy: Policy
    timeout_seconds: float = 15.0
    resolver: Resolver = resolve
    internet: httpcore.NetworkBackend = field(default_factory=httpcore.SyncBackend)
    certificates: ssl.SSLContext = field(default_factory=httpx.create_ssl_context)

    def post(self, url: str, body: str, headers: Mapping[str, str]) -> Answer:
        """One attempt, over a connection of its own. No proxy, no redirect, and the answer's body is not read."""
        objection = self.policy.objection(url)
        if objection:
            return Answer(None, error=f"address_denied: {objection}")
        backend = CheckedBackend(self.policy, Deadline(self.timeout_seconds), self.resolver, self.internet)
        try:
            with (
                httpcore.ConnectionPool(self.certificates, network_backend=backend) as pool,
                pool.stream("POST", url, content=body.encode(), headers=list(headers.items())) as response,
            ):
                return _answer(response)
        except AddressDeniedError as error:
            return Answer(None, error=f"address_denied: {error}")
        except (*_FAILURES, OSError, ValueError) as error:
            return Answer(None, error=f"{type(error).__name__}: {error}"[:300])


_FAILURES = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)


def _answer(response: httpcore.Response) -> Answer:
    error = NOT_FOLLOWED if 300 <= response.status < 400 else None
    return Answer(response.status, error, _retry_after(response))


def _retry_after(response: httpcore.Response) -> timedelta | None:
    if response.status not in OVERLOADED:
        return None
    seconds = {name.lower(): value for name, value in response.headers}.get(b"retry-after", b"")
    # more digits than any wait has would not fit a timedelta
    return timedelta(seconds=int(seconds)) if seconds.isdigit() and len(seconds) < 10 else None
