"""A worker process makes itself ready, and says what it segments with, as long as it lives."""

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import structlog

from storage import recovery, workers
from storage.workers import GREETING_SECONDS
from worker import queue
from worker.runtime import Runtime

log = structlog.get_logger(__name__)

if TYPE_CHECKING:
    from model.segmenters import Machine

_LOOK_EVERY_SECONDS: Final = 0.2
_TRY_AGAIN_SECONDS: Final = 30.0

# one for each warm-up that this process has begun, set once it is warm
_begun: list[threading.Event] = []


def begin(runtime: Runtime) -> None:
    """Warm this process up, then greet for as long as it lives.

    What warms up ends before greeting begins: OpenMP gives each thread that computed threads of its own, and as long as
    there are more of them than cores, it lets none of them wait awake. A step of the compact tier, preset fast, took
    0.23 s that way and takes 0.16 s.
    """
    _begun.append(threading.Event())
    threading.Thread(target=_warm_up, args=[runtime, _begun[-1]], name="warm-up", daemon=True).start()


def wait_until_warm(stopping: Callable[[], bool]) -> bool:
    """Wait for what `begin` has begun, if anything; False if this worker is told to stop meanwhile.

    A job that were claimed before would wait here all the same, deaf to a cancel while torch is imported, and kept
    from other workers.
    """
    while _begun and not _begun[-1].wait(_LOOK_EVERY_SECONDS):
        if stopping():
            return False
    return True


def _warm_up(runtime: Runtime, warm: threading.Event) -> None:
    while (machine := _warmed(runtime)) is None:
        time.sleep(_TRY_AGAIN_SECONDS)
    warm.set()
    _look_for_work(runtime)
    greeting = {"tier": machine.tier.name, "device": str(machine.device)}
    threading.Thread(target=_greet_for_ever, args=[runtime, greeting], name="presence", daemon=True).start()


def _warmed(runtime: Runtime) -> "Machine | None":
    """What there is to segment with; None, for now, where weights or a device are missing."""
    try:
        # here, in a thread of the child: the main process must not touch CUDA
        from worker.confined import confined  # noqa: PLC0415
        from worker.tuning import machine_of, warm_up  # noqa: PLC0415

        confined(runtime.settings).start()
        machine = machine_of(runtime.settings)
        warm_up(machine)
    except Exception:
        # it claims nothing: one broken worker would fail the jobs of all, faster than the others do theirs
        log.exception("this worker cannot segment")
        return None
    return machine


def _look_for_work(runtime: Runtime) -> None:
    """Messages sent before this worker was there may be lost: one that it sends itself is enough."""
    try:
        if recovery.some_job_waits(runtime.database):
            queue.send_hint("")
    except Exception:
        log.exception("hint not sent; the recovery loop will send it")


def _greet_for_ever(runtime: Runtime, greeting: dict[str, str]) -> None:
    name = f"{socket.gethostname()}:{os.getpid()}"
    while True:
        try:
            workers.greet(runtime.database, name, tier=greeting["tier"], device=greeting["device"])
        except Exception:
            log.exception("greeting failed")
        time.sleep(GREETING_SECONDS)
