"""Kills the worker in each stage, with the leases as they come: `python -m benchmarks.faults`.

Prints how long each job took to run again, and how it ended.
"""

import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from storage.jobs import Stage
from tests.e2e.stack import running
from tests.receiver import Receiver, receiving
from worker.settings import WorkerSettings


def main() -> None:
    as_they_come = WorkerSettings()
    settings = {
        "ROTOMILL_LEASE_SECONDS": str(as_they_come.lease_seconds),
        "ROTOMILL_HEARTBEAT_SECONDS": str(as_they_come.heartbeat_seconds),
    }
    with tempfile.TemporaryDirectory() as name, running(Path(name), **settings) as stack:
        for seed, stage in enumerate(Stage):
            with receiving(Receiver()) as receiver, stack.held(stage.value):
                job_id = stack.submit(seed=seed, webhook={"url": receiver.url})
                stack.wait_stage(job_id, stage.value)
                killed = time.monotonic()
                os.kill(stack.worker_of(job_id), signal.SIGKILL)
                stack.wait(job_id, lambda job: job["attempt"] == 2, seconds=120)
                again = time.monotonic() - killed
                (stack.folder / "data" / f"hold-{stage.value}").unlink()
                job = stack.wait_ended(job_id)
                stack.wait(job_id, told(receiver), seconds=60)
                time.sleep(3)  # a second one would come now
            print(
                f"killed while {stage.value}: running again after {again:.1f} s, {job['status']}, "
                f"attempt {job['attempt']}, {len(receiver.received)} webhook"
            )


def told(receiver: Receiver) -> Callable[[object], bool]:
    return lambda _job: bool(receiver.received)


if __name__ == "__main__":
    main()
