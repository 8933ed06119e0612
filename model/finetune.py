"""Online fine-tuning: teach the network the objects of one clip from its annotated frames."""

import math
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.optim import SGD, AdamW, Optimizer

from model.augment import Augmenter
from model.device import Compute, compute_for
from model.frames import AnnotatedFrame, check, coverage, shrink, working_size
from model.losses import balanced_loss
from model.network import BACKBONES, OSVOS, for_objects
from model.presets import Preset

__all__ = ["AnnotatedFrame", "finetune"]

WARM_UP: Final = 0.1
"""Share of the steps in which the learning rate rises; group normalisation over random weights needs some."""

PRETRAINED_LEARNING_RATE: Final = 5e-4
"""Of VGG-16, whose features are already there: OSVOS's 1e-8 on the sum over a 480p frame, as a mean."""

WEIGHT_DECAY: Final = 2e-4
"""As OSVOS."""


def finetune(
    annotated: Sequence[AnnotatedFrame],
    preset: Preset,
    *,
    objects: int,
    seed: int,
    device: torch.device,
    backbone: str,
    parent: OSVOS | None = None,
    on_step: Callable[[int, int], None],
    enough: Callable[[], bool] = lambda: False,
) -> tuple[OSVOS, int]:
    """A network that finds the `objects` annotated objects in frames like these, and the steps it took.

    Starts from a copy of `parent` where one is given (its backbone then counts), else from random
    weights. Annotated frames take turns. The same seed gives the same network on a processor (with as
    many threads). `on_step(done, total)` is called after each step; what it raises stops the work. When
    `enough()` says so, the network is taken as it is.

    Raises AnnotationError if there is nothing to learn from, and NetworkError if the backbone is unknown or
    the parent looks for another number of objects.
    """
    check(annotated, objects)
    network = _start(parent, backbone, objects, seed)
    compute = compute_for(device, network.backbone)
    compute.place(network).train()
    turns = cycle(_augmenters(annotated, preset, objects, seed))
    optimiser, peak = _optimiser(network, preset)
    for step in range(preset.steps):
        _set_learning_rate(optimiser, peak * _ramp(step, preset.steps))
        images, truth = _draw(list(islice(turns, preset.batch)), compute)
        with compute.autocast():
            logits = network(images)
        optimiser.zero_grad()
        balanced_loss(logits, truth).backward()  # type: ignore[no-untyped-call]  # torch leaves backward() untyped
        optimiser.step()
        on_step(step + 1, preset.steps)
        if enough():
            return network.eval(), step + 1
    return network.eval(), preset.steps


def _start(parent: OSVOS | None, backbone: str, objects: int, seed: int) -> OSVOS:
    if parent is not None:
        return for_objects(parent, objects)
    # The fork leaves the caller's random numbers as they were.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return OSVOS(backbone, objects)


def _augmenters(
    annotated: Sequence[AnnotatedFrame], preset: Preset, objects: int, seed: int
) -> list[Augmenter]:
    rng = np.random.default_rng(seed)
    augmenters = []
    for frame in annotated:
        height, width = frame.labels.shape
        size = working_size(height, width, preset.short_side_px)
        augmenters.append(Augmenter(shrink(frame.image, size), coverage(frame.labels, objects, size), rng))
    return augmenters


def _optimiser(network: OSVOS, preset: Preset) -> tuple[Optimizer, float]:
    """The optimiser and its highest learning rate.

    Random weights under normalisation: AdamW, which needs no tuning per layer. VGG-16 has none, and its
    features are worth keeping: SGD with momentum as OSVOS, whose steps stay small where gradients are.
    """
    # Only with side outputs are the stages' own votes used; without a gradient an optimiser skips them.
    learnt = [weight for weight in network.parameters() if weight.requires_grad]
    if BACKBONES[network.backbone].normalised:
        return AdamW(learnt, lr=preset.learning_rate, weight_decay=0.01), preset.learning_rate
    optimiser = SGD(learnt, lr=PRETRAINED_LEARNING_RATE, momentum=0.9, weight_decay=WEIGHT_DECAY)
    return optimiser, PRETRAINED_LEARNING_RATE


def _ramp(step: int, steps: int) -> float:
    """Share of the highest learning rate: linear up, then half a cosine down to nearly nothing."""
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _set_learning_rate(optimiser: Optimizer, learning_rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = learning_rate


def _draw(turn: Sequence[Augmenter], compute: Compute) -> tuple[Tensor, Tensor]:
    """A batch: pictures (N, 3, H, W) uint8 and truth (N, K, H, W) float32, on the device."""
    images, truths = zip(*(augmenter.draw() for augmenter in turn), strict=True)
    pictures = torch.from_numpy(np.stack(images)).to(compute.device).permute(0, 3, 1, 2)
    return pictures, torch.from_numpy(np.stack(truths)).to(compute.device)
