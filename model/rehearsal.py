"""Online fine-tuning of the tracking network: rehearse the clip with frames made from the annotated ones."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim import AdamW

from model.device import place
from model.frames import AnnotatedFrame, check
from model.losses import mask_loss
from model.lucid import BACKGROUND, LEAP, Pose, box_of, composed, drawn, lit, mistaken, taken_apart
from model.presets import Effort
from model.tracker import Memory, Tracker
from model.views import View, view_of, whole_view

Covers = npt.NDArray[np.float32]

HELD_OUT: Final = 2
"""Views that are never learnt from: when they get no better, there is no more to learn."""

CHECK_EVERY: Final = 20
"""Steps from one look at them to the next."""

PATIENCE: Final = 3
"""Looks without an improvement after which learning ends."""

WARM_UP_STEPS: Final = 10

SILENT: Final = 0.3
"""How often each memory says nothing …"""

FORGOTTEN: Final = 0.4
"""… and the last mask neither, so that the network learns what the objects look like, not only to follow.

Without the two, J of the compact network after 120 steps was 0.66 in place of 0.75 on average (dog-agility, soccerball,
car-turn, first 24 frames, a parent of 1,000 steps); the standard tier's did not change.
"""


def rehearse(
    parent: Tracker,
    annotated: Sequence[AnnotatedFrame],
    effort: Effort,
    *,
    objects: int,
    seed: int,
    device: torch.device,
    matching: bool = True,
    on_step: Callable[[int, int], None],
    enough: Callable[[], bool] = lambda: False,
) -> tuple[Tracker, int]:
    """A copy of `parent` that has rehearsed the annotated objects, and the steps it took.

    The same seed gives the same network on a processor (with as many threads). `on_step(done, at most)` is
    called after each step; what it raises stops the work. Ends before `effort.steps` when views that are
    not learnt from get no better, or when `enough()`. Without `matching`, the network learns to do without.

    Raises AnnotationError if there is nothing to learn from.
    """
    check(annotated, objects)
    rng = np.random.default_rng(seed)
    network = place(copy.deepcopy(parent), device)
    rehearsal = Rehearsal(
        network, annotated, effort, objects, rng, matching, lambda: on_step(0, effort.steps)
    )
    best = Best(network, rehearsal.examine())
    for step in range(1, effort.steps + 1):
        rehearsal.step(effort.learning_rate * _ramp(step, effort.steps))
        on_step(step, effort.steps)
        if step % CHECK_EVERY == 0 or step == effort.steps:
            best.compare(rehearsal.examine())
        if best.waited >= PATIENCE or enough():
            break
    else:
        step = effort.steps
    return best.restored(), step


class Best:
    """The network as it was when it was best."""

    def __init__(self, network: Tracker, loss: float) -> None:
        self._network = network
        self.waited = 0
        self._keep(loss)

    def compare(self, loss: float) -> None:
        """Keep the network as it is now if its loss is the least yet."""
        self.waited += 1
        if loss < self._loss:
            self._keep(loss)

    def restored(self) -> Tracker:
        """The network as it was when kept, ready to segment."""
        self._network.load_state_dict(self._kept)
        return self._network.eval()

    def _keep(self, loss: float) -> None:
        self._loss, self.waited = loss, 0
        self._kept = copy.deepcopy(self._network.state_dict())


@dataclass(frozen=True)
class Example:
    """A frame to learn from: the picture (1, 3, h, w) uint8, and its objects' covers (1, K, h, w)."""

    picture: Tensor
    covers: Tensor


