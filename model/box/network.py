"""The network that tells the object in a box from what lies around it."""

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.encoders import ResNet18Encoder

SIZE: Final = 224
"""Side of the view, in pixels."""

PLACE_STRIDE: Final = 4
"""Pixels of the view per pixel of the maps that say where the box and the strokes lie."""

PLACES: Final = 5
"""Such maps: inside or not, the distance from the box's middle across and down in half boxes, and strokes on the object
and on the background."""

FOREGROUND: Final = 3
BACKGROUND: Final = 4
"""Which of the maps the strokes are."""

MEAN: Final = (0.485, 0.456, 0.406)
DEVIATION: Final = (0.229, 0.224, 0.225)
"""ImageNet's, of RGB in 0–1."""


class BoxNetwork(nn.Module):
    """Views (N, 3, SIZE, SIZE), normalised RGB, and places (N, PLACES, SIZE / 4, SIZE / 4) to logits (N, 1, SIZE / 2,
    SIZE / 2) of the object.

    ResNet-18 up to layer3, with the box added to what layer1 found, under a pyramid (Lin et al., CVPR 2017).
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = ResNet18Encoder()
        for stage in (self.encoder.layer1, self.encoder.layer2, self.encoder.layer3):
            stage.requires_grad_(True)
        self.place = nn.Conv2d(PLACES, 64, 3, padding=1)
        for weight in self.place.parameters():  # the encoder begins as ImageNet left it
            nn.init.zeros_(weight)
        self.around = nn.Sequential(_block(256, 96), _block(96, 96, spread=2), _block(96, 96, spread=4))
        self.sides = nn.ModuleList([nn.Conv2d(128, 96, 1), nn.Conv2d(64, 48, 1), nn.Conv2d(64, 24, 1)])
        self.steps = nn.ModuleList([_block(96, 48), _block(48, 24), _block(24, 24)])
        self.head = nn.Conv2d(24, 1, 3, padding=1)

    def forward(self, views: Tensor, places: Tensor) -> Tensor:
        first = F.relu(self.encoder.conv1(views))
        second = self.encoder.layer1(F.max_pool2d(first, 3, stride=2, padding=1)) + self.place(places)
        third = self.encoder.layer2(second)
        found = self.around(self.encoder.layer3(third))
        for side, step, finer in zip(self.sides, self.steps, (third, second, first), strict=True):
            larger = F.interpolate(found, scale_factor=2, mode="bilinear", align_corners=False)
            found = step(larger + side(finer))
        logits: Tensor = self.head(found)
        return logits


def _block(channels_in: int, channels: int, spread: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels, 3, padding=spread, dilation=spread)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    nn.init.zeros_(convolution.get_parameter("bias"))
    return nn.Sequential(convolution, nn.ReLU())


def normalised(views: Tensor) -> Tensor:
    """Views (N, S, S, 3) uint8 as the network takes them."""
    mean, deviation = (torch.tensor(value).view(1, 3, 1, 1) * 255 for value in (MEAN, DEVIATION))
    return (views.permute(0, 3, 1, 2).float() - mean) / deviation
