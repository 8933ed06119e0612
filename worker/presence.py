"""A worker process makes itself ready, and says what it segments with, as long as it lives."""

import os
import socket
import threading
import time

import structlog

from storage import workers
from storage.workers import GREETING_SECONDS
from worker.runtime import Runtime

log = structlog.get_logger(__name__)


def begin(runtime: Runtime) -> None:
    """Start a thread that warms this process up and then greets for as long as the process lives."""
    threading.Thread(target=_greet_for_ever, args=[runtime], name="presence", daemon=True).start()


def _greet_for_ever(runtime: Runtime) -> None:
    name = f"{socket.gethostname()}:{os.getpid()}"
    try:
        # here, in the thread of the child: the main process must not touch CUDA
        from worker.tuning import machine_of, warm_up  # noqa: PLC0415

        machine = machine_of(runtime.settings)
        warm_up(machine)
    except Exception:
        # a job that comes will fail for the same reason, with its own record of it
        log.exception("this worker cannot segment")
        return
    while True:
        try:
            workers.greet(runtime.database, name, tier=machine.tier.name, device=str(machine.device))
        except Exception:
            log.exception("greeting failed")
        time.sleep(GREETING_SECONDS)
