"""What a segmenter has learnt of a clip, and the file that keeps it for an equal job."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from torch import Tensor

from model import checkpoint
from model.errors import CheckpointError

FORMAT: Final = "rotomill.learnt"
VERSION: Final = 1

Description = Mapping[str, str | int | float]


@dataclass(frozen=True)
class Learnt:
    """The weights that fine-tuning changed, by name, the steps it took, and what it went on from: the SHA-256 (hex)
    of a file that holds what was learnt before.
    """

    weights: dict[str, Tensor] = field(default_factory=dict)
    steps: int = 0
    started_from: str | None = None


def save(learnt: Learnt, path: Path, description: Description, objects: int) -> None:
    """Keep what the segmenter of that description has learnt of so many objects."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "description": dict(description),
        "objects": objects,
        "steps": learnt.steps,
        "started_from": learnt.started_from,
        "weights": learnt.weights,
    }
    checkpoint.write(content, path)


def load(path: Path, description: Description, objects: int | None) -> Learnt:
    """What a segmenter of that description has learnt of so many objects, or, with None, of any number of them.

    Raises CheckpointError if the file holds anything else, or is damaged.
    """
    content = checkpoint.read(path)
    expected = {"format": FORMAT, "version": VERSION, "description": dict(description)}
    if objects is not None:
        expected["objects"] = objects
    for name, value in expected.items():
        if content.get(name) != value:
            raise CheckpointError(
                f"{path} was learnt otherwise: its {name} is {content.get(name)!r}, not {value!r}."
            )
    weights, steps = content.get("weights"), content.get("steps")
    if not isinstance(weights, dict) or not isinstance(steps, int):
        raise CheckpointError(f"{path} lacks its weights or its steps: it is damaged.")
    return Learnt(weights, steps, content.get("started_from"))
