"""Whether what the API stands on answers, asked by one request for all that come meanwhile."""

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog
from anyio import CapacityLimiter, to_thread

from api import metrics

log = structlog.get_logger(__name__)

# Strangers may ask as often as they like; whoever looks after the process does so every few seconds.
REMEMBERED_SECONDS = 1.5

# What is away takes seconds to be found so, and threads are for callers.
_probes = CapacityLimiter(2)


class Readiness:
    """The outcome of the checks, remembered for a moment."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._failed: frozenset[str] = frozenset()
        self._asking: asyncio.Task[None] | None = None

    async def failed(self, checks: Mapping[str, Callable[[], None]]) -> frozenset[str]:
        """The names of the checks that raise."""
        if self._clock() >= self._until:
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask(checks))
            # it goes on for the others when one that waits is canceled
            await asyncio.shield(self._asking)
        return self._failed

    async def _ask(self, checks: Mapping[str, Callable[[], None]]) -> None:
        try:
            self._failed = await to_thread.run_sync(_failed, checks, limiter=_probes)
            self._until = self._clock() + REMEMBERED_SECONDS
        finally:
            self._asking = None


def _failed(checks: Mapping[str, Callable[[], None]]) -> frozenset[str]:
    return frozenset(name for name, check in checks.items() if not _holds(name, check))


def _holds(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:
        log.exception("not ready", check=name)
        metrics.DEPENDENCY_UP.labels(name).set(0)
        return False
    metrics.DEPENDENCY_UP.labels(name).set(1)
    return True
