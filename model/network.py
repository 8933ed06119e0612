"""The OSVOS network (Caelles et al., CVPR 2017): a VGG trunk whose stages each vote on every pixel.

Differs from the published ports where those are wrong or wasteful, never in what the weights mean:

* The input is padded to a multiple of 16, so that every stage's pixels lie where up-sampling puts
  them. The ports crop the centre instead, which shifts the coarse stages by up to 5 pixels.
* `fuse` is applied per stage at low resolution and the sum taken after up-sampling. Both steps are
  linear, so the result is the same as concatenating 64 up-sampled channels, at 1/180 of the work.
* Up-sampling interpolates. The ports execute a dense transposed convolution for a diagonal kernel.
"""

import copy
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.errors import NetworkError

STRIDE: Final = 16
"""Pixels of the input per pixel of the coarsest stage."""

SIDE_CHANNELS: Final = 16
"""Channels in which each stage describes a pixel to `fuse`; 16 as published."""


MOST_OBJECTS: Final = 254
"""Labels are bytes: 0 is the background, and 255 means "unknown" to DAVIS."""

GROUPS: Final = 8
"""Of channels that are normalised together: at least two in each, at 16 channels."""


@dataclass(frozen=True)
class Backbone:
    """A VGG trunk: output channels of the convolutions of each of its five stages."""

    stages: tuple[tuple[int, ...], ...]
    normalised: bool
    mean: tuple[float, float, float]
    scale: float
    """Input = (BGR in 0–255 minus `mean`) times `scale`."""


_CAFFE_MEAN: Final = (104.00699, 116.66877, 122.67892)

