"""The hurried worker, which dawdles: tiny jobs would be done before a fault could meet them.

`celery -A tests.faults.worker worker …`. What takes a worker seconds to get ready is done once, in its main process,
so that a killed child costs the campaign little: nothing here uses CUDA.
"""

import random
import time
from typing import Any

import worker.fulfilment
from storage.jobs import Stage
from tests.faults.hurried import app
from worker import queue, tuning
from worker.progress import Progress

__all__ = ["app"]

LONGEST_PAUSE_SECONDS = 1.2

tuning.machine_of(queue.settings)
tuning.warm_up = lambda machine: None

_begin = Progress.begin


def begin_and_dawdle(self: Progress, stage: Stage, *arguments: Any) -> None:
    _begin(self, stage, *arguments)
    until = time.monotonic() + random.random() * LONGEST_PAUSE_SECONDS
    while time.monotonic() < until:
        self.check()
        time.sleep(0.05)


Progress.begin = begin_and_dawdle  # type: ignore[method-assign]  # the pause
assert worker.fulfilment
