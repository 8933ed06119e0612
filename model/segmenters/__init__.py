"""The ways to find the annotated objects in a clip, by the names that a job's options use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch

from model.errors import ModelError
from model.network import OSVOS
from model.presets import EFFORTS, PRESETS
from model.segmenters.flow import FlowSegmenter
from model.segmenters.interface import OnStep, Segmenter, Session
from model.segmenters.onavos import OnavosSegmenter
from model.segmenters.osvos import OsvosSegmenter
from model.segmenters.tracking import TrackingSegmenter
from model.tiers import Tier

__all__ = ["SEGMENTERS", "Machine", "OnStep", "Segmenter", "SegmenterUnknownError", "Session", "segmenter"]


class SegmenterUnknownError(ModelError):
    """There is no segmenter of that name."""

    code = "segmenter_unknown"


@dataclass(frozen=True)
class Machine:
    """What there is to work with: a device, the tracking network's tier, OSVOS's backbone and parent network."""

    device: torch.device
    tier: Tier
    backbone: str
    parent: OSVOS | None = None


def _osvos(preset: str, machine: Machine) -> Segmenter:
    return OsvosSegmenter(PRESETS[preset], machine.device, machine.backbone, machine.parent)


def _onavos(preset: str, machine: Machine) -> Segmenter:
    return OnavosSegmenter(PRESETS[preset], machine.device, machine.backbone, machine.parent)


def _tracker(preset: str, machine: Machine) -> Segmenter:
    return TrackingSegmenter(machine.tier, EFFORTS[machine.tier.name][preset], machine.device, matching=True)


def _masktrack(preset: str, machine: Machine) -> Segmenter:
    return TrackingSegmenter(machine.tier, EFFORTS[machine.tier.name][preset], machine.device, matching=False)


def _flow(preset: str, machine: Machine) -> Segmenter:
    del preset, machine
    return FlowSegmenter()


_MADE: Final[dict[str, Callable[[str, Machine], Segmenter]]] = {
    # the best on average of what was measured: docs/benchmarks.md
    "auto": _tracker,
    "osvos": _osvos,
    "onavos": _onavos,
    "masktrack": _masktrack,
    "flow": _flow,
}

SEGMENTERS: Final = tuple(_MADE)


def segmenter(name: str, preset: str, machine: Machine) -> Segmenter:
    """The segmenter of that name, with the effort of a preset. SegmenterUnknownError if there is none."""
    if name not in _MADE:
        raise SegmenterUnknownError(f"There is no segmenter {name!r}: use {', '.join(SEGMENTERS)}.")
    return _MADE[name](preset, machine)
