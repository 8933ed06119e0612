"""The training of the box tool's network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW

from model import checkpoint
from model.box.examples import Drawer, Example
from model.box.network import FOREGROUND, PLACE_STRIDE, BoxNetwork, normalised
from model.box.strokes import corrections
from model.errors import CheckpointError
from model.parent.averaging import AveragedTraining, averaged, mean_weights
from model.parent.tracker import ramp

AVERAGING: Final = 0.99
"""Of the running mean of the weights, which is what is kept."""

ENCODER_RATE: Final = 0.15
"""How fast ImageNet's layers learn, against the new ones."""

OUTSIDE: Final = 0.1
"""What a pixel outside the box weighs: the tool says nothing there."""


@dataclass(frozen=True)
class BoxRecipe:
    """How the network is trained; two runs with equal recipes give equal weights on one machine."""

    steps: int
    batch: int = 16
    learning_rate: float = 1e-3
    seed: int = 0
    weight_decay: float = 0.02


class BoxTraining(AveragedTraining):
    """The state of a training: network, its running mean, optimiser and step."""

    network: BoxNetwork

    def __init__(self, recipe: BoxRecipe, network: BoxNetwork, drawer: Drawer) -> None:
        self.recipe = recipe
        self.drawer = drawer
        self.network = network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub forgets modules
        self.mean = averaged(network, AVERAGING)
        known = [weight for weight in network.encoder.parameters() if weight.requires_grad]
        new = [weight for name, weight in network.named_parameters() if not name.startswith("encoder.")]
        self.optimiser = AdamW(
            [{"params": known, "share": ENCODER_RATE}, {"params": new, "share": 1.0}],
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        )
        self.step = 0

    @property
    def steps(self) -> int:
        """How many updates there are to be."""
        return self.recipe.steps

    def draw(self, step: int) -> list[Example]:
        """Examples for the update after `step` updates."""
        rng = np.random.default_rng((self.recipe.seed, step))
        return [self.drawer.draw(rng) for _ in range(self.recipe.batch)]

    def update(self, batch: list[Example]) -> float:
        """One step on a batch. Returns its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * group["share"] * ramp(self.step, self.steps)
        views, places, truth = tensors(batch)
        if self.step % 2:
            places = self._corrected(views, places, truth)
        # half precision is ten times faster on processors that have it, and no worse
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network(views, places)
        loss = box_loss(logits.float(), places[:, :1], truth)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves backward() untyped
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        self.mean.update_parameters(self.network)
        return loss.item()

    @torch.no_grad()
    def _corrected(self, views: Tensor, places: Tensor, truth: Tensor) -> Tensor:
        """The places with strokes over what the network is wrong about as it stands."""
        rng = np.random.default_rng((self.recipe.seed, self.step, 1))
        with torch.autocast("cpu", torch.bfloat16):
            found = self.network(views, places)[:, 0] > 0
        inside = F.interpolate(places[:, :1], scale_factor=PLACE_STRIDE // 2, mode="nearest")[:, 0] > 0
        drawn = [
            corrections(one.numpy(), real.numpy(), box.numpy(), rng)
            for one, real, box in zip(found, truth[:, 0] > 0.5, inside, strict=True)
        ]
        strokes = F.max_pool2d(torch.from_numpy(np.stack(drawn)), PLACE_STRIDE // 2)
        return torch.cat([places[:, :FOREGROUND], strokes], 1)


def tensors(batch: list[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Views as the network takes them, places, and the truth (N, 1, S / 2, S / 2), 0–1."""
    views = normalised(torch.from_numpy(np.stack([one.view for one in batch])))
    places = torch.from_numpy(np.stack([one.places for one in batch]))
    truth = torch.from_numpy(np.stack([one.truth for one in batch])).float()[:, None] / 255
    return views.contiguous(memory_format=torch.channels_last), places, F.avg_pool2d(truth, 2)


def box_loss(logits: Tensor, inside: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy plus one minus the overlap within the box, the mean over examples."""
    inside = F.interpolate(inside, scale_factor=PLACE_STRIDE // 2, mode="nearest")
    weight = OUTSIDE + (1 - OUTSIDE) * inside
    entropy = F.binary_cross_entropy_with_logits(logits, truth, weight, reduction="none")
    entropy = entropy.sum((-2, -1)) / weight.sum((-2, -1))
    found, truth = logits.sigmoid() * inside, truth * inside
    shared = (found * truth).sum((-2, -1))
    either = (found + truth - found * truth).sum((-2, -1))
    return (entropy + 1 - (shared + 5) / (either + 5)).mean()


@torch.no_grad()
def score(network: BoxNetwork, examples: list[Example]) -> float:
    """Mean overlap of what the network finds with the truth, in the view and within the box."""
    network.eval()
    overlaps = []
    for one in examples:
        views, places, truth = tensors([one])
        inside = F.interpolate(places[:, :1], scale_factor=PLACE_STRIDE // 2, mode="nearest") > 0
        found, real = (network(views, places) > 0) & inside, (truth > 0.5) & inside
        overlaps.append(float((found & real).sum() / (found | real).sum().clamp(min=1)))
    return sum(overlaps) / len(overlaps)


def begun(seed: int, backbone: Path) -> BoxNetwork:
    """The network as training finds it: ImageNet's encoder, random weights above it."""
    torch.manual_seed(seed)
    network = BoxNetwork()
    network.encoder.fill(checkpoint.read(backbone))
    return network


def kept(path: Path) -> tuple[BoxNetwork, int]:
    """The running mean of the weights in a run's `training.pth`, and the step it comes from."""
    state = checkpoint.read(path)
    network = BoxNetwork()
    try:
        network.load_state_dict(mean_weights(state))
        return network.eval(), int(state["step"])
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"{path} is no training of the box tool's network: {error}") from error
