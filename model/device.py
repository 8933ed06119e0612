"""Where the network runs, and in which number format."""

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from model.errors import DeviceError

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Compute:
    """A device, the number format of its convolutions, and the memory order of its pictures."""

    device: torch.device
    dtype: torch.dtype
    channels_last: bool = True
    """Channels-last was faster in every combination that we measured, 1.1 to 1.7 times."""

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def place(self, network: nn.Module) -> nn.Module:
        """Move the network to the device, its weights in this order of memory. They stay float32."""
        network.to(self.device)
        network.to(memory_format=self.memory_format)  # type: ignore[call-overload]  # missing in torch's own types
        return network

    def autocast(self) -> torch.autocast:
        """The context in which to run the network."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)


def place(network: Network, device: torch.device) -> Network:
    """The network on the device, its weights channels-last, which was faster wherever we measured."""
    network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's own types
    return network


def choose(setting: str) -> torch.device:
    """The device that a setting names: "auto", "cpu", "cuda" or "cuda:1".

    "auto" is the first GPU where there is one, else the processor. Raises DeviceError for a device that
    this machine lacks, or a word that names none.
    """
    if setting == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(setting)
    except RuntimeError as error:
        raise DeviceError(f"{setting!r} names no device: use auto, cpu, cuda or cuda:1.") from error
    if device.type == "cpu":
        return torch.device("cpu")
    if device.type != "cuda":
        raise DeviceError(f"{setting!r} is not supported: use auto, cpu, cuda or cuda:1.")
    found = torch.cuda.device_count()
    if (device.index or 0) >= found:
        raise DeviceError(
            f"{setting!r} is not in this machine, where {found} GPUs were found: use auto or cpu."
        )
    return device


def compute_for(device: torch.device, backbone: str) -> Compute:
    """How to run a backbone on a device: in bf16 where that is faster, else in float32.

    The compact backbone keeps float32 on a processor: with so few channels its time goes into memory and
    conversions, and bf16 was 1.4 times slower (0.23 against 0.16 s a step, 2 Xeon cores with AVX512-BF16).
    """
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported()
    else:
        fast = backbone != "compact" and _processor_gains_from_bf16()
    return Compute(device, torch.bfloat16 if fast else torch.float32)


def _processor_gains_from_bf16() -> bool:
    """Whether VGG-16 runs faster in bf16, from what the processor says of itself.

    With AMX or AMD's AVX512-BF16 we take it that it does; neither was at hand. Intel's AVX512-BF16 without AMX
    does not: VGG-16 on a 480p frame took 1.60 s in bf16 and 1.02 s in float32 on such a Xeon, a training step 4.9
    and 3.1 s. A stopwatch would decide better, but not twice the same.
    """
    processor = torch.cpu.get_capabilities()
    if processor.get("amx_bf16", False):
        return True
    return bool(processor.get("avx512_bf16", False)) and "Intel" not in str(
        processor.get("cpu_name", "Intel")
    )
