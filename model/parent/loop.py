"""What every training of a parent has in common: batches in, a log, checkpoints, and going on from the last."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from model import checkpoint

CHECKPOINT: Final = "training.pth"
LOG: Final = "log.jsonl"
LOG_EVERY: Final = 20

Batch = TypeVar("Batch")


class Training(Protocol[Batch]):
    """A network in training. `step` is the number of updates so far."""

    step: int

    @property
    def steps(self) -> int:
        """How many updates there are to be."""
        ...

    def draw(self, step: int) -> Batch:
        """What the update after `step` updates learns from; the same in every process. Runs in a thread."""
        ...

    def update(self, batch: Batch) -> float:
        """Learn from a batch. Returns the loss before."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything that a later process needs to go on, tensors and plain values."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        ...


def run(training: Training[Batch], folder: Path, *, until: int | None = None, save_every: int = 200) -> None:
    """Train to the last step, with a checkpoint and a line of the log now and then.

    Goes on from the folder's checkpoint if there is one, as if it had never stopped. `until` ends before the
    last step, so that another recipe may take over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CHECKPOINT
    if path.exists():
        training.restore(checkpoint.read(path))
    _forget_after(folder / LOG, training.step)
    last = training.steps if until is None else min(until, training.steps)
    began, losses = time.monotonic(), []
    with (folder / LOG).open("a", encoding="utf-8") as log:
        for batch in _batches(training, last):
            losses.append(training.update(batch))
            if training.step % LOG_EVERY == 0 or training.step == last:
                line = {
                    "step": training.step,
                    "loss": round(sum(losses) / len(losses), 4),
                    "seconds": round(time.monotonic() - began, 1),
                }
                print(json.dumps(line), file=log, flush=True)
                losses.clear()
            if training.step % save_every == 0 or training.step == last:
                checkpoint.write(training.state(), path)


def _batches(training: Training[Batch], last: int) -> Iterator[Batch]:
    """The batches from the training's step on, each drawn while the one before is learnt from."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(training.draw, training.step)
        for step in range(training.step, last):
            batch = coming.result()
            coming = pool.submit(training.draw, step + 1)
            yield batch


def _forget_after(log: Path, step: int) -> None:
    """Drop the lines of updates that were lost with the process that made them."""
    if log.exists():
        lines = log.read_text().splitlines(keepends=True)
        log.write_text("".join(line for line in lines if json.loads(line)["step"] <= step))
