"""The Idempotency-Key header: the same request sent again gets the same job.

draft-ietf-httpapi-idempotency-key-header-07, with bare keys accepted as well as quoted ones.
"""

import hashlib
import json
import re
import secrets
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from fastapi.concurrency import run_in_threadpool

from api.errors import ApiError, bad_request, conflict, unprocessable
from storage import idempotency
from storage.database import Database
from storage.idempotency import Claim, Stored
from storage.jobs import StoredFile

# The first request may pause this long; it renews its claim as its bytes arrive.
LOCK = timedelta(seconds=60)
RENEW_EVERY_SECONDS = 20.0

BARE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
QUOTED = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"')


def parse_key(header: str | None) -> str | None:
    """The key of the header; ApiError when it is malformed."""
    if header is None:
        return None
    match = QUOTED.fullmatch(header.strip()) or BARE.fullmatch(header.strip())
    if match is None:
        raise bad_request(
            "idempotency_key_malformed",
            'Idempotency-Key takes 1 to 255 printable characters, quoted: "8e03978e-40d5-43dd-bc93-6894a57f9324".',
        )
    return match[1] if match.re is QUOTED else match[0]


def in_progress() -> ApiError:
    detail = "A request with this Idempotency-Key is still being received. Wait for its answer, then retry."
    return conflict("request_in_progress", detail, {"Retry-After": "5"})


def check_same(stored: Stored, fingerprint: str) -> None:
    if stored.fingerprint != fingerprint:
        raise unprocessable(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another clip, mask or options. Use a new key for a new job.",
        )


def fingerprint(video: StoredFile, masks: Sequence[StoredFile], options: dict[str, Any]) -> str:
    """SHA-256 (hex) of what was asked, not of the body: a multipart boundary never repeats."""
    return _digest({"video": video.sha256, "masks": _named(masks), "options": options})


def fingerprint_of_correction(job_id: str, masks: Sequence[StoredFile], changes: dict[str, Any]) -> str:
    """The same of a correction: nothing in it comes from the job's record, which may have been deleted since."""
    return _digest({"refines": job_id, "masks": _named(masks), "options": changes})


def _named(masks: Sequence[StoredFile]) -> list[tuple[int | None, str]]:
    return [(mask.frame, mask.sha256) for mask in masks]


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Hold:
    """A request's hold on its key, renewed while its body arrives."""

    def __init__(self, database: Database, owner: str, key: str) -> None:
        self._database = database
        self._renewed = time.monotonic()
        self.found: Claim | Stored = idempotency.claim(database, owner, key, secrets.token_hex(16), LOCK)

    async def renew(self) -> None:
        if isinstance(self.found, Claim) and time.monotonic() - self._renewed > RENEW_EVERY_SECONDS:
            self._renewed = time.monotonic()
            await run_in_threadpool(idempotency.renew, self._database, self.found, LOCK)

    def release(self) -> None:
        if isinstance(self.found, Claim):
            idempotency.release(self._database, self.found)
