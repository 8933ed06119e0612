"""The worker, with a brake and little patience: for tests of the service, not of the masks.

It waits at the beginning of a stage while `hold-STAGE` lies in the data folder, and the preset `fast` takes
four steps. `celery -A tests.e2e.slow_worker worker …`. Everything else is the worker as it is.
"""

import time
from dataclasses import replace
from typing import Any

from model.presets import EFFORTS
from storage.jobs import Stage
from worker import queue
from worker.progress import Progress
from worker.queue import app

__all__ = ["app"]

for efforts in EFFORTS.values():
    efforts["fast"] = replace(efforts["fast"], steps=4, views=2)

_begin = Progress.begin


def begin_when_allowed(self: Progress, stage: Stage, *arguments: Any) -> None:
    _begin(self, stage, *arguments)
    while (queue.storage_settings.data_dir / f"hold-{stage.value}").exists():
        self.check()
        time.sleep(0.05)


Progress.begin = begin_when_allowed  # type: ignore[method-assign]  # the brake
