"""Where a job's network comes from: fine-tuned on its annotated frames, or kept from an equal job."""

import functools
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import structlog

from model import checkpoint, learnt, tiers
from model.device import choose
from model.errors import ModelError
from model.frames import AnnotatedFrame
from model.learnt import Learnt
from model.segmenters import Machine, Segmenter, segmenter
from storage.objects import file_sha256
from worker.budget import Budget
from worker.progress import Report
from worker.settings import WorkerSettings

log = structlog.get_logger(__name__)

_loading = threading.Lock()


def machine_of(settings: WorkerSettings) -> Machine:
    """The machine that the settings describe, its weights loaded once; ModelError if they ask for what is not there."""
    with _loading:
        return _loaded(settings)


@functools.lru_cache(maxsize=1)
def _loaded(settings: WorkerSettings) -> Machine:
    device = choose(settings.device)
    tier = tiers.load(settings.tier, settings.weights_dir)
    log.info("tracking network loaded", tier=tier.name, device=str(device), files=tier.sha256)
    backbone = settings.backbone
    if backbone == "auto":
        # VGG-16 from random weights learns nothing in a job's time, and takes minutes on a processor
        backbone = "vgg16" if settings.parent_weights and device.type == "cuda" else "compact"
    parent = None
    if settings.parent_weights is not None and backbone == "vgg16":
        parent = checkpoint.load_parent(settings.parent_weights, sha256=settings.parent_sha256 or None)
    return Machine(device, tier, backbone, parent)


def warm_up(machine: Machine) -> None:
    """Learn one step and segment one frame, made up, so that the first job does not pay for what is done once."""
    frame = np.zeros((480, 854, 3), np.uint8)
    labels = np.zeros((480, 854), np.uint8)
    labels[160:320, 320:480] = 1
    annotated = [AnnotatedFrame(frame, labels)]
    method = segmenter("auto", "fast", machine)
    known = method.learn(annotated, objects=1, seed=0, on_step=lambda _done, _most: None, enough=lambda: True)
    session = method.session(known, annotated, objects=1)
    session.anchor(frame, labels)
    session.step(frame)


def obtain(
    path: Path,
    annotated: Sequence[AnnotatedFrame],
    *,
    method: Segmenter,
    objects: int,
    seed: int,
    budget: Budget,
    report: Report,
    start: Path | None = None,
) -> tuple[Learnt, bool]:
    """What is at `path` if it is there, whole and this segmenter's; else it is learnt now, and put there.

    Also whether it was kept from before. Learning goes on from what is at `start` where that is usable.
    """
    kept = _kept(path, method, objects)
    if kept is not None:
        return kept, True

    def on_step(done: int, _most: int) -> None:
        budget.count(done)
        report.advance(done)

    before = _start(start, method, objects)
    found = method.learn(
        annotated, objects=objects, seed=seed, on_step=on_step, enough=budget.spent, start=before
    )
    if before is not None and start is not None:
        found = replace(found, started_from=file_sha256(start))
    learnt.save(found, path, method.description, objects)
    return found, False


def _start(path: Path | None, method: Segmenter, objects: int) -> Learnt | None:
    """What the job before has learnt; None where it is gone, or of no use to this segmenter for so many objects."""
    if path is None:
        return None
    if not path.exists():
        log.warning("the network to go on from is gone; learning from the start")
        return None
    try:
        return learnt.load(path, method.description, objects if method.learns_each_object else None)
    except ModelError:
        log.warning("the network to go on from is of no use here; learning from the start", exc_info=True)
        return None


def _kept(path: Path, method: Segmenter, objects: int) -> Learnt | None:
    if not path.exists():
        return None
    try:
        return learnt.load(path, method.description, objects)
    except ModelError:
        log.warning("kept network is unusable; learning again", exc_info=True)
        return None
