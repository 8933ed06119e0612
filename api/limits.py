"""How much one caller may ask for: requests a minute, bodies and event streams at once, jobs and bytes."""

import asyncio
import ipaddress
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from api.errors import ApiError, too_many, unavailable
from api.keyring import Caller
from api.settings import ApiSettings
from storage.usage import Allowance

log = structlog.get_logger(__name__)

IN_MEMORY = "memory://"

# Callers of one address may be wrong about their keys so often in a minute.
FAILURES_PER_MINUTE = 60

# A request must not wait long for its own limit, nor each one anew for a server that is away.
REDIS_SECONDS = 0.5
AWAY_SECONDS = 10.0

WINDOW_SECONDS = 60

# Longer than any file but the worst is looked at, and as long as a caller's connection stays open without a word.
INSPECTION_PATIENCE_SECONDS = 60.0

# Who steps through a clip has gone on by then.
PICTURE_PATIENCE_SECONDS = 20.0

# Who has drawn a box waits no longer than that.
SUGGESTION_PATIENCE_SECONDS = 10.0

# A burst of small uploads is through by then.
UPLOAD_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Rate:
    """What a limit says to one request: whether it may pass, what is left, and when there will be more."""

    most: int
    left: int
    reset_seconds: int
    passes: bool

    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers-11 has them."""
        return {
            "RateLimit-Policy": f'"requests";q={self.most};w={WINDOW_SECONDS}',
            "RateLimit": f'"requests";r={self.left};t={self.reset_seconds}',
        }


class RateLimits:
    """Counts requests: in this process, or in a Redis that several processes of the API share.

    While that Redis is away each process counts for itself.
    """

    def __init__(self, address: str = IN_MEMORY, clock: Callable[[], float] = time.monotonic) -> None:
        self._own = MovingWindowRateLimiter(storage_from_string(IN_MEMORY))
        self._shared = _shared(address)
        self._clock = clock
        self._away_until = 0.0

    @property
    def is_shared(self) -> bool:
        """Whether counting may wait for another machine."""
        return self._shared is not None

    def count(self, who: str, most: int) -> Rate:
        """Count one request of `who`, of whom `most` may pass in a minute."""
        item = RateLimitItemPerMinute(most, namespace="rotomill")
        if self._shared is not None and self._clock() >= self._away_until:
            try:
                return _count(self._shared, item, who)
            except StorageError as error:
                self._away_until = self._clock() + AWAY_SECONDS
                log.warning(
                    "requests are counted by each process for itself; Redis is away", error=str(error)
                )
        return _count(self._own, item, who)


def _shared(address: str) -> MovingWindowRateLimiter | None:
    if not address.startswith(("redis://", "rediss://")):
        return None
    options = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    return MovingWindowRateLimiter(storage_from_string(address, wrap_exceptions=True, **options))


def _count(limiter: MovingWindowRateLimiter, item: RateLimitItem, who: str) -> Rate:
    passes = limiter.hit(item, who)
    stats = limiter.get_window_stats(item, who)
    reset_seconds = min(max(math.ceil(stats.reset_time - time.time()), 1), WINDOW_SECONDS)
    return Rate(item.amount, stats.remaining, reset_seconds, passes)


def rate_limited(rate: Rate) -> ApiError:
    detail = f"At most {rate.most:,} requests a minute. Wait {rate.reset_seconds} s, and poll less often."
    return too_many("rate_limited", detail, rate.reset_seconds)


def neighbourhood(host: str) -> str:
    """Whose failures count together: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64]
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return str(ipaddress.ip_network((address.packed, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def allowance_of(settings: ApiSettings, caller: Caller) -> Allowance | None:
    """What the caller may have; None for the user of an open service, who has all of it.

    Limits of a single key would be columns of `api_keys`, carried by Caller and preferred here.
    """
    if caller.key_id is None:
        return None
    return Allowance(settings.max_active_jobs, settings.max_jobs_per_day, settings.max_stored_bytes)


class Slots:
    """So many things of one owner at once; who comes later waits a little for one to end, and is then refused."""

    def __init__(self, most: int, patience_seconds: float, refusal: ApiError) -> None:
        self._most = most
        self._patience_seconds = patience_seconds
        self._refusal = refusal
        self._semaphores: dict[str, asyncio.Semaphore] = {}
        self._interested: Counter[str] = Counter()

    @asynccontextmanager
    async def hold(self, owner: str) -> AsyncIterator[None]:
        """One of the owner's slots, for as long as the block runs."""
        semaphore = self._semaphores.setdefault(owner, asyncio.Semaphore(self._most))
        self._interested[owner] += 1
        try:
            await self._acquire(semaphore)
            try:
                yield
            finally:
                semaphore.release()
        finally:
            self._interested[owner] -= 1
            if not self._interested[owner]:
                del self._interested[owner], self._semaphores[owner]

    async def _acquire(self, semaphore: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                await semaphore.acquire()
        except TimeoutError as error:
            raise self._refusal from error


def upload_slots(settings: ApiSettings) -> Slots:
    most = settings.max_uploads_at_once
    detail = f"At most {most} of your requests may be sending files at once. Let one of them end, then send this again."
    return Slots(
        most,
        min(UPLOAD_PATIENCE_SECONDS, settings.body_patience_seconds),
        too_many("too_many_uploads", detail, 5),
    )


def stream_slots(settings: ApiSettings) -> Slots:
    most = settings.max_streams_at_once
    detail = f"At most {most} of your event streams may be open at once. Close one, or poll the job instead."
    return Slots(most, 0.0, too_many("too_many_streams", detail, 10))


def owner_inspection_slots(
    settings: ApiSettings, patience_seconds: float = INSPECTION_PATIENCE_SECONDS
) -> Slots:
    """Of one owner: not all that there are, unless nobody else can call."""
    most = settings.inspections_at_once
    if settings.keys_required:
        most -= 1
    detail = (
        "Too many of your files wait to be looked at just now; nothing was kept. Send this again in some seconds, "
        "and fewer at once."
    )
    return Slots(max(1, most), patience_seconds, too_many("too_many_inspections", detail, 10))


def inspection_slots(settings: ApiSettings, patience_seconds: float = INSPECTION_PATIENCE_SECONDS) -> Slots:
    """Of the service, not of one owner."""
    detail = (
        "Too many files wait to be looked at just now; nothing was kept. Send this again in some seconds."
    )
    return Slots(settings.inspections_at_once, patience_seconds, unavailable("too_busy", detail, 10))


def owner_picture_slots(settings: ApiSettings, patience_seconds: float = PICTURE_PATIENCE_SECONDS) -> Slots:
    """Frames of one owner's clips that are decoded at once: not all places, unless nobody else can call."""
    most = settings.pictures_at_once - settings.keys_required
    detail = (
        "Too many of your frames wait to be decoded just now. Ask for this one again, and for fewer at once."
    )
    return Slots(max(1, most), patience_seconds, too_many("too_many_pictures", detail, 5))


def picture_slots(settings: ApiSettings, patience_seconds: float = PICTURE_PATIENCE_SECONDS) -> Slots:
    """The same of the service."""
    detail = "Too many frames wait to be decoded just now. Ask for this one again in some seconds."
    return Slots(settings.pictures_at_once, patience_seconds, unavailable("too_busy", detail, 5))


def owner_suggestion_slots(
    settings: ApiSettings, patience_seconds: float = SUGGESTION_PATIENCE_SECONDS
) -> Slots:
    """Boxes of one owner that are looked into at once: not all places, unless nobody else can call."""
    most = settings.suggestions_at_once - settings.keys_required
    detail = (
        "Too many of your boxes wait to be looked into just now. Let one be answered, then send this again."
    )
    return Slots(max(1, most), patience_seconds, too_many("too_many_suggestions", detail, 5))


def suggestion_slots(settings: ApiSettings, patience_seconds: float = SUGGESTION_PATIENCE_SECONDS) -> Slots:
    """The same of the service."""
    detail = (
        "Too many boxes wait to be looked into just now. Send this again in some seconds, or draw by hand."
    )
    return Slots(settings.suggestions_at_once, patience_seconds, unavailable("too_busy", detail, 5))
