"""OSVOS as it is commonly run, against Rotomill, on one machine: `python -m benchmarks.recipe DAVIS`.

The other side is our own plain writing of the public recipe (Caelles et al., CVPR 2017; the PyTorch and TensorFlow
ports): full 480p frames in float32 and NCHW; stages up-sampled by dense transposed convolutions to 64 channels at
full size, cropped at the centre, then fused; the class-balanced loss summed over the pixels; SGD at 1e-8 with
momentum 0.9 and weight decay 2e-4; flips, turns of up to 30°, scales of 0.75 to 1.25; the mask above 162/255.

Its parent network is no longer to be had at its published address: give VGG-16's or the parent's file with --weights.
Without one it starts from random weights, and its J says nothing of OSVOS's.
"""

import argparse
import copy
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD

from benchmarks.accuracy import HELD_OUT
from model import checkpoint
from model.augment import Augmenter, Variation
from model.datasets import TrainingSequence, training_sequence
from model.frames import AnnotatedFrame
from model.measures import jaccard
from model.network import OSVOS
from model.presets import Preset
from model.segmenters import Machine, Segmenter, segmenter
from model.segmenters.osvos import OsvosSegmenter
from worker.settings import WorkerSettings
from worker.tuning import machine_of

THRESHOLD: Final = 162 / 255
VARIATION: Final = Variation(translation=0, gain=0, offset=0)

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


class Plain(nn.Module):
    """The published network with the weights of ours, executed as the ports execute it."""

    def __init__(self, weights: OSVOS) -> None:
        super().__init__()
        weights = copy.deepcopy(weights)
        self.stages, self.side_prep, self.fuse = weights.stages, weights.side_prep, weights.fuse
        self.mean, self.scale = weights.mean, weights.scale
        self.upscale = nn.ModuleList(_bilinear(16, 2**power) for power in range(1, 5))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (1, 1, H, W) of pictures (1, 3, H, W), RGB 0–255."""
        features = (images.flip(1).float() - self.mean) * self.scale
        described = []
        for number, stage in enumerate(self.stages):
            features = stage(features)
            if number > 0:
                large = self.upscale[number - 1](self.side_prep[number - 1](features))
                described.append(_cropped(large, images.shape[-2], images.shape[-1]))
        logits: Tensor = self.fuse(torch.cat(described, 1))
        return logits


def summed_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """OSVOS's class-balanced cross-entropy, summed over the pixels."""
    labels = (truth >= 0.5).float()
    share = labels.mean()
    both = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return ((1 - share) * labels * both + share * (1 - labels) * both).sum()


class PlainRecipe:
    """Fine-tuning by the public recipe, step by step."""

    def __init__(self, start: OSVOS, first: AnnotatedFrame) -> None:
        self.network = Plain(start).train()
        learnt = [weight for name, weight in self.network.named_parameters() if "upscale" not in name]
        self._optimiser = SGD(learnt, lr=1e-8, momentum=0.9, weight_decay=2e-4)
        truth = (first.labels > 0).astype(np.float32)[None]
        self._augmenter = Augmenter(first.image, truth, np.random.default_rng(0), VARIATION)

    def step(self) -> None:
        """One forward and backward pass, and an update."""
        picture, truth = self._augmenter.draw()
        loss = summed_loss(self.network(_tensor(picture)), torch.from_numpy(truth)[None])
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves backward() untyped
        self._optimiser.step()

    @torch.no_grad()
    def segment(self, picture: Picture) -> Mask:
        """The object in a frame."""
        self.network.eval()
        return np.asarray((self.network(_tensor(picture)).sigmoid() > THRESHOLD)[0, 0].numpy())


def main(argv: Sequence[str] | None = None) -> int:
    """Times both, then lets the plain recipe learn for as long as our job took, and measures J of both."""
    asked = _arguments(argv)
    torch.manual_seed(0)
    start = checkpoint.load_parent(asked.weights) if asked.weights else OSVOS("vgg16")
    machine = machine_of(WorkerSettings(device="cpu"))
    print(
        f"plain: vgg16 from {asked.weights or 'random weights'}; ours: tier {machine.tier.name}", flush=True
    )
    _compare_speed(training_sequence(asked.davis, asked.sequences[0]), start, machine, asked.repeats)
    print(
        f"\nJ of every {asked.every}th frame, after as many seconds of learning and segmenting all frames:\n"
    )
    print(
        "| sequence | seconds | plain: steps | plain: J | ours: steps | ours: J |\n|---|---|---|---|---|---|"
    )
    for name in asked.sequences:
        _compare_masks(training_sequence(asked.davis, name), start, machine, asked.every)
    return 0


