"""Has confined children asked, and tells what went wrong with them in the caller's terms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from api.errors import ApiError, unavailable, unprocessable
from worker.channel import ChannelMisusedError
from worker.child import ZygoteLostError
from worker.errors import InputError, KilledError

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Wording:
    """What a caller hears where the child brings no answer: sentences, without their last part."""

    code: str
    """Of a file that kills the child, or makes it misbehave."""
    doing: str
    what: str
    way_out: str
    away: str
    """Where there can be no child just now."""


def answered(ask: Callable[[], Answer], wording: Wording) -> Answer:
    """What a child answers, asked once more where the process that forks children was lost meanwhile.

    Raises ApiError with the child's own code and sentence where it finds the file at fault; else by the wording.
    """
    try:
        return _heard(ask, wording)
    except ZygoteLostError as error:
        log.warning("lost the process that forks children; once more", doing=wording.doing, error=str(error))
    try:
        return _heard(ask, wording)
    except ZygoteLostError as error:
        raise unavailable("unavailable", wording.away, 5) from error


def _heard(ask: Callable[[], Answer], wording: Wording) -> Answer:
    try:
        return ask()
    except InputError as error:
        raise unprocessable(error.code, error.detail) from error
    except KilledError as error:
        raise _at_fault(f"{wording.doing} {error.why}.", wording) from error
    except ChannelMisusedError as error:
        raise _at_fault(f"{wording.what} makes what reads it misbehave.", wording) from error


def _at_fault(sentence: str, wording: Wording) -> ApiError:
    return unprocessable(wording.code, f"{sentence} {wording.way_out}")
