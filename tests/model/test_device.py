"""The device is the one that was named, or an error says which there are."""

import pytest
import torch
from torch import nn

from model.device import Compute, choose, compute_for
from model.errors import DeviceError


def test_auto_takes_a_gpu_only_where_there_is_one() -> None:
    assert choose("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_processor_is_always_there() -> None:
    assert choose("cpu") == torch.device("cpu")


@pytest.mark.parametrize("setting", ["cuda:99", "mps", "meta", "gpu", "", "cuda:x"])
def test_devices_that_are_not_here_are_refused(setting: str) -> None:
    with pytest.raises(DeviceError, match="auto") as refused:
        choose(setting)
    assert refused.value.code == "device_unavailable"


AMD = {"cpu_name": "AMD EPYC", "avx512_bf16": True}
XEON = {"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": True}
XEON_WITHOUT_AMX = {"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": False}
OLDER = {"cpu_name": "AMD EPYC", "avx512_bf16": False}


@pytest.mark.parametrize(
    ("processor", "dtype"),
    [
        (AMD, torch.bfloat16),
        (XEON, torch.bfloat16),
        (XEON_WITHOUT_AMX, torch.float32),
        (OLDER, torch.float32),
        ({}, torch.float32),
    ],
)
def test_bf16_is_used_where_it_is_faster(
    processor: dict[str, object], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VGG-16 follows the processor; the compact backbone was measured to lose, and stays in float32."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor)
    cpu = torch.device("cpu")
    assert compute_for(cpu, "vgg16").dtype is dtype
    assert compute_for(cpu, "compact").dtype is torch.float32


def test_autocast_follows_the_decision() -> None:
    layer, picture = nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 8, 8)
    with Compute(torch.device("cpu"), torch.bfloat16).autocast():
        assert layer(picture).dtype is torch.bfloat16
    with Compute(torch.device("cpu"), torch.float32).autocast():
        assert layer(picture).dtype is torch.float32


def test_weights_stay_float32_in_channels_last_order() -> None:
    layer = nn.Conv2d(8, 4, 3)
    Compute(torch.device("cpu"), torch.bfloat16).place(layer)
    assert layer.weight.dtype is torch.float32
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)
