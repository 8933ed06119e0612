"""A system-call filter for processes that read strangers' files: they compute on what they hold, and nothing else.

A list of what is allowed, not of what is forbidden: a call that the next kernel brings is refused too. Nothing in it
opens a file, makes a socket, starts a program or a process, or reaches another one. Why our own:
docs/decisions/0003-inspection-in-a-child-process.md.
"""

import ctypes
import functools
import os
import platform
import struct
import sys
from collections.abc import Iterator
from typing import Final

# name: its number on x86_64 (None: not there) and on aarch64. The busiest come first: the filter is read in order.
ALLOWED: Final[dict[str, tuple[int | None, int | None]]] = {
    "futex": (202, 98),
    "read": (0, 63),
    "write": (1, 64),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "sendto": (44, 206),  # to the one socket it holds, which is connected already
    "recvfrom": (45, 207),
    "poll": (7, None),
    "ppoll": (271, 73),
    "lseek": (8, 62),
    "fstat": (5, 80),
    "newfstatat": (262, 79),  # which is how newer C libraries ask fstat
    "ftruncate": (77, 46),
    "close": (3, 57),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "membarrier": (324, 283),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "set_robust_list": (273, 99),
    "set_tid_address": (218, 96),
    "rseq": (334, 293),
    "gettid": (186, 178),
    "getpid": (39, 172),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "restart_syscall": (219, 128),
    "getrandom": (318, 278),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "exit": (60, 93),
    "exit_group": (231, 94),
}

# (the kernel's name of the architecture, which column above, clone's number)
_ARCHITECTURES: Final = {"x86_64": (0xC000003E, 0, 56), "aarch64": (0xC00000B7, 1, 220)}

_CLONE_THREAD: Final = 0x00010000
# From here on, calls have one number everywhere. "No such call" makes the C library use an older one: clone for clone3.
_NEWER_CALLS: Final = 424

_RET_ALLOW, _RET_ERRNO, _RET_KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS = 1, 38
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# offsets in what the kernel shows the filter (struct seccomp_data)
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16

_PR_GET_SECCOMP, _PR_SET_SECCOMP, _MODE_FILTER = 21, 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def available() -> bool:
    """Whether this system filters calls, and we know its numbers."""
    return _prepared() is not None


def install() -> None:
    """Refuse this process, and all threads that it starts, every other call; needs no_new_privs, cannot be undone."""
    prepared = _prepared()
    if prepared is None:
        raise OSError("this system has no system-call filter that we know")
    libc, program = prepared
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the system-call filter was refused: {os.strerror(number)}")


@functools.cache
def _prepared() -> tuple[ctypes.CDLL, _Program] | None:
    """Made once, in the process that forks, and not by each child."""
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES:
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) < 0:
        return None
    code = compiled(platform.machine())
    return libc, _Program(len(code) // 8, code)


def compiled(machine: str) -> bytes:
    """The filter in the kernel's own machine code (classic BPF, 8 bytes an instruction)."""
    return b"".join(_instructions(*_ARCHITECTURES[machine]))


def _instructions(architecture: int, column: int, clone: int) -> Iterator[bytes]:
    yield _op(_LOAD, _ARCHITECTURE)
    yield _op(_IF_EQUAL, architecture, if_not=1)
    yield _op(_IF_EQUAL, architecture, if_so=1)
    yield _op(_RETURN, _RET_KILL_PROCESS)
    yield _op(_LOAD, _NUMBER)
    for numbers in ALLOWED.values():
        number = numbers[column]
        if number is not None:
            yield _op(_IF_EQUAL, number, if_not=1)
            yield _op(_RETURN, _RET_ALLOW)
    yield _op(_IF_EQUAL, clone, if_not=3)
    yield _op(_LOAD, _FIRST_ARGUMENT)
    yield _op(_IF_ANY_BIT, _CLONE_THREAD, if_not=2)
    yield _op(_RETURN, _RET_ALLOW)
    yield _op(_IF_AT_LEAST, _NEWER_CALLS, if_so=1)
    yield _op(_RETURN, _RET_ERRNO | _EPERM)
    yield _op(_RETURN, _RET_ERRNO | _ENOSYS)


def _op(code: int, value: int, *, if_so: int = 0, if_not: int = 0) -> bytes:
    """One instruction; a comparison skips so many instructions after it."""
    return struct.pack("=HBBI", code, if_so, if_not, value)
