"""Signing and verifying webhooks by Standard Webhooks 1.0, with the standard library alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rotomill.errors import WebhookError

PREFIX = "whsec_"
_SECRET_BYTES = 32  # the specification allows 24 to 64


def new_secret() -> str:
    """Return a fresh random secret in the form the service accepts: `whsec_` and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def sign(body: bytes, *, message_id: str, timestamp: int, secret: str) -> str:
    """Return the `webhook-signature` of a body: `v1,` and HMAC-SHA256 of `id.timestamp.body` in base64.

    `timestamp` is in Unix seconds. A secret that is not base64 raises `WebhookError`.
    """
    return "v1," + base64.b64encode(_digest(body, message_id, str(timestamp), _key(secret))).decode()


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    tolerance_seconds: float = 300,
    *,
    now: float | None = None,
) -> dict[str, Any]:
    """Return the JSON object of a webhook that was signed with one of our secrets, recently.

    `body` is the request's body byte for byte as it arrived; `headers` may spell their names in any
    case. Give both secrets while one is being rotated. Raises `WebhookError` with the code
    `webhook_header_missing`, `webhook_timestamp_invalid`, `webhook_too_old`, `webhook_too_new`,
    `webhook_signature_mismatch`, `webhook_secret_invalid` or `webhook_body_invalid`.

    A webhook may arrive more than once: use its `webhook-id` to act on it only once.
    """
    message_id, timestamp, signatures = _envelope(headers)
    _check_age(timestamp, tolerance_seconds, time.time() if now is None else now)
    keys = [_key(one) for one in ([secret] if isinstance(secret, str) else secret)]
    digests = [_digest(body, message_id, timestamp, key) for key in keys]
    if not _any_equal(_decoded(signatures), digests):
        raise WebhookError(
            "webhook_signature_mismatch",
            "None of the signatures was made with this secret for this body: discard the request.",
        )
    return _payload(body)


def _envelope(headers: Mapping[str, str]) -> tuple[str, str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    wanted = ("webhook-id", "webhook-timestamp", "webhook-signature")
    missing = [name for name in wanted if not lower.get(name)]
    if missing:
        raise WebhookError("webhook_header_missing", f"The request lacks {', '.join(missing)}.")
    message_id, timestamp, signatures = (lower[name] for name in wanted)
    return message_id, timestamp, signatures


def _check_age(timestamp: str, tolerance_seconds: float, now: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise WebhookError("webhook_timestamp_invalid", "webhook-timestamp is not a number of seconds.")
    age = now - int(timestamp)
    if age > tolerance_seconds:
        raise WebhookError("webhook_too_old", f"The webhook was signed {age:.0f} s ago: discard it.")
    if age < -tolerance_seconds:
        raise WebhookError(
            "webhook_too_new", f"The webhook was signed {-age:.0f} s in the future: check the clocks."
        )


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:  # an empty key would let anybody sign
        raise WebhookError(
            "webhook_secret_invalid", "The secret is not base64, with or without `whsec_` before it."
        )
    return key


def _digest(body: bytes, message_id: str, timestamp: str, key: bytes) -> bytes:
    return hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)


def _decoded(signatures: str) -> Iterable[bytes]:
    """Yield the version 1 signatures of a header; others (v1a is asymmetric) are not ours to judge."""
    for signature in signatures.split():
        version, _, encoded = signature.partition(",")
        if version != "v1":
            continue
        try:
            yield base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            continue


def _any_equal(signatures: Iterable[bytes], digests: Sequence[bytes]) -> bool:
    # No early exit: the time taken must not tell which secret came close.
    return bool(sum(hmac.compare_digest(signature, digest) for signature in signatures for digest in digests))


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except ValueError as error:
        raise WebhookError("webhook_body_invalid", "The signed body is not JSON.") from error
    if not isinstance(payload, dict):
        raise WebhookError("webhook_body_invalid", "The signed body is not a JSON object.")
    return payload
