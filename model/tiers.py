"""Which tracking network runs: the best of the tiers whose weights are there.

*Compact* is complete in this repository. *Standard* needs ImageNet's ResNet-18 beside what is shipped here,
in a folder of downloaded weights.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from torch import Tensor

from model import checkpoint
from model.encoders import ResNet18Encoder
from model.errors import CheckpointError, ModelError
from model.tracker import Tracker

FORMAT: Final = "rotomill.tracker"
VERSION: Final = 1

SHIPPED: Final = Path(__file__).parent / "weights"

ENCODERS: Final = {"standard": "resnet18", "compact": "compact"}
TIERS: Final = tuple(ENCODERS)
"""Best first."""

BACKBONE_FILES: Final = {
    # torchvision's own, IMAGENET1K_V1
    "resnet18-f37072fd.pth": "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
    # the same layers alone, with batch normalisation folded
    "resnet18-imagenet-to-layer3.pth": "b23739066eb03912cb7ebc5517664ffe8afc17105b260c3934dac57ff6dc163d",
}
"""Names of files that hold ImageNet's ResNet-18, and the SHA-256 of each."""


class WeightsMissingError(ModelError):
    """A tier was asked for by name, and its weights are not there."""

    code = "weights_missing"


@dataclass(frozen=True)
class Tier:
    """A tracking network, ready to rehearse a clip, and the SHA-256 of the files it came from."""

    name: str
    parent: Tracker
    sha256: dict[str, str]


def available(folder: Path) -> str:
    """The best tier that the folder of downloaded weights allows. A damaged file counts as missing."""
    return "standard" if backbone_file(folder) else "compact"


def backbone_file(folder: Path) -> Path | None:
    """The file of ImageNet's ResNet-18 in a folder, if it is there and whole."""
    for name, digest in BACKBONE_FILES.items():
        path = folder / name
        if path.is_file() and _sha256(path) == digest:
            return path
    return None


def load(name: str, folder: Path) -> Tier:
    """The tier of that name, or the best for "auto", on the processor.

    Raises WeightsMissingError if a tier named explicitly lacks its weights, CheckpointError if they are damaged.
    """
    name = available(folder) if name == "auto" else name
    if name not in TIERS:
        raise WeightsMissingError(f"There is no tier {name!r}: use auto, {' or '.join(TIERS)}.")
    shipped = SHIPPED / f"{name}.pth"
    network = read(shipped)
    files = [shipped]
    if isinstance(network.encoder, ResNet18Encoder):
        backbone = backbone_file(folder)
        if backbone is None:
            raise WeightsMissingError(
                f"The tier {name} needs ImageNet's ResNet-18 in {folder}, and no whole file of it is there: "
                "fetch it with `rotomill weights pull`, or use the tier compact."
            )
        network.encoder.fill(checkpoint.read(backbone))
        files.append(backbone)
    return Tier(name, network.eval(), {path.name: _sha256(path) for path in files})


def save(network: Tracker, path: Path, facts: dict[str, str | int | float]) -> None:
    """Write what was trained of a network, in half precision, and plain facts about it."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "encoder": network.encoder_name,
        "facts": facts,
        "weights": {name: value.half() for name, value in trained(network).items()},
    }
    checkpoint.write(content, path)


def read(path: Path) -> Tracker:
    """The network in a file that `save` wrote; a frozen encoder keeps random weights.

    Raises CheckpointError if the file is none, or damaged.
    """
    content = checkpoint.read(path)
    if (content.get("format"), content.get("version")) != (FORMAT, VERSION):
        raise CheckpointError(f"{path} is no tracking network of this version.")
    network = Tracker(content["encoder"])
    fill(network, {name: value.float() for name, value in content["weights"].items()})
    return network


def trained(network: Tracker) -> dict[str, Tensor]:
    """The weights of a network that training changes, by name, on the processor."""
    skipped = "encoder." if network.encoder.frozen else "\0"
    return {
        name: value.detach().cpu()
        for name, value in network.state_dict().items()
        if not name.startswith(skipped)
    }


def fill(network: Tracker, weights: dict[str, Tensor]) -> None:
    """Load what `trained` returned: all of it and nothing else. Raises CheckpointError otherwise."""
    expected = trained(network)
    if expected.keys() != weights.keys():
        raise CheckpointError("These weights are not of this tracking network.")
    try:
        network.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise CheckpointError(f"These weights are not of this tracking network: {error}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
