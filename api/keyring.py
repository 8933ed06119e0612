"""Whose an API key is, remembered for some seconds, so that who polls does not cost a query each time."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from storage import api_keys
from storage.database import Database
from storage.errors import UnavailableError

log = structlog.get_logger(__name__)

# So long a revoked key may still open something.
REMEMBERED_SECONDS = 5.0

# More keys than this in use within seconds are rare, and looked up again.
MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class Caller:
    """Whose request this is, and the id of the key it came with; none where the service is open."""

    owner: str
    key_id: str | None = None


class Keyring:
    """Finds the caller that a key stands for. Keys that open nothing are not remembered: there is no end of them."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._remembered: dict[bytes, tuple[float, Caller]] = {}

    def remembered(self, text: str) -> Caller | None:
        """The caller, if the key was looked up some seconds ago; asks nobody."""
        until, caller = self._remembered.get(_short(text), (0.0, None))
        return caller if self._clock() < until else None

    def look_up(self, text: str) -> Caller | None:
        """The caller of a key that is stored and not revoked."""
        key = api_keys.find(self._database, text)
        if key is None:
            self._remembered.pop(_short(text), None)
            return None
        try:
            api_keys.note_used(self._database, key)
        except UnavailableError:
            log.warning("last use of a key not noted", key_id=key.id)
        caller = Caller(key.owner, key.id)
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[_short(text)] = (self._clock() + REMEMBERED_SECONDS, caller)
        return caller


def _short(text: str) -> bytes:
    """What stands for a key here: its text lies about nowhere, and telling two apart takes no time that tells."""
    return hashlib.sha256(text.encode()).digest()
