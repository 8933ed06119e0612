"""Networks in files: our own checkpoints, and the parents that others have published."""

import hashlib
import io
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from model.errors import CheckpointError, ChecksumError, NetworkError
from model.network import OSVOS, for_objects

FORMAT: Final = "rotomill.osvos"
VERSION: Final = 1

Fact = str | int | float

TORCHVISION_LAYERS: Final = {
    "stages.0.0": 0,
    "stages.0.2": 2,
    "stages.1.1": 5,
    "stages.1.3": 7,
    "stages.2.1": 10,
    "stages.2.3": 12,
    "stages.2.5": 14,
    "stages.3.1": 17,
    "stages.3.3": 19,
    "stages.3.5": 21,
    "stages.4.1": 24,
    "stages.4.3": 26,
    "stages.4.5": 28,
}
"""Our name of each convolution, and its number in torchvision's `vgg16().features`."""

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)
"""Of RGB in 0–1, as torchvision's weights expect their input."""


@dataclass(frozen=True)
class Description:
    """What a checkpoint says of itself."""

    backbone: str
    objects: int
    facts: dict[str, Fact]


def save(network: OSVOS, path: Path, facts: Mapping[str, Fact]) -> None:
    """Write the network, what it is, and plain facts about it (preset, steps, seed …).

    Tensors and plain values only, so that the file loads without running code and does not depend on where
    our modules lie. The file appears complete or not at all.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "backbone": network.backbone,
        "objects": network.objects,
        "facts": dict(facts),
        "weights": {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()},
    }
    write(content, path)


def write(content: Mapping[str, Any], path: Path) -> None:
    """Write tensors and plain values to a file, which appears complete or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        torch.save(content, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def load(path: Path, *, sha256: str | None = None, device: torch.device) -> OSVOS:
    """The network of a checkpoint that `save` wrote, ready to segment.

    Raises ChecksumError if the file's SHA-256 is not the one given (lower-case hex), and CheckpointError if it
    is no checkpoint of ours, is damaged, or comes from a newer version.
    """
    content = read(path, sha256)
    network = _ours(content, path)
    return network.to(device).eval()


def describe(path: Path, *, sha256: str | None = None) -> Description:
    """What the checkpoint at `path` says of itself. Raises as `load` does."""
    content = read(path, sha256)
    network = _ours(content, path)
    facts = content["facts"]
    return Description(network.backbone, network.objects, dict(facts))


def load_parent(path: Path, *, objects: int = 1, sha256: str | None = None) -> OSVOS:
    """The network from which to fine-tune for `objects` objects, on the processor.

    The file is one of: a checkpoint of ours; the PyTorch parent that the authors of OSVOS published
    (`parent_epoch-239.pth`); or torchvision's VGG-16 (`vgg16-397923af.pth`), whose trunk is used and
    whose heads start from random weights. A parent of one object is repeated for each.
    Raises ChecksumError and CheckpointError as `load` does.
    """
    content = read(path, sha256)
    if "format" in content:
        parent = _ours(content, path)
    elif "stages.0.0.weight" in content:
        parent = _published(content, path)
    elif "features.0.weight" in content:
        parent = _torchvision(content, path)
    else:
        raise CheckpointError(
            f"{path} is neither a checkpoint of Rotomill, nor the published OSVOS parent, nor torchvision's VGG-16."
        )
    try:
        return for_objects(parent, objects)
    except NetworkError as error:
        raise CheckpointError(f"{path} does not fit: {error}") from error


def read(path: Path, sha256: str | None = None) -> dict[str, Any]:
    """The dictionary in a file of weights. The bytes that are checked are the bytes that are read.

    Raises ChecksumError if the file's SHA-256 is not the one given (lower-case hex), and CheckpointError if it
    cannot be read or holds no dictionary of weights.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256.lower():
        raise ChecksumError(
            f"{path} has the SHA-256 {found}, not {sha256}: fetch it again, or correct the setting."
        )
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{path} is not a file of weights, or is damaged.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no dictionary of weights.")
    return content


def _ours(content: dict[str, Any], path: Path) -> OSVOS:
    if content.get("format") != FORMAT:
        raise CheckpointError(f"{path} is no checkpoint of Rotomill.")
    if content.get("version") != VERSION:
        raise CheckpointError(
            f"{path} has version {content.get('version')} and this program reads {VERSION}: "
            "use the program that wrote it."
        )
    weights = content.get("weights")
    if not isinstance(weights, dict) or not isinstance(content.get("facts"), dict):
        raise CheckpointError(f"{path} lacks its weights or its facts: it is damaged.")
    try:
        network = OSVOS(content["backbone"], content["objects"])
    except (KeyError, TypeError, NetworkError) as error:
        raise CheckpointError(f"{path} does not say what network it holds: it is damaged.") from error
    _fill(network, weights, path)
    return network


def _published(content: dict[str, Any], path: Path) -> OSVOS:
    """The authors' layout: ours, but for fixed up-sampling kernels, which we replace by interpolation."""
    network = OSVOS("vgg16", objects=1)
    weights = {
        name: value for name, value in content.items() if not name.startswith(("upscale.", "upscale_."))
    }
    _fill(network, {**_input_of(network), **weights}, path)
    return network


def _torchvision(content: dict[str, Any], path: Path) -> OSVOS:
    """Torchvision's trunk under heads as `OSVOS` initialises them."""
    network = OSVOS("vgg16", objects=1)
    weights = dict(network.state_dict())
    for ours, number in TORCHVISION_LAYERS.items():
        for kind in ("weight", "bias"):
            name = f"features.{number}.{kind}"
            if name not in content:
                raise CheckpointError(f"{path} lacks {name}: it is not torchvision's VGG-16.")
            weights[f"{ours}.{kind}"] = content[name]
    first = weights["stages.0.0.weight"]
    if not isinstance(first, Tensor) or first.shape != network.get_parameter("stages.0.0.weight").shape:
        raise CheckpointError(f"{path}: features.0.weight has not the shape of VGG-16's.")
    weights["stages.0.0.weight"], weights["mean"] = _for_our_input(first)
    _fill(network, weights, path)
    return network


def _for_our_input(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A first convolution for (RGB/255 − mean)/deviation, as one for BGR − mean: its weight and that mean.

    The division goes into the weight. The mean stays ImageNet's rather than going into the bias: then the
    zeros around the picture mean the same grey as before, and the result is the same up to the border.
    """
    deviation = torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1)
    mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    return (weight / (255 * deviation)).flip(1), (255 * mean).flip(1)


def _input_of(network: OSVOS) -> dict[str, Tensor]:
    return {name: value for name, value in network.state_dict().items() if name in ("mean", "scale")}


def _fill(network: OSVOS, weights: Mapping[str, Any], path: Path) -> None:
    """Load the weights, all of them and no others, each of the right shape."""
    expected = network.state_dict()
    missing = sorted(expected.keys() - weights.keys())
    unknown = sorted(str(name) for name in weights.keys() - expected.keys())
    if missing or unknown:
        raise CheckpointError(
            f"{path} does not hold this network: {len(missing)} weights missing {missing[:3]}, "
            f"{len(unknown)} unknown {unknown[:3]}."
        )
    for name, tensor in expected.items():
        given = weights[name]
        if not isinstance(given, Tensor) or given.shape != tensor.shape:
            shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
            raise CheckpointError(f"{path}: {name} is {shape} and should be {tuple(tensor.shape)}.")
    network.load_state_dict(dict(weights))
