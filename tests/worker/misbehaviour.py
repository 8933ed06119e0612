"""What a stranger's file might make of a confined child: tasks for a zygote of a test."""

import ctypes
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from worker.channel import Channel
from worker.errors import InputError
from worker.zygote import Task


def outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except Exception as error:
        return type(error).__name__
    return "done"


def attempts(
    _channel: Channel, about: Mapping[str, Any], _data: bytearray, files: list[int]
) -> dict[str, Any]:
    """What becomes of each thing that a confined process must not do."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(result: int) -> None:
        if result < 0:
            raise OSError(ctypes.get_errno(), "refused")

    tried: dict[str, Callable[[], object]] = {
        "connect by TCP": lambda: socket.create_connection(("127.0.0.1", about["port"]), timeout=2),
        "send by UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "a Unix socket": lambda: socket.socket(socket.AF_UNIX),
        "a pair of sockets": socket.socketpair,
        "read a file": lambda: Path(about["secret"]).read_bytes(),
        "write a file": lambda: Path(about["folder"], "made").write_bytes(b"x"),
        "make a folder": lambda: Path(about["folder"], "made").mkdir(),
        "remove a file": lambda: Path(about["secret"]).unlink(),
        "list a folder": lambda: list(Path(about["folder"]).iterdir()),
        "write to what it holds": lambda: os.write(files[0], b"x"),
        "fork": os.fork,
        "run a program": lambda: subprocess.run(["/bin/true"], check=True),
        "become a program": lambda: os.execv("/bin/true", ["true"]),
        "signal its parent": lambda: os.kill(os.getppid(), 0),
        "trace": lambda: call(libc.ptrace(0, 0, 0, 0)),
        "another namespace": lambda: call(libc.unshare(0x10000000)),
        "a file of memory": lambda: call(libc.memfd_create(b"x", 0)),
        "more memory": lambda: bytearray(8 * 1024**3),
    }
    return {name: outcome(attempt) for name, attempt in tried.items()}


def environment(_channel: Channel, _about: Any, _data: bytearray, files: list[int]) -> dict[str, Any]:
    """What it knows of the process that started it: variables, and what it holds open beside its one socket."""
    held = []
    for number in range(256):
        try:
            os.fstat(number)
        except OSError:
            continue
        held.append(number)
    return {"variables": dict(os.environ), "held": len(set(held) - {0, 1, 2, *files})}


def end(_channel: Channel, about: Mapping[str, Any], _data: bytearray, _files: list[int]) -> dict[str, Any]:
    """Ends as asked."""
    match about["how"]:
        case "crash":
            ctypes.string_at(0)
        case "exit":
            os._exit(3)
        case "work for ever":
            while True:
                pass
        case "sleep":
            time.sleep(3600)
        case "take all memory":
            kept = []
            while True:
                kept.append(bytearray(64 * 1024 * 1024))
        case "be refused":
            raise InputError("clip_odd", "This is a sentence.")
        case "fail":
            raise ValueError("a bug of ours")
    return {}


def lie(channel: Channel, about: Mapping[str, Any], _data: bytearray, _files: list[int]) -> dict[str, Any]:
    """Says what no task says."""
    channel.send({"said": "x" * about["said"]}, bytes(about["bytes"]))
    time.sleep(3600)
    return {}


def wait(channel: Channel, _about: Any, _data: bytearray, _files: list[int]) -> dict[str, Any]:
    """Tells who it is, and then nothing."""
    channel.send({"process": os.getpid()})
    time.sleep(3600)
    return {}


TASKS: Mapping[str, Task] = {
    "attempts": attempts,
    "environment": environment,
    "end": end,
    "lie": lie,
    "wait": wait,
}
