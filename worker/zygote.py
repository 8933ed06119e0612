"""A process that has the media libraries loaded and forks itself for each task: `python -m worker.zygote`.

Starting Python with PyAV, OpenCV and Pillow takes 0.4 s; a fork of it takes 2 ms. It runs one thread, so that forking
is safe, and touches no stranger's byte itself. Whoever started it (`worker/nursery.py`) sends it a connection for the
child and a *leash* for each task: when the leash is let go, or breaks since its holder died, the child is killed.
"""

import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from errno import EFBIG
from typing import Any, Final, NamedTuple

from worker import seccomp
from worker.channel import Channel, ChannelClosedError
from worker.confinement import Limits, confine, die_with_parent
from worker.errors import InputError, MediaMismatch

Task = Callable[[Channel, Mapping[str, Any], bytearray, list[int]], Mapping[str, Any]]
"""What a child does: given its connection, what is asked, with which bytes and open files. Returns its last word."""

STATUS: Final = struct.Struct("=i")
"""What comes back on a leash: how the child ended, as waitpid says it."""

_MOST_TRACEBACK: Final = 8000


class _Leash(NamedTuple):
    end: socket.socket
    child: int


class Zygote:
    """Forks for whoever holds the other end of `control`; ends with it."""

    def __init__(self, control: socket.socket, tasks: Mapping[str, Task]) -> None:
        self._control = control
        self._tasks = tasks
        self._leashes: dict[int, _Leash] = {}  # by descriptor
        self._poll = select.poll()
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def serve(self) -> None:
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._poll.register(self._control, select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in self._poll.poll()}
            # in this order: a child that starts may get the number of a leash that has just been let go
            for descriptor in ready & self._leashes.keys():
                self._poll.unregister(descriptor)
                os.kill(self._leashes[descriptor].child, signal.SIGKILL)  # not reaped: the number is its own
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._reap()
            if self._control.fileno() in ready and not self._fork():
                break
        for leash in self._leashes.values():
            os.kill(leash.child, signal.SIGKILL)

    def _fork(self) -> bool:
        """Start a child; False if there is nobody any more who would want one."""
        asked, files, _, _ = socket.recv_fds(self._control, 1, 2)
        if not asked:
            return False
        connection, leash = (socket.socket(fileno=number) for number in files)
        try:
            child = os.fork()
        except OSError:
            traceback.print_exc()
            leash.close()  # without a word on it: that was not the file's fault
        else:
            if child == 0:
                self._be_child(connection)
            self._leashes[leash.fileno()] = _Leash(leash, child)
            self._poll.register(leash, select.POLLIN)
        connection.close()
        return True

    def _reap(self) -> None:
        """Tell how children ended, to those who wait for them."""
        while self._leashes:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            descriptor = next(number for number, leash in self._leashes.items() if leash.child == child)
            end = self._leashes.pop(descriptor).end
            with suppress(KeyError):  # it was let go before
                self._poll.unregister(descriptor)
            with suppress(OSError):
                end.send(STATUS.pack(status))
            end.close()

    def _be_child(self, connection: socket.socket) -> None:
        try:
            die_with_parent()
            signal.set_wakeup_fd(-1)
            os.closerange(3, connection.fileno())
            os.closerange(connection.fileno() + 1, 65536)
            _answer(Channel(connection), self._tasks)
        except ChannelClosedError:
            pass
        except BaseException:  # a fork must never come back into the loop of its parent
            traceback.print_exc()
            os._exit(1)
        os._exit(0)


def _answer(channel: Channel, tasks: Mapping[str, Task]) -> None:
    """One task, from its question to its last word."""
    asked, data, files = channel.receive_files()
    confine(Limits(**asked["limits"]))
    try:
        channel.send({"done": tasks[asked["task"]](channel, asked["about"], data, files)})
    except ChannelClosedError:
        raise
    except InputError as error:
        channel.send({"wrong": {"code": error.code, "detail": error.detail}})
    except MediaMismatch as error:
        channel.send({"mismatch": str(error)})
    except MemoryError:
        channel.send({"beyond": "memory"})
    except OSError as error:
        if error.errno == EFBIG:
            channel.send({"beyond": "file"})
        else:
            channel.send({"bug": _told(error), "errno": error.errno})
    except Exception as error:
        channel.send({"bug": _told(error)})


def _told(error: Exception) -> str:
    return "".join(traceback.format_exception(error))[-_MOST_TRACEBACK:]


def main() -> None:
    tasks: Mapping[str, Task] = importlib.import_module(sys.argv[1]).TASKS
    # they come from a terminal or a supervisor to the whole group; it is our holder that decides
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if not seccomp.available():
        sys.stderr.write(
            "This system has no system-call filter that we know: limits on memory and time hold alone.\n"
        )
    gc.collect()
    gc.freeze()  # a collection in a child need not touch, and so copy, what it shares with us
    Zygote(socket.socket(fileno=int(sys.argv[2])), tasks).serve()


if __name__ == "__main__":
    main()