BACKBONES: Final[dict[str, Backbone]] = {
    # As published: every VGG layer up to conv5_3, input in Caffe's units.
    "vgg16": Backbone(
        stages=((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
        normalised=False,
        mean=_CAFFE_MEAN,
        scale=1.0,
    ),
    # A quarter of the channels and group normalisation: random weights must train in the few hundred
    # steps that a processor has time for. Batch normalisation remembers the light and the background of
    # the annotated frame and was worse: J 0.65 against 0.73, each at its best threshold (120 steps at 240 px,
    # full balance, mean of the five sequences of `THRESHOLD` in segmenters/osvos.py), in the same time.
    # 1/64 brings the input to about unit variance.
    "compact": Backbone(
        stages=((16,) * 2, (32,) * 2, (64,) * 3, (128,) * 3, (128,) * 3),
        normalised=True,
        mean=_CAFFE_MEAN,
        scale=1 / 64,
    ),
}


class OSVOS(nn.Module):
    """One-shot video object segmentation: RGB pictures in, one logit per object and pixel out.

    The names of the modules are those of the published PyTorch port, so its weights load as they are.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, backbone: str = "vgg16", objects: int = 1) -> None:
        super().__init__()
        if backbone not in BACKBONES:
            raise NetworkError(f"There is no backbone {backbone!r}: choose one of {', '.join(BACKBONES)}.")
        if not 1 <= objects <= MOST_OBJECTS:
            raise NetworkError(f"A network looks for 1 to {MOST_OBJECTS} objects, not {objects}.")
        trunk = BACKBONES[backbone]
        self.backbone = backbone
        self.objects = objects
        widths = [stage[-1] for stage in trunk.stages]
        self.stages = nn.ModuleList(
            _stage(channels_in, convolutions, pooled=channels_in != 3, normalised=trunk.normalised)
            for channels_in, convolutions in zip([3, *widths], trunk.stages, strict=False)
        )
        # The first stage has no vote: it sees 5 pixels.
        self.side_prep = nn.ModuleList(nn.Conv2d(width, SIDE_CHANNELS, 3, padding=1) for width in widths[1:])
        self.score_dsn = nn.ModuleList(nn.Conv2d(SIDE_CHANNELS, objects, 1) for _ in widths[1:])
        self.fuse = nn.Conv2d(SIDE_CHANNELS * len(widths[1:]), objects, 1)
        # Weights of another origin may expect another mean, so it travels with them.
        self.register_buffer("mean", torch.tensor(trunk.mean).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(trunk.scale))
        self._initialise()

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K, H, W), float32, for RGB pictures (N, 3, H, W), uint8 or float, 0–255."""
        votes = self._fused_votes(self._describe(images))
        return _at_input_size(votes, images)

    def with_sides(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The logits of `forward`, and those of each stage by itself, for deep supervision.

        Only the training of a parent network supervises the stages, so only it pays for them.
        """
        described = self._describe(images)
        sides = [
            _at_input_size([score(features)], images)
            for score, features in zip(self.score_dsn, described, strict=True)
        ]
        return _at_input_size(self._fused_votes(described), images), sides

    def _describe(self, images: Tensor) -> list[Tensor]:
        """What stages 2–5 say of each of their pixels: (N, 16, h, w) at strides 2, 4, 8 and 16."""
        features = self._normalise(images)
        described = []
        for number, stage in enumerate(self.stages):
            features = stage(features)
            if number > 0:
                described.append(self.side_prep[number - 1](features))
        return described

    def _normalise(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        bgr = (images.flip(1).float() - self.mean) * self.scale
        return F.pad(bgr, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")

    def _fused_votes(self, described: list[Tensor]) -> list[Tensor]:
        """`fuse`, stage by stage: (N, K, h, w) each. Its bias is counted once, in the first."""
        weights = self.fuse.weight.chunk(len(described), dim=1)
        votes = [F.conv2d(features, weight) for features, weight in zip(described, weights, strict=True)]
        votes[0] = votes[0] + self.get_parameter("fuse.bias").view(1, -1, 1, 1)
        return votes

    def _initialise(self) -> None:
        for layer in _convolutions(self.stages):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            _zero_bias(layer)
        # VGG's features have the size of its input, hundreds: the published 0.001 keeps the first
        # votes near zero. Normalised features are of unit size and ask for the usual width.
        normalised = BACKBONES[self.backbone].normalised
        for layer in _convolutions(self.side_prep, self.score_dsn, self.fuse):
            nn.init.normal_(layer.weight, std=layer.weight[0].numel() ** -0.5 if normalised else 0.001)
            _zero_bias(layer)


def for_objects(parent: OSVOS, objects: int) -> OSVOS:
    """A copy of `parent` that looks for `objects` objects, each starting from the parent's one.

    Raises NetworkError if the parent looks for several objects, but not for that many.
    """
    network = copy.deepcopy(parent)
    if parent.objects == objects:
        return network
    if parent.objects != 1:
        raise NetworkError(
            f"A network fine-tuned for {parent.objects} objects cannot look for {objects}: "
            "start from its parent, or annotate the same objects."
        )
    network.objects = objects
    network.fuse = _repeated(network, "fuse", objects)
    network.score_dsn = nn.ModuleList(
        _repeated(network, f"score_dsn.{number}", objects) for number in range(len(network.score_dsn))
    )
    return network


def _repeated(network: OSVOS, name: str, objects: int) -> nn.Conv2d:
    """The 1x1 convolution of that name, its only output channel repeated for each object."""
    weight, bias = (network.get_parameter(f"{name}.{kind}").detach() for kind in ("weight", "bias"))
    layer = nn.Conv2d(weight.shape[1], objects, 1, device=weight.device)
    layer.weight = nn.Parameter(weight.repeat(objects, 1, 1, 1))
    layer.bias = nn.Parameter(bias.repeat(objects))
    return layer


def _stage(
    channels_in: int, convolutions: tuple[int, ...], *, pooled: bool, normalised: bool
) -> nn.Sequential:
    layers: list[nn.Module] = [nn.MaxPool2d(2, 2, ceil_mode=True)] if pooled else []
    for channels in convolutions:
        layers.append(nn.Conv2d(channels_in, channels, 3, padding=1, bias=not normalised))
        if normalised:
            layers.append(nn.GroupNorm(GROUPS, channels))
        layers.append(nn.ReLU(inplace=True))
        channels_in = channels
    return nn.Sequential(*layers)


def _at_input_size(votes: list[Tensor], images: Tensor) -> Tensor:
    """The sum of the votes, each up-sampled from its own stride, without the padding."""
    height, width = images.shape[-2:]
    padded = (height + -height % STRIDE, width + -width % STRIDE)
    full = (F.interpolate(vote.float(), size=padded, mode="bilinear", align_corners=False) for vote in votes)
    return functools.reduce(torch.add, full)[..., :height, :width]


def _convolutions(*modules: nn.Module) -> Iterator[nn.Conv2d]:
    for module in modules:
        yield from (layer for layer in module.modules() if isinstance(layer, nn.Conv2d))


def _zero_bias(layer: nn.Conv2d) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
