"""What a picture shows, at four scales: the encoders under the tracking network."""

from collections.abc import Mapping
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.errors import NetworkError

STRIDES: Final = (2, 4, 8, 16)
"""Pixels of the picture per pixel of each of an encoder's four maps."""

STRIDE: Final = STRIDES[-1]

GROUPS: Final = 8
"""Of channels that are normalised together."""

_IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)
"""Of RGB in 0–1."""


class Encoder(nn.Module):
    """Pictures (N, 3, H, W), RGB, 0–255, to one map a stride: (N, C, H/stride, W/stride), finest first.

    H and W must be multiples of 16.
    """

    widths: tuple[int, ...]
    frozen: bool
    """Whether training leaves it as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer(
            "deviation", torch.tensor(_IMAGENET_DEVIATION).view(1, 3, 1, 1) * 255, persistent=False
        )

    def _normalise(self, images: Tensor) -> Tensor:
        return (images.float() - self.get_buffer("mean")) / self.get_buffer("deviation")


class CompactEncoder(Encoder):
    """A residual network small enough to train from random weights on a processor: 2.4 M weights."""

    widths = (24, 48, 96, 192)
    frozen = False

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 5, stride=2, padding=2, bias=False), norm(24), nn.ReLU())
        self.stages = nn.ModuleList(
            [
                nn.Sequential(Residual(24, 48, stride=2)),
                nn.Sequential(Residual(48, 96, stride=2), Residual(96, 96)),
                nn.Sequential(Residual(96, 192, stride=2), Residual(192, 192), Residual(192, 192)),
            ]
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        maps = [self.stem(self._normalise(images))]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps


class ResNet18Encoder(Encoder):
    """ResNet-18 (He et al., CVPR 2016) up to layer3, its batch normalisation folded into the convolutions.

    The modules have torchvision's names. Its weights are ImageNet's; they are never trained here.
    """

    widths = (64, 64, 128, 256)
    frozen = True

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3)
        self.layer1 = nn.Sequential(_BasicBlock(64, 64), _BasicBlock(64, 64))
        self.layer2 = nn.Sequential(_BasicBlock(64, 128, stride=2), _BasicBlock(128, 128))
        self.layer3 = nn.Sequential(_BasicBlock(128, 256, stride=2), _BasicBlock(256, 256))
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        first = F.relu(self.conv1(self._normalise(images)))
        maps = [first, self.layer1(F.max_pool2d(first, 3, stride=2, padding=1))]
        for layer in (self.layer2, self.layer3):
            maps.append(layer(maps[-1]))
        return maps

    def fill(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of torchvision's `resnet18`; what lies beyond layer3 is not needed.

        Raises NetworkError if they are not such weights.
        """
        try:
            folded = dict(_folded(weights, [name for name, _ in self.named_parameters()]))
            self.load_state_dict(folded)
        except (KeyError, RuntimeError) as error:
            raise NetworkError(f"These are not the weights of torchvision's ResNet-18: {error}") from error


class _BasicBlock(nn.Module):
    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.downsample = (
            nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride=stride))
            if stride > 1 or channels_in != channels
            else nn.Sequential()
        )

    def forward(self, features: Tensor) -> Tensor:
        inner = self.conv2(F.relu(self.conv1(features)))
        return F.relu(inner + self.downsample(features))


class Residual(nn.Module):
    """Two 3x3 convolutions with group normalisation, added to what went in."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False),
            norm(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            norm(channels),
        )
        same = stride == 1 and channels_in == channels
        self.skip = nn.Identity() if same else nn.Conv2d(channels_in, channels, 1, stride=stride)

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(self.inner(features) + self.skip(features))


def norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(GROUPS, channels)


ENCODERS: Final[dict[str, type[Encoder]]] = {"compact": CompactEncoder, "resnet18": ResNet18Encoder}


def encoder(name: str) -> Encoder:
    """An encoder by name, with random weights. NetworkError if there is none of that name."""
    if name not in ENCODERS:
        raise NetworkError(f"There is no encoder {name!r}: choose one of {', '.join(ENCODERS)}.")
    return ENCODERS[name]()


def _folded(weights: Mapping[str, Tensor], names: list[str]) -> list[tuple[str, Tensor]]:
    """Each convolution's weight and bias, with the batch normalisation that follows it folded in."""
    found = []
    for name in names:
        layer, kind = name.rsplit(".", 1)
        after = _normalisation_after(layer)
        gain = weights[f"{after}.weight"] / (weights[f"{after}.running_var"] + 1e-5).sqrt()
        if kind == "weight":
            value = weights[name] * gain.view(-1, 1, 1, 1)
        else:
            value = weights[f"{after}.bias"] - weights[f"{after}.running_mean"] * gain
        found.append((name, value))
    return found


def _normalisation_after(convolution: str) -> str:
    """Torchvision's name of the batch normalisation that follows a convolution."""
    if convolution.endswith("downsample.0"):
        return convolution.removesuffix("0") + "1"
    return convolution[: -len("conv1")] + "bn" + convolution[-1]
