"""OnAVOS (Voigtlaender and Leibe, BMVC 2017): OSVOS that goes on learning from the frames it has segmented.

As published: what is surely the object and what is far from its last mask are learnt, between rehearsals of
the annotated frame, and nothing far from the last mask is kept. Less of it than published, so that a
processor can follow: a few steps every few frames instead of fifteen on each.
"""

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import AdamW

from model.augment import Augmenter
from model.frames import AnnotatedFrame, coverage, shrink, working_size
from model.learnt import Learnt
from model.network import OSVOS
from model.presets import Preset
from model.segmentation import Segmentation, decided
from model.segmenters.osvos import THRESHOLD, OsvosSegmenter, OsvosSession

SURE: Final = 0.97
"""Probability from which a pixel is learnt as the object."""

FAR: Final = 220 / 480
"""Of the short side: from this distance to the last mask on, a pixel is learnt as background (220 px of 480)."""

EVERY: Final = 5
"""Frames from one adaptation to the next."""

STEPS: Final = 3
"""Of an adaptation: one on the current frame, the others on the annotated ones."""

CURRENT_WEIGHT: Final = 0.05
LEARNING_RATE: Final = 1e-4


class OnavosSegmenter(OsvosSegmenter):
    """OSVOS with online adaptation."""

    name = "onavos"

    def session(
        self, learnt: Learnt, annotated: Sequence[AnnotatedFrame], *, objects: int
    ) -> "OnavosSession":
        """A clip on which the network goes on learning."""
        network = self._network(learnt, objects)
        return OnavosSession(network, self._preset, self._device, annotated)


class OnavosSession(OsvosSession):
    """The network, the last masks, and the annotated frames that keep it from drifting."""

    def __init__(
        self, network: OSVOS, preset: Preset, device: torch.device, annotated: Sequence[AnnotatedFrame]
    ) -> None:
        super().__init__(network, preset, device)
        learnt = [weight for weight in network.parameters() if weight.requires_grad]
        self._optimiser = AdamW(learnt, lr=LEARNING_RATE, weight_decay=0)
        self._augmenters = [self._augmenter(frame) for frame in annotated]
        self._near: npt.NDArray[np.bool_] | None = None
        self._frames = 0

    def anchor(self, frame: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> Segmentation:
        """As `Session`."""
        self._near = _near(labels)
        return super().anchor(frame, labels)

    def step(self, frame: npt.NDArray[np.uint8]) -> Segmentation:
        """As `Session`."""
        probability = self.probability(frame).cpu().numpy()
        if self._near is not None:
            probability = probability * self._near
            self._frames += 1
            if self._frames % EVERY == 0:
                self._adapt(frame, probability)
        found = decided(probability, THRESHOLD)
        self._near = _near(found.labels)
        return found

    def _adapt(self, frame: npt.NDArray[np.uint8], probability: npt.NDArray[np.float32]) -> None:
        """Learn from this frame what is beyond doubt, and rehearse the annotated ones."""
        self._network.train()
        self._learn(CURRENT_WEIGHT * self._current_loss(frame, probability))
        for number in range(STEPS - 1):
            picture, truth = self._augmenters[(self._frames + number) % len(self._augmenters)].draw()
            target = torch.from_numpy(truth)[None].to(self._compute.device)
            self._learn(F.binary_cross_entropy_with_logits(self._network(self._input(picture)), target))
        self._network.eval()

    def _current_loss(self, frame: npt.NDArray[np.uint8], probability: npt.NDArray[np.float32]) -> Tensor:
        size = working_size(frame.shape[0], frame.shape[1], self._short_side_px)
        logits = self._network(self._input(shrink(frame, size)))[0]
        near = _scaled(np.ones_like(probability[0]) if self._near is None else self._near, size)
        sure = np.stack([_scaled(plane > SURE, size) for plane in probability])
        target = torch.from_numpy(sure.astype(np.float32)).to(logits.device)
        known = torch.from_numpy(np.maximum(sure, ~near[None]).astype(np.float32)).to(logits.device)
        losses = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return (losses * known).sum() / known.sum().clamp(min=1)

    def _learn(self, loss: Tensor) -> None:
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves backward() untyped
        self._optimiser.step()

    def _augmenter(self, frame: AnnotatedFrame) -> Augmenter:
        size = working_size(frame.labels.shape[0], frame.labels.shape[1], self._short_side_px)
        covers = coverage(frame.labels, self._network.objects, size)
        return Augmenter(shrink(frame.image, size), covers, np.random.default_rng(0))

    def _input(self, picture: npt.NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(picture).to(self._compute.device).permute(2, 0, 1)[None]


def _near(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_] | None:
    """What is not far from the objects, (H, W); None where there are none, since they may be anywhere."""
    if not labels.any():
        return None
    distance = cv2.distanceTransform((labels == 0).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(distance < FAR * min(labels.shape), np.bool_)


def _scaled(mask: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    return cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST) > 0
