"""The network computes what OSVOS publishes, at every size, and no more."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.errors import NetworkError
from model.network import BACKBONES, OSVOS, SIDE_CHANNELS, for_objects


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def concatenated(network: OSVOS, images: Tensor) -> Tensor:
    """The forward pass as published: up-sample 16 channels of each stage, concatenate 64, then fuse."""
    described = network._describe(images)
    size = [described[0].shape[-2] * 2, described[0].shape[-1] * 2]
    upscaled = [F.interpolate(features, size=size, mode="bilinear") for features in described]
    logits: Tensor = network.fuse(torch.cat(upscaled, dim=1))
    return logits[..., : images.shape[-2], : images.shape[-1]]


def exact(network: OSVOS) -> OSVOS:
    """Float64 throughout: `float()` inside the network would hide what is to be compared."""
    return network.double()


@pytest.mark.parametrize("objects", [1, 3])
def test_folding_the_fuse_changes_nothing(objects: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Voting per stage at low resolution equals concatenating at full resolution, to float64's rounding."""
    monkeypatch.setattr(Tensor, "float", lambda tensor: tensor.double())
    network = exact(OSVOS("compact", objects)).eval()
    torch.nn.init.normal_(network.get_parameter("fuse.bias"))
    images = torch.rand(2, 3, 37, 51, dtype=torch.float64) * 255
    torch.testing.assert_close(network(images), concatenated(network, images), rtol=1e-12, atol=1e-12)


def test_interpolation_is_the_published_transposed_convolution() -> None:
    """Away from the border, where the ports mix in zeros, the fixed kernel interpolates."""
    for stride in (2, 4, 8, 16):
        ramp = 1 - (torch.arange(2 * stride, dtype=torch.float64) + 0.5 - stride).abs() / stride
        kernel = (ramp[:, None] * ramp)[None, None]
        vote = torch.randn(1, 1, 6, 7, dtype=torch.float64)
        published = F.conv_transpose2d(vote, kernel, stride=stride, padding=stride // 2)
        ours = F.interpolate(vote, scale_factor=stride, mode="bilinear", align_corners=False)
        inside = (..., slice(stride, -stride), slice(stride, -stride))
        torch.testing.assert_close(ours[inside], published[inside], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (1, 1), (40, 100)])
def test_logits_have_the_size_of_the_input(size: tuple[int, int]) -> None:
    """Any height and width goes in, and comes out, one channel per object."""
    assert OSVOS("compact", 2)(torch.zeros(1, 3, *size)).shape == (1, 2, *size)


def test_padding_moves_nothing() -> None:
    """What a pixel's logit is depends on what is around it, not on how much padding the picture's size asks for.

    The published ports crop the centre instead, which moves stage 5 by several pixels with the size.
    """
    network = OSVOS("vgg16").eval()
    torch.nn.init.normal_(network.fuse.weight, std=10)
    wide = torch.rand(1, 3, 192, 192) * 255
    with torch.no_grad():
        whole = network(wide)
        part = network(wide[..., :187, :181])
    torch.testing.assert_close(whole[..., :32, :32], part[..., :32, :32], rtol=1e-3, atol=1e-4)


def test_bytes_and_floats_are_the_same_picture() -> None:
    """uint8 0–255 needs no conversion by the caller."""
    network = OSVOS("compact").eval()
    picture = torch.randint(0, 256, (1, 3, 20, 30), dtype=torch.uint8)
    torch.testing.assert_close(network(picture), network(picture.float()))


def test_every_stage_can_be_supervised() -> None:
    """`with_sides` gives the fused logits and one map for each of the four voting stages."""
    network = OSVOS("compact", 2).eval()
    images = torch.rand(1, 3, 30, 40) * 255
    fused, sides = network.with_sides(images)
    torch.testing.assert_close(fused, network(images))
    assert [side.shape for side in sides] == [(1, 2, 30, 40)] * 4


def test_no_work_is_done_for_outputs_that_nobody_asked_for() -> None:
    """Plain training runs no side output, and no gradient flows into the picture."""
    network = OSVOS("compact")
    images = torch.rand(1, 3, 16, 16)
    network(images).sum().backward()
    assert network.get_parameter("score_dsn.0.weight").grad is None
    assert images.grad is None
    assert network.get_parameter("stages.0.0.weight").grad is not None


def test_vgg_has_the_published_parameters() -> None:
    """14.92 million of them, under the published names."""
    network = OSVOS("vgg16")
    assert sum(weight.numel() for weight in network.parameters()) == 14_917_637
    names = dict(network.named_parameters())
    assert names["stages.4.5.weight"].shape == (512, 512, 3, 3)
    assert names["side_prep.0.weight"].shape == (SIDE_CHANNELS, 128, 3, 3)
    assert names["fuse.weight"].shape == (1, 64, 1, 1)


def test_an_untrained_network_is_undecided() -> None:
    """Initial logits are small and finite for both backbones: training starts from doubt, not from noise."""
    for backbone in BACKBONES:
        logits = OSVOS(backbone)(torch.rand(1, 3, 64, 64) * 255)
        assert logits.isfinite().all()
        assert logits.abs().mean() < 3


def test_a_parent_is_repeated_for_several_objects() -> None:
    """Each object starts from the parent's opinion, and the parent itself is left alone."""
    parent = OSVOS("compact").eval()
    images = torch.rand(1, 3, 16, 16) * 255
    network = for_objects(parent, 3)
    torch.testing.assert_close(network(images), parent(images).expand(1, 3, 16, 16))
    torch.testing.assert_close(
        network.with_sides(images)[1][0], parent.with_sides(images)[1][0].expand(1, 3, 16, 16)
    )
    network.get_parameter("fuse.bias").data.fill_(9)
    assert parent.objects == 1
    assert parent.get_parameter("fuse.bias").item() == 0


def test_objects_are_not_dropped_silently() -> None:
    """A network of two objects cannot become one of three."""
    with pytest.raises(NetworkError, match="2 objects cannot look for 3"):
        for_objects(OSVOS("compact", 2), 3)


def test_unknown_networks_are_refused() -> None:
    """The message names what there is."""
    with pytest.raises(NetworkError, match="vgg16, compact"):
        OSVOS("resnet")
    for objects in (0, 255):
        with pytest.raises(NetworkError, match="1 to 254 objects"):
            OSVOS("compact", objects)
