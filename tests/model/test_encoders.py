"""Encoders give four maps, and take torchvision's weights for what they are."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.encoders import ENCODERS, STRIDES, ResNet18Encoder, encoder
from model.errors import NetworkError


@pytest.mark.parametrize("name", ENCODERS)
def test_maps_have_the_strides_and_widths_that_are_promised(name: str) -> None:
    network = encoder(name)
    maps = network(torch.zeros(2, 3, 64, 96))
    shapes = [
        (2, width, 64 // stride, 96 // stride) for width, stride in zip(network.widths, STRIDES, strict=True)
    ]
    assert [tuple(level.shape) for level in maps] == shapes


def test_an_unknown_encoder_is_refused() -> None:
    with pytest.raises(NetworkError, match="compact, resnet18"):
        encoder("vgg99")


def torchvision_weights() -> dict[str, Tensor]:
    """As torchvision lays them out: convolutions without bias, batch normalisation beside them."""
    generator = torch.Generator().manual_seed(0)
    weights: dict[str, Tensor] = {}
    for name, parameter in ResNet18Encoder().named_parameters():
        if not name.endswith("weight"):
            continue
        weights[name] = torch.randn(parameter.shape, generator=generator) / parameter[0].numel() ** 0.5
        norm = name.removesuffix(".weight")
        norm = norm[:-1] + "1" if norm.endswith("downsample.0") else norm.replace("conv", "bn")
        channels = len(parameter)
        weights[f"{norm}.weight"] = torch.rand(channels, generator=generator) + 0.5
        weights[f"{norm}.bias"] = torch.randn(channels, generator=generator) * 0.1
        weights[f"{norm}.running_mean"] = torch.randn(channels, generator=generator) * 0.1
        weights[f"{norm}.running_var"] = torch.rand(channels, generator=generator) + 0.5
    return weights


def plain_resnet(weights: dict[str, Tensor], images: Tensor) -> Tensor:
    """ResNet-18 to layer3 as torchvision computes it, unfolded."""

    def convolved(x: Tensor, name: str, norm: str, stride: int, padding: int) -> Tensor:
        x = F.conv2d(x, weights[f"{name}.weight"], stride=stride, padding=padding)
        mean, variance = weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"]
        return F.batch_norm(x, mean, variance, weights[f"{norm}.weight"], weights[f"{norm}.bias"])

    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (images / 255 - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)
    x = F.max_pool2d(F.relu(convolved(x, "conv1", "bn1", 2, 3)), 3, 2, 1)
    for layer in (1, 2, 3):
        for block in (0, 1):
            at, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            inner = F.relu(convolved(x, f"{at}.conv1", f"{at}.bn1", stride, 1))
            inner = convolved(inner, f"{at}.conv2", f"{at}.bn2", 1, 1)
            if stride == 2:
                x = convolved(x, f"{at}.downsample.0", f"{at}.downsample.1", 2, 0)
            x = F.relu(inner + x)
    return x


def test_torchvisions_weights_compute_what_torchvision_computes() -> None:
    """Folding batch normalisation changes nothing but the time; layer4 and the classifier are passed over."""
    weights = torchvision_weights()
    network = ResNet18Encoder()
    network.fill(weights | {"fc.weight": torch.zeros(1000, 512)})
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 255
    torch.testing.assert_close(network(images)[3], plain_resnet(weights, images), rtol=1e-3, atol=1e-3)


def test_other_weights_are_refused() -> None:
    with pytest.raises(NetworkError, match="ResNet-18"):
        ResNet18Encoder().fill({"conv1.weight": torch.zeros(1)})
