"""Appearance, matching and propagation together: the tracking network, frame after frame.

`auto` uses all of its evidence. `masktrack` leaves matching out, and is what MaskTrack (Perazzi et al., CVPR
2017) is: a mask refined from frame to frame by a network that was fine-tuned on the annotated one.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model import tiers
from model.device import place
from model.flow import Flow, moved
from model.frames import AnnotatedFrame
from model.learnt import Description, Learnt
from model.presets import Effort
from model.rehearsal import rehearse, seen
from model.segmentation import Segmentation, as_given, decided, exclusive
from model.segmenters.interface import OnStep
from model.tiers import Tier
from model.tracker import Memory, Tracker
from model.views import View, view_of, whole_view

Picture = npt.NDArray[np.uint8]
Planes = npt.NDArray[np.float32]

ABSENT: Final = -8.0
"""The logit outside of what was looked at."""

SMOOTHING: Final = 0.4
"""Share of the last frame's logits, moved along the flow, in this frame's.

Compact tier, hike, mallard-water, horsejump-low and motocross-bumps: 0, 0.2 and 0.4 gave T 0.219, 0.202 and 0.186
(the truth's own is 0.176), J 0.811, 0.812 and 0.812, F 0.826, 0.830 and 0.830. On all eight held-out sequences 0.4 cost
0.004 of J and 0.003 of F, where motion is fast. The mean with the mirrored picture's logits: T 0.211, J 0.816,
F 0.832, for twice the time, and was left out.
"""

CERTAIN: Final = 0.998
"""No expectation is surer than this: what is seen can overrule it."""


class TrackingSegmenter:
    """The tracking network of a tier, rehearsed for each clip."""

    def __init__(self, tier: Tier, effort: Effort, device: torch.device, *, matching: bool) -> None:
        self._parent = tier.parent
        self._effort, self._device, self._matching = effort, device, matching
        self.description: Description = {
            "name": "tracker" if matching else "masktrack",
            "tier": tier.name,
            "encoder": tier.parent.encoder_name,
            **{f"sha256:{name}": digest for name, digest in tier.sha256.items()},
        }
        self.steps = effort.steps
        self.seconds_per_step = effort.seconds_per_step
        self.seconds_per_frame = effort.seconds_per_frame
        self.learns_each_object = False

    def learn(
        self,
        annotated: Sequence[AnnotatedFrame],
        *,
        objects: int,
        seed: int,
        on_step: OnStep,
        enough: Callable[[], bool],
        start: Learnt | None = None,
    ) -> Learnt:
        """Rehearse frames made of the annotated ones."""
        network, steps = rehearse(
            self._parent if start is None else self._network(start),
            annotated,
            self._effort if start is None else self._effort.again,
            objects=objects,
            seed=seed,
            device=self._device,
            matching=self._matching,
            on_step=on_step,
            enough=enough,
        )
        return Learnt(tiers.trained(network), steps)

    def session(
        self, learnt: Learnt, annotated: Sequence[AnnotatedFrame], *, objects: int
    ) -> "TrackingSession":
        """A clip, with the annotated frames in mind."""
        network = self._network(learnt)
        return TrackingSession(
            network, annotated, objects, self._effort.pixels, self._device, matching=self._matching
        )

    def _network(self, learnt: Learnt) -> Tracker:
        network = copy.deepcopy(self._parent)
        tiers.fill(network, learnt.weights)
        return network


class TrackingSession:
    """One clip, from its annotated frames on, in order. Memory does not grow with its length."""

    def __init__(
        self,
        network: Tracker,
        annotated: Sequence[AnnotatedFrame],
        objects: int,
        pixels: int,
        device: torch.device,
        *,
        matching: bool = True,
    ) -> None:
        self._network = place(network, device).eval()
        self._objects = objects
        self._pixels = pixels
        self._device = device
        self._flow = Flow()
        self._matching = matching
        self._annotated = self._learnt(annotated) if matching else None
        self._last: tuple[Picture, Planes] | None = None
        self._recent = self._annotated

    @torch.inference_mode()
    def _learnt(self, annotated: Sequence[AnnotatedFrame]) -> Memory:
        memories = []
        for frame in annotated:
            near = view_of(frame.labels > 0, self._pixels)
            views = {near, whole_view(frame.labels.shape, self._pixels)}
            for view in views:
                picture, covers = seen(frame, view, self._objects)
                maps = self._network.encode(self._tensor(picture))
                memories.append(self._network.remember(maps, torch.from_numpy(covers)[None].to(self._device)))
        return Memory.of_all(memories)

    def anchor(self, frame: Picture, labels: npt.NDArray[np.uint8]) -> Segmentation:
        """Go on from this frame, whose labels (H, W) are the caller's own."""
        masks = np.stack([(labels == k + 1).astype(np.float32) for k in range(self._objects)])
        self._last = frame, masks
        self._recent = self._annotated
        return as_given(labels, self._objects)

    def again(self) -> "TrackingSession":
        """As `Session`: with the same network and the same frames in mind."""
        other = copy.copy(self)
        other._flow, other._last, other._recent = Flow(), None, self._annotated
        return other

    @torch.inference_mode()
    def step(self, frame: Picture) -> Segmentation:
        """The objects in the next frame, (H, W, 3) uint8 RGB."""
        height, width = frame.shape[:2]
        if self._last is None or not (self._last[1] > 0.5).any():
            view = whole_view((height, width), self._pixels)
        else:
            view = view_of(np.asarray((self._last[1] > 0.5).any(axis=0)), self._pixels)
        picture = view.of(frame)
        maps = self._network.encode(self._tensor(picture))
        prior = self._expected(picture, view)
        found = _smoothed(self._network.decode(maps, self._annotated, self._recent, prior), prior)
        logits = found[0].cpu().numpy()
        whole = np.stack([view.onto(plane, (height, width), ABSENT) for plane in logits])
        probability = exclusive(whole)
        self._last = frame, probability
        if self._matching:
            self._recent = self._network.remember(maps, found.sigmoid())
        return decided(probability)

    def _expected(self, picture: Picture, view: View) -> Tensor:
        """Where the objects are expected, (1, K, h, w): the last masks, moved along the flow."""
        if self._last is None:
            return torch.zeros(1, self._objects, *view.size, device=self._device)
        before = view.of(self._last[0])
        masks = np.stack([view.of(mask) for mask in self._last[1]])
        flow = self._flow.between(picture, before)
        masks = np.stack([moved(mask, flow) for mask in masks])
        return torch.from_numpy(masks)[None].to(self._device)

    def _tensor(self, picture: Picture) -> Tensor:
        return torch.from_numpy(picture).to(self._device).permute(2, 0, 1)[None]


def _smoothed(logits: Tensor, prior: Tensor) -> Tensor:
    """The logits (1, K, h, w), with a share of what was expected, (1, K, h, w) 0–1, where anything was."""
    expected = prior.logit(eps=1 - CERTAIN)
    known = (prior.amax((2, 3), keepdim=True) > 0.5).to(logits.dtype)
    return logits + SMOOTHING * known * (expected - logits)
