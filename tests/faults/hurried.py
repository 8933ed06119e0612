"""The service with short clocks: what takes minutes in a deployment takes seconds in a campaign of faults.

`celery -A tests.faults.hurried worker …`, `uvicorn --factory tests.faults.hurried:create_app`. Leases and heartbeats
are settings; these are the clocks that are none. Nothing else differs from the service as it is.
"""

from datetime import timedelta
from types import ModuleType
from typing import Any

from api import idempotency
from api.main import create_app
from storage import recovery, submissions
from worker import queue, webhooks
from worker.queue import app

__all__ = ["app", "create_app"]


def shorten(module: ModuleType, name: str, value: Any) -> None:
    """Replace a constant that is there; one that was renamed must not pass unnoticed."""
    assert hasattr(module, name), f"{module.__name__} has no {name}"
    setattr(module, name, value)


shorten(webhooks, "CLAIM", timedelta(seconds=6))
shorten(webhooks, "SCHEDULE", tuple(timedelta(seconds=min(tries, 3)) for tries in range(60)))
shorten(submissions, "FIRST_HINT_PATIENCE", timedelta(seconds=2))
shorten(recovery, "HINT_INTERVAL", timedelta(seconds=2))
shorten(recovery, "LONGEST_HINT_INTERVAL", timedelta(seconds=4))
shorten(idempotency, "LOCK", timedelta(seconds=8))

EVERY = {queue.RECOVER: 1.0, queue.DELIVER_DUE: 1.0}
for entry in app.conf.beat_schedule.values():
    every = EVERY.get(entry["task"])
    if every is not None:
        entry["schedule"] = every
        entry["options"]["expires"] = every
