"""What a process may take and do that reads strangers' files."""

import ctypes
import functools
import os
import resource
import sys
from dataclasses import dataclass
from typing import Final

from worker import seccomp

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_SIGKILL: Final = 9

# It is handed all that it may read, a clip and at most some hundred masks, and opens nothing itself.
_DESCRIPTORS: Final = 256


@dataclass(frozen=True)
class Limits:
    """What one confined process may take in all."""

    memory_bytes: int
    """Address space, of which Python and the media libraries map about 1 GB before anything happens."""
    cpu_seconds: int
    """Of all its threads together."""
    file_bytes: int = 0
    """How long a file may become by its writing; 0: it may not write to files at all."""


def confine(limits: Limits) -> None:
    """Bound this process, for good and with no privilege needed: memory, time, files, and no way out.

    It keeps what it holds open, and gets no more: no file, no socket, no process, no program. What goes beyond
    ends with a MemoryError, an OSError or a signal.
    """
    _bound(resource.RLIMIT_AS, limits.memory_bytes)
    _bound(resource.RLIMIT_FSIZE, limits.file_bytes)
    _bound(resource.RLIMIT_NOFILE, _DESCRIPTORS)
    _bound(resource.RLIMIT_CORE, 0)
    # one second to be ended by a signal that says why
    _bound(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)
    os.environ.clear()
    if sys.platform == "linux":
        _control(_PR_SET_DUMPABLE, 0)  # its memory is nobody else's to read
        _control(_PR_SET_NO_NEW_PRIVS, 1)
    if seccomp.available():
        seccomp.install()
    elif sys.platform == "darwin":
        _bound(resource.RLIMIT_NPROC, 0)  # where this counts processes, and not threads as on Linux


def die_with_parent() -> None:
    """Be killed when the process that forked this one dies, where the system can do that."""
    if sys.platform == "linux":
        _control(_PR_SET_PDEATHSIG, _SIGKILL)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _bound(what: int, most: int, at_all: int | None = None) -> None:
    _, hard = resource.getrlimit(what)
    wanted = most if at_all is None else at_all
    last = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(what, (min(most, last), last))
    except (ValueError, OSError):
        if sys.platform == "linux":
            raise  # elsewhere not every limit exists


def _control(option: int, value: int) -> None:
    if _libc().prctl(option, value, 0, 0, 0) != 0:
        raise OSError(f"prctl {option} was refused")
