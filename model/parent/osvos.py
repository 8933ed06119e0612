"""OSVOS's own parent training (Caelles et al., CVPR 2017): what is an object, frame by frame.

After `kmaninis/OSVOS-PyTorch`, `train_parent.py`: single frames, flipped, turned by up to 30° and scaled by 0.75 to
1.25; the gradients of ten are added up before a step; the stages' own votes are supervised too, ever less: by
`1 - step / steps`; SGD with momentum 0.9, weight decay 2e-4, and the paper's multipliers of the learning rate.
The loss is a mean, where theirs is a sum over pixels whose rate depends on the picture's size.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim import SGD, AdamW, Optimizer

from model import checkpoint
from model.augment import Augmenter
from model.device import compute_for
from model.losses import balanced_loss
from model.network import BACKBONES, OSVOS
from model.parent.clips import Shot

SCALES: Final = (0.5, 0.8, 1.0)
"""Of the stored pictures, as in the paper."""

PLACES: Final = (
    # (names that begin with, rate of weights); biases learn at twice the rate, without decay
    ("score_dsn", 0.1),
    ("fuse", 0.01),
    ("", 1.0),
)
"""How fast the layers learn, against the trunk."""

WEIGHT_DECAY: Final = 2e-4

Sample = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class OsvosRecipe:
    """How a parent is trained; two runs with equal recipes give equal weights on one machine."""

    backbone: str
    steps: int = 50_000
    batch: int = 10
    """Frames whose gradients are added up for a step."""
    learning_rate: float = 5e-4
    """For VGG-16. The compact backbone is normalised and learns with AdamW: 2e-3 suits it."""
    seed: int = 0


class OsvosTraining:
    """The state of a training: network, optimiser and step."""

    def __init__(self, recipe: OsvosRecipe, network: OSVOS, shots: list[Shot], device: torch.device) -> None:
        self.recipe = recipe
        self.shots = shots
        # random weights under normalisation: AdamW, and a rate that falls
        self._normalised = BACKBONES[recipe.backbone].normalised
        self.compute = compute_for(device, recipe.backbone)
        self.network = network
        self.compute.place(network).train()
        self.optimiser = _optimiser(network, recipe)
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.step = 0

    @property
    def steps(self) -> int:
        """How many updates there are to be."""
        return self.recipe.steps

    def draw(self, step: int) -> list[Sample]:
        """Frames (H, W, 3) uint8 and their truth (1, H, W) float32, 0–1, of various sizes."""
        rng = np.random.default_rng((self.recipe.seed, step))
        return [self._sample(rng) for _ in range(self.recipe.batch)]

    def _sample(self, rng: np.random.Generator) -> Sample:
        shot = self.shots[int(rng.integers(len(self.shots)))]
        number = int(rng.integers(len(shot.masks)))
        scale = float(rng.choice(SCALES))
        picture, mask = (_scaled(plane[number], scale) for plane in (shot.pictures, shot.masks))
        return Augmenter(picture, mask[None].astype(np.float32) / np.float32(255), rng).draw()

    def update(self, batch: list[Sample]) -> float:
        """Add up the gradients of the frames, one by one since their sizes differ, and step."""
        remaining = 1 - self.step / self.steps
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * (remaining if self._normalised else 1)
        self.optimiser.zero_grad()
        total = 0.0
        for picture, truth in batch:
            loss = self._loss(picture, truth, remaining) / len(batch)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves backward() untyped
            total += loss.item()
        self.optimiser.step()
        self.step += 1
        return total

    def _loss(
        self, picture: npt.NDArray[np.uint8], truth: npt.NDArray[np.float32], side_weight: float
    ) -> Tensor:
        image = torch.from_numpy(picture).to(self.compute.device).permute(2, 0, 1)[None]
        expected = torch.from_numpy(truth)[None].to(self.compute.device)
        with self.compute.autocast():
            fused, sides = self.network.with_sides(image)
        loss = balanced_loss(fused, expected)
        for side in sides:
            loss = loss + side_weight * balanced_loss(side, expected)
        return loss

    def state(self) -> dict[str, Any]:
        """Everything that a later process needs to go on."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def begun(recipe: OsvosRecipe, weights: Path | None) -> OSVOS:
    """The network as training finds it: a file's weights, such as torchvision's VGG-16, or random ones."""
    torch.manual_seed(recipe.seed)
    return checkpoint.load_parent(weights) if weights else OSVOS(recipe.backbone)


def kept(path: Path, backbone: str) -> tuple[OSVOS, int]:
    """The network in a run's `training.pth`, and the step it comes from."""
    state = checkpoint.read(path)
    network = OSVOS(backbone)
    network.load_state_dict(state["network"])
    return network, int(state["step"])


def _optimiser(network: OSVOS, recipe: OsvosRecipe) -> Optimizer:
    if BACKBONES[recipe.backbone].normalised:
        return AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=0.01)
    groups: list[dict[str, Any]] = []
    for name, weight in network.named_parameters():
        rate = next(rate for beginning, rate in PLACES if name.startswith(beginning)) * recipe.learning_rate
        bias = name.endswith("bias")
        groups.append(
            {
                "params": [weight],
                "lr": 2 * rate if bias else rate,
                "weight_decay": 0 if bias else WEIGHT_DECAY,
            }
        )
    return SGD(groups, lr=recipe.learning_rate, momentum=0.9)


def _scaled(plane: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.resize(plane, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
