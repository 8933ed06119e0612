"""The training of a parent of the tracking network: it finds what the first frame of a clip shows in three others."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim import AdamW

from model import checkpoint
from model.device import place
from model.flow import Flow, moved
from model.losses import mask_loss
from model.lucid import mistaken
from model.parent.averaging import AveragedTraining, averaged, mean_weights
from model.parent.clips import FRAMES, Clip, Source
from model.tracker import Memory, Tracker

WARM_UP_STEPS: Final = 100
AVERAGING: Final = 0.998
"""Of the running mean of the weights, which is what is kept: it is better than any of the last."""

SILENT: Final = 0.1
"""How often each memory says nothing, so that the network learns to do without."""

Drawn = tuple[list[Clip], np.random.Generator]


@dataclass(frozen=True)
class TrackerRecipe:
    """How a parent is trained; two runs with equal recipes give equal weights on one machine."""

    encoder: str
    steps: int
    batch: int
    learning_rate: float
    size: int = 256
    seed: int = 0
    share_still: float = 0.4
    weight_decay: float = 0.01


class TrackerTraining(AveragedTraining):
    """The state of a training: network, its running mean, optimiser and step."""

    network: Tracker

    def __init__(self, recipe: TrackerRecipe, network: Tracker, source: Source, device: torch.device) -> None:
        self.recipe = recipe
        self.source = source
        self.device = device
        self.network = place(network, device).train()
        self.mean = averaged(self.network, AVERAGING)
        learnt = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.optimiser = AdamW(learnt, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        self.step = 0

    @property
    def steps(self) -> int:
        """How many updates there are to be."""
        return self.recipe.steps

    def draw(self, step: int) -> Drawn:
        """Clips, and the generator that decides what happens to them."""
        rng = np.random.default_rng((self.recipe.seed, step))
        return [self.source.draw(rng) for _ in range(self.recipe.batch)], rng

    def update(self, batch: Drawn) -> float:
        """One step on a batch of clips. Returns its loss."""
        clips, rng = batch
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * ramp(self.step, self.recipe.steps)
        loss = clip_loss(self.network, clips, rng, self.device)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves backward() untyped
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        self.mean.update_parameters(self.network)
        return loss.item()


def clip_loss(network: Tracker, clips: list[Clip], rng: np.random.Generator, device: torch.device) -> Tensor:
    """The loss over the three frames of each clip, each masked with what was found in the one before.

    The first of them has no frame before it: its prior is a mistaken truth, or nothing.
    """
    count = len(clips)
    pictures = np.stack([clip.pictures for clip in clips], 1)
    covers = np.stack([clip.covers for clip in clips], 1)
    truth = torch.from_numpy(covers).to(device)[:, :, None]
    images = torch.from_numpy(pictures.reshape(-1, *pictures.shape[2:])).to(device).permute(0, 3, 1, 2)
    maps = network.encode(images)
    frames = [[level[i * count : (i + 1) * count] for level in maps] for i in range(FRAMES)]
    annotated = network.remember(frames[0], truth[0])
    prior = np.stack([mistaken(clip.covers[1], rng) for clip in clips])
    recent: Memory | None = annotated
    losses = []
    for number in range(1, FRAMES):
        given = None if number > 1 and rng.uniform() < SILENT else annotated
        logits = network.decode(frames[number], given, recent, _tensor(prior, device))
        losses.append(mask_loss(logits, truth[number]))
        found = logits.detach().sigmoid()
        recent = None if rng.uniform() < SILENT else network.remember(frames[number], found)
        if number + 1 < FRAMES:
            prior = _followed(found[:, 0].cpu().numpy(), pictures[number], pictures[number + 1], rng)
    return torch.stack(losses).mean()


def _followed(
    masks: npt.NDArray[np.float32],
    pictures: npt.NDArray[np.uint8],
    following: npt.NDArray[np.uint8],
    rng: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """The masks as they are expected in the frames that follow; now and then forgotten or left where they were."""
    flow = Flow()
    expected = []
    for mask, before, now in zip(masks, pictures, following, strict=True):
        kind = rng.uniform()
        if kind < 0.08:
            expected.append(np.zeros_like(mask))
        elif kind < 0.2:
            expected.append(mask)
        else:
            expected.append(moved(mask, flow.between(now, before)))
    return np.stack(expected)


def ramp(step: int, steps: int) -> float:
    """Share of the highest learning rate: linear up, then half a cosine down to a hundredth."""
    if step < WARM_UP_STEPS:
        return (step + 1) / WARM_UP_STEPS
    done = (step - WARM_UP_STEPS) / max(1, steps - WARM_UP_STEPS)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


def _tensor(masks: npt.NDArray[np.float32], device: torch.device) -> Tensor:
    return torch.from_numpy(masks)[:, None].to(device)


def kept(path: Path, encoder: str) -> tuple[Tracker, int]:
    """The running mean of the weights in a run's `training.pth`, and the step it comes from."""
    state = checkpoint.read(path)
    network = Tracker(encoder)
    network.load_state_dict(mean_weights(state))
    return network, int(state["step"])
