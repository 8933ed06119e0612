"""Whose a record is. Every job, upload, key and secret has an owner, and nobody else sees it."""

from typing import Final

LOCAL: Final = "local"
"""The owner of everything where there are no API keys."""

OWNER_LENGTH: Final = 64
"""Longest name of an owner, in characters."""