def _compare_speed(sequence: TrainingSequence, start: OSVOS, machine: Machine, repeats: int) -> None:
    first, frame = _first(sequence), sequence.image(1)
    plain = PlainRecipe(start, first)
    like = Preset("480p", 480, repeats, 1, 1e-3, 1, 1)
    print("\n| | s/step | times faster | s/frame | times faster |\n|---|---|---|---|---|", flush=True)
    base = _least(plain.step, repeats), _least(lambda: plain.segment(frame), repeats)
    _print_speed("the plain recipe, vgg16, 480p", base, base)
    same = OsvosSegmenter(like, machine.device, "vgg16", start)
    _print_speed("ours: `osvos`, vgg16, 480p", _speed(same, first, frame, repeats), base)
    auto = segmenter("auto", "balanced", machine)
    _print_speed("ours: `auto`, balanced", _speed(auto, first, frame, 4 * repeats), base)


def _speed(method: Segmenter, first: AnnotatedFrame, frame: Picture, repeats: int) -> tuple[float, float]:
    """The least seconds of a step and of a frame."""
    ends: list[float] = []
    learnt = method.learn(
        [first],
        objects=1,
        seed=0,
        on_step=lambda done, _most: ends.append(time.perf_counter()) if done else None,
        enough=lambda: len(ends) > repeats,
    )
    session = method.session(learnt, [first], objects=1)
    session.anchor(first.image, first.labels)
    return float(np.diff(ends).min()), _least(lambda: session.step(frame), repeats)


def _compare_masks(sequence: TrainingSequence, start: OSVOS, machine: Machine, every: int) -> None:
    first = _first(sequence)
    chosen = range(1, len(sequence) - 1, every)
    began = time.perf_counter()
    method = segmenter("auto", "balanced", machine)
    learnt = method.learn([first], objects=1, seed=0, on_step=lambda _done, _most: None, enough=lambda: False)
    session = method.session(learnt, [first], objects=1)
    session.anchor(first.image, first.labels)
    ours = [session.step(sequence.image(index)).labels > 0 for index in range(1, len(sequence))]
    given = time.perf_counter() - began
    began = time.perf_counter()
    plain, steps = PlainRecipe(start, first), 0
    frame_seconds = _least(lambda: plain.segment(first.image), 1)
    while time.perf_counter() - began + frame_seconds * len(sequence) < given or steps == 0:
        plain.step()
        steps += 1
    truths = {index: sequence.labels(index) > 127 for index in chosen}
    their_j = np.mean([jaccard(plain.segment(sequence.image(i)), truth) for i, truth in truths.items()])
    our_j = np.mean([jaccard(ours[index - 1], truth) for index, truth in truths.items()])
    print(
        f"| {sequence.name} | {given:.0f} | {steps} | {their_j:.3f} | {learnt.steps} | {our_j:.3f} |",
        flush=True,
    )


def _first(sequence: TrainingSequence) -> AnnotatedFrame:
    return AnnotatedFrame(sequence.image(0), (sequence.labels(0) > 127).astype(np.uint8))


def _least(action: Callable[[], object], repeats: int) -> float:
    """The least seconds of several calls."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _print_speed(name: str, seconds: tuple[float, float], base: tuple[float, float]) -> None:
    cells = [f"{own:.3f} | {plain / own:.1f}" for own, plain in zip(seconds, base, strict=True)]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _tensor(picture: Picture) -> Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].contiguous()


def _bilinear(channels: int, factor: int) -> nn.ConvTranspose2d:
    """Up-sampling as the ports have it: a dense kernel, of which only the diagonal is not zero."""
    size = 2 * factor
    layer = nn.ConvTranspose2d(channels, channels, size, stride=factor, bias=False)
    line = 1 - (torch.arange(size) - (size - 1) / 2).abs() / factor
    with torch.no_grad():
        layer.weight.zero_()
        for channel in range(channels):
            layer.weight[channel, channel] = torch.outer(line, line)
    return layer.requires_grad_(requires_grad=False)


def _cropped(large: Tensor, height: int, width: int) -> Tensor:
    """The middle of a picture."""
    top, left = (large.shape[-2] - height) // 2, (large.shape[-1] - width) // 2
    return large[..., top : top + height, left : left + width]


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recipe",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("davis", type=Path, help="root of a data set in DAVIS's layout")
    parser.add_argument("--weights", type=Path, help="the published parent, or torchvision's VGG-16")
    parser.add_argument("--sequences", nargs="+", default=HELD_OUT, help="default: the eight held out")
    parser.add_argument("--repeats", type=int, default=5, help="of which the least time counts")
    parser.add_argument("--every", type=int, default=5, help="score each n-th frame")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
