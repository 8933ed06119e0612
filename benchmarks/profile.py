"""Where the time of a job goes, and how little it could be: `python -m benchmarks.profile CLIP MASK`.

The floor is the arithmetic of the network's layers at the rate that this machine reaches on one large convolution.
"""

import argparse
import functools
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from model import rehearsal
from model.flow import Flow
from model.frames import AnnotatedFrame
from model.presets import EFFORTS
from model.rehearsal import Rehearsal
from model.segmenters import Machine, segmenter, tracking
from model.segmenters.tracking import TrackingSession
from model.tracker import Tracker
from model.views import View
from storage.jobs import Stage
from worker import media, pipeline
from worker.__main__ import DEFAULT_OUTPUTS, NO_LIMITS
from worker.confined import confined
from worker.estimate import Work
from worker.masks import read_masks
from worker.pipeline import Order
from worker.settings import WorkerSettings
from worker.tuning import machine_of, warm_up

PARTS: Final[tuple[tuple[object, str], ...]] = (
    (Rehearsal, "__init__"),
    (Rehearsal, "step"),
    (Rehearsal, "examine"),
    (TrackingSession, "_learnt"),
    (TrackingSession, "step"),
    (Tracker, "encode"),
    (Tracker, "decode"),
    (Tracker, "remember"),
    (Flow, "between"),
    (tracking, "moved"),
    (rehearsal, "mistaken"),
    (View, "of"),
    (View, "onto"),
    (tracking, "exclusive"),
    (tracking, "decided"),
)
"""What is timed: calls within each other count in both."""


class Stages:
    """A report that keeps the seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[Stage, float] = {}
        self._stage: Stage | None = None
        self._began = 0.0

    def plan(self, work: dict[Stage, Work]) -> None: ...

    def begin(self, stage: Stage) -> None:
        self.end()
        self._stage, self._began = stage, time.perf_counter()

    def advance(self, done: float) -> None: ...

    def check(self) -> None: ...

    def end(self) -> None:
        """The last stage is over."""
        if self._stage is not None:
            self.seconds[self._stage] = time.perf_counter() - self._began


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the pipeline once with a stopwatch in it, then counts what its network had to compute."""
    asked = _arguments(argv)
    machine = machine_of(WorkerSettings())
    warm_up(machine)
    facts = media.inspect(asked.clip, NO_LIMITS)
    annotated, objects = read_masks({0: asked.mask.read_bytes()}, (facts.width, facts.height))
    outputs = frozenset(DEFAULT_OUTPUTS.split(","))
    order = Order(asked.clip, facts, annotated, objects, asked.preset, outputs, (30, 144, 255), seed=0)
    stages = Stages()
    with tempfile.TemporaryDirectory() as folder, _watched() as parts:
        pipeline.run(order, Path(folder), machine, confined(WorkerSettings()), stages)
        stages.end()
    print(
        f"{facts.frames} frames of {facts.width}x{facts.height}, {asked.preset}, tier {machine.tier.name}\n"
    )
    for stage, seconds in stages.seconds.items():
        print(f"{stage.value:24s} {seconds:7.2f} s")
    print("\n| part | calls | seconds | ms a call |\n|---|---|---|---|")
    for name, times in parts.items():
        print(f"| {name} | {len(times)} | {sum(times):.2f} | {1000 * sum(times) / len(times):.2f} |")
    first = AnnotatedFrame(next(iter(media.frames(asked.clip))).image, annotated[0])
    _print_floor(first, machine, asked.preset, len(parts["Rehearsal.step"]), facts.frames - 1)
    return 0


@contextmanager
def _watched() -> Iterator[dict[str, list[float]]]:
    """While in here, the seconds of each call of PARTS are noted."""
    times: dict[str, list[float]] = defaultdict(list)
    before = [(owner, name, getattr(owner, name)) for owner, name in PARTS]
    for owner, name, original in before:
        label = f"{owner.__name__}.{name}" if isinstance(owner, type) else name
        setattr(owner, name, _timed(original, times[label]))
    try:
        yield times
    finally:
        for owner, name, original in before:
            setattr(owner, name, original)


def _timed(function: Callable[..., Any], times: list[float]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        found = function(*arguments, **named)
        times.append(time.perf_counter() - began)
        return found

    return call


def _print_floor(first: AnnotatedFrame, machine: Machine, preset: str, steps: int, count: int) -> None:
    """The least that the network's layers could take on this machine."""
    rate = _rate(machine.device)
    effort = EFFORTS[machine.tier.name][preset]
    method = segmenter("auto", preset, machine)
    rehearsed = Rehearsal(
        machine.tier.parent, [first], effort, 1, np.random.default_rng(0), matching=True, alive=lambda: None
    )
    for _ in range(3):  # encoded frames are kept: the first steps are dearer
        rehearsed.step(0.0)
    step = _flops(lambda: rehearsed.step(0.0))
    learnt = method.learn([first], objects=1, seed=0, on_step=lambda _done, _most: None, enough=lambda: True)
    session = method.session(learnt, [first], objects=1)
    session.anchor(first.image, first.labels)
    frame = _flops(lambda: session.step(first.image))
    print(f"\n{rate / 1e9:.0f} GFLOP/s on a 3x3 convolution of 256 channels")
    print(f"a step {step / 1e9:.1f} GFLOP: {steps} steps in {steps * step / rate:.2f} s at that rate")
    print(f"a frame {frame / 1e9:.1f} GFLOP: {count} frames in {count * frame / rate:.2f} s at that rate")


def _flops(action: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        action()
    return int(counter.get_total_flops())


@torch.inference_mode()
def _rate(device: torch.device, channels: int = 256, side: int = 64) -> float:
    """Floating-point operations a second, the best of ten, in a layer that suits the machine."""
    layer = torch.nn.Conv2d(channels, channels, 3, padding=1).to(device)
    layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's own types
    maps = torch.randn(1, channels, side, side, device=device).to(memory_format=torch.channels_last)
    seconds = []
    for _ in range(10):
        began = time.perf_counter()
        layer(maps)
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return 2 * 9 * channels**2 * side**2 / min(seconds)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("mask", type=Path)
    parser.add_argument("--preset", choices=("fast", "balanced", "best"), default="balanced")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
