"""Where a job's network comes from: fine-tuned on its annotated frames, or kept from an equal job."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
import torch

from model import checkpoint
from model.device import choose
from model.errors import ModelError
from model.finetune import AnnotatedFrame, finetune
from model.network import OSVOS
from model.presets import Preset
from worker.progress import Report
from worker.settings import WorkerSettings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Machine:
    """What this worker computes with: a device, a backbone, and the parent network's file, if there is one."""

    device: torch.device
    backbone: str
    parent: Path | None = None
    parent_sha256: str | None = None


@dataclass(frozen=True)
class Tuned:
    """A network ready to segment, and the steps it took now: none if it was kept from before."""

    network: OSVOS
    steps: int


def machine_of(settings: WorkerSettings) -> Machine:
    """The machine that the settings describe; ModelError if they ask for what is not there."""
    device = choose(settings.device)
    backbone = settings.backbone
    if backbone == "auto":
        # VGG-16 from random weights learns nothing in a job's time, and takes minutes on a processor
        backbone = "vgg16" if settings.parent_weights and device.type == "cuda" else "compact"
    sha256 = settings.parent_sha256 or None
    return Machine(device, backbone, settings.parent_weights if backbone == "vgg16" else None, sha256)


def obtain(
    path: Path,
    annotated: Iterator[AnnotatedFrame],
    *,
    preset: Preset,
    objects: int,
    seed: int,
    machine: Machine,
    report: Report,
) -> Tuned:
    """The network at `path` if it is there and whole; else a fine-tuned one, which is then put there."""
    kept = _kept(path, machine)
    if kept is not None and kept.objects == objects:
        return Tuned(kept, 0)
    parent = None
    if machine.parent is not None:
        parent = checkpoint.load_parent(machine.parent, objects=objects, sha256=machine.parent_sha256)
    network = finetune(
        list(annotated),
        preset,
        objects=objects,
        seed=seed,
        device=machine.device,
        backbone=machine.backbone,
        parent=parent,
        on_step=lambda done, _total: report.advance(done),
    )
    facts: dict[str, str | int | float] = {"preset": preset.name, "steps": preset.steps, "seed": seed}
    checkpoint.save(network, path, facts)
    return Tuned(network, preset.steps)


def _kept(path: Path, machine: Machine) -> OSVOS | None:
    if not path.exists():
        return None
    try:
        return checkpoint.load(path, device=machine.device)
    except ModelError:
        log.warning("kept network is unusable; training it again", exc_info=True)
        return None