class Rehearsal:
    """The network, its optimiser, and the frames that it rehearses.

    A frozen encoder sees each frame once. Another sees again those that it learns from, at every step, and
    the annotated ones now and then.
    """

    def __init__(
        self,
        network: Tracker,
        annotated: Sequence[AnnotatedFrame],
        effort: Effort,
        objects: int,
        rng: np.random.Generator,
        matching: bool,
        alive: Callable[[], None],
    ) -> None:
        self._network, self._rng, self._matching = network, rng, matching
        self._optimiser = AdamW([w for w in network.parameters() if w.requires_grad], weight_decay=0)
        self._maps: dict[int, list[Tensor]] = {}
        device = network.sharpness.device
        self._originals = [_original(frame, objects, effort.pixels, device) for frame in annotated]
        made = []
        for number in range(HELD_OUT + max(2, effort.views)):
            frame = annotated[number % len(annotated)]
            made.append(_made(frame, objects, effort.pixels, rng, device))
            alive()
        self._held, self._learnt = made[:HELD_OUT], made[HELD_OUT:]
        self._tests = [self._mistaken(example) for example in self._held]

    def step(self, learning_rate: float) -> None:
        """Find the objects in one of the frames, given another as the last, and learn from the mistake."""
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        self._network.train()
        current, last = (self._learnt[i] for i in self._rng.choice(len(self._learnt), 2, replace=False))
        maps = self._encoded(current)
        recent = annotated = None
        if self._matching and self._rng.uniform() > SILENT:
            recent = self._network.remember(self._glimpsed(last), self._mistaken(last))
        if self._rng.uniform() > SILENT:
            annotated = self._annotated()
        prior = self._mistaken(current)
        if self._rng.uniform() < FORGOTTEN:
            prior = torch.zeros_like(prior)
        logits = self._network.decode(maps, annotated, recent, prior)
        loss = mask_loss(logits, current.covers)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves backward() untyped
        nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimiser.step()

    @torch.no_grad()
    def examine(self) -> float:
        """The mean loss on the frames that are not learnt from."""
        self._network.eval()
        if not self._network.encoder.frozen:
            self._maps.clear()
        annotated = self._annotated()
        losses = []
        for example, prior in zip(self._held, self._tests, strict=True):
            logits = self._network.decode(self._encoded(example), annotated, None, prior)
            losses.append(float(mask_loss(logits, example.covers)))
        return sum(losses) / len(losses)

    def _annotated(self) -> Memory | None:
        if not self._matching:
            return None
        memories = [self._network.remember(self._glimpsed(frame), frame.covers) for frame in self._originals]
        return Memory.of_all(memories)

    def _encoded(self, example: Example) -> list[Tensor]:
        """The frame's maps, for the encoder to learn from."""
        if self._network.encoder.frozen:
            return self._glimpsed(example)
        return self._network.encode(example.picture)

    @torch.no_grad()
    def _glimpsed(self, example: Example) -> list[Tensor]:
        """The frame's maps, as they were when last looked at."""
        if id(example) not in self._maps:
            self._maps[id(example)] = self._network.encode(example.picture)
        return self._maps[id(example)]

    def _mistaken(self, example: Example) -> Tensor:
        covers = example.covers[0].cpu().numpy()
        wrong = np.stack([mistaken(cover, self._rng) for cover in covers])
        return torch.from_numpy(wrong)[None].to(example.covers.device)


def seen(frame: AnnotatedFrame, view: View, objects: int) -> tuple[npt.NDArray[np.uint8], Covers]:
    """The picture (h, w, 3) and the covers (K, h, w), 0–1, that a view shows of an annotated frame."""
    masks = [(frame.labels == number + 1).astype(np.float32) for number in range(objects)]
    return view.of(frame.image), np.stack([view.of(mask) for mask in masks])


def _original(frame: AnnotatedFrame, objects: int, pixels: int, device: torch.device) -> Example:
    return _example(*seen(frame, view_of(frame.labels > 0, pixels), objects), device)


def _made(
    frame: AnnotatedFrame, objects: int, pixels: int, rng: np.random.Generator, device: torch.device
) -> Example:
    """A frame made of an annotated one: near its objects, as most will be seen, or, one in four, all of it."""
    near = rng.uniform() < 0.75
    height, width = frame.labels.shape
    view = view_of(frame.labels > 0, pixels) if near else whole_view((height, width), pixels)
    picture, covers = seen(frame, view, objects)
    ground = drawn(rng, BACKGROUND, (0, 0, picture.shape[1], picture.shape[0]))
    poses: list[Pose | None] = [drawn(rng, LEAP, box_of(c)) if c.max() > 0.5 else None for c in covers]
    image, made = composed(taken_apart(picture, covers), ground, poses)
    if rng.uniform() < 0.5:
        image, made = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(made[:, :, ::-1])
    return _example(lit(image, rng, 0.5), made, device)


def _example(picture: npt.NDArray[np.uint8], covers: Covers, device: torch.device) -> Example:
    image = torch.from_numpy(picture).to(device).permute(2, 0, 1)[None]
    return Example(image, torch.from_numpy(covers).to(device)[None])


def _ramp(step: int, steps: int) -> float:
    """Share of the highest learning rate: up in a few steps, then down in a line to a tenth."""
    return min(1.0, step / WARM_UP_STEPS) * max(0.1, 1 - step / steps)
