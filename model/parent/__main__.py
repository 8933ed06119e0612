"""Train a parent: `python -m model.parent tracker …`, `… osvos …`, and `… export RUN FILE`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch

from model import checkpoint, tiers
from model.device import choose
from model.encoders import ENCODERS, ResNet18Encoder
from model.errors import ModelError
from model.network import BACKBONES
from model.parent import curve, osvos, tracker
from model.parent.clips import STORED_PX, Shot, Source, sequences, stills
from model.parent.loop import CHECKPOINT, LOG, Batch, Training, run
from model.parent.osvos import OsvosRecipe, OsvosTraining
from model.parent.tracker import TrackerRecipe, TrackerTraining
from model.tracker import Tracker

RECIPE: Final = "recipe.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Does what is asked; 2 with a sentence on stderr where it cannot be done."""
    asked = _arguments(argv)
    try:
        asked.action(asked)
    except ModelError as error:
        print(f"model.parent: {error}", file=sys.stderr)
        return 2
    return 0


def _train_tracker(asked: argparse.Namespace) -> None:
    recipe = TrackerRecipe(
        asked.encoder,
        asked.steps,
        asked.batch,
        asked.learning_rate,
        asked.size,
        asked.seed,
        asked.share_still,
    )
    network = _begun(recipe, asked.backbone)
    source = Source(
        _moving(asked, STORED_PX), stills(asked.stills) if asked.stills else [], asked.size, asked.share_still
    )
    _run(TrackerTraining(recipe, network, source, choose(asked.device)), asked, asdict(recipe))


def _train_osvos(asked: argparse.Namespace) -> None:
    recipe = OsvosRecipe(asked.backbone, asked.steps, asked.batch, asked.learning_rate, asked.seed)
    shots = _moving(asked, asked.size) + (stills(asked.stills, asked.size) if asked.stills else [])
    network = osvos.begun(recipe, asked.weights)
    _run(OsvosTraining(recipe, network, shots, choose(asked.device)), asked, asdict(recipe))


def _run(training: Training[Batch], asked: argparse.Namespace, recipe: dict[str, Any]) -> None:
    asked.output.mkdir(parents=True, exist_ok=True)
    facts = recipe | {"held_out": asked.hold_out}
    (asked.output / RECIPE).write_text(json.dumps(facts, indent=2) + "\n")
    run(training, asked.output, until=asked.until, save_every=asked.save_every)
    curve.draw(asked.output / LOG, asked.output / "curve.png")


def _moving(asked: argparse.Namespace, short_side_px: int) -> list[Shot]:
    names = sorted(path.name for path in (asked.davis / "JPEGImages" / "480p").iterdir())
    return sequences(asked.davis, [name for name in names if name not in asked.hold_out], short_side_px)


def _begun(recipe: TrackerRecipe, backbone: Path | None) -> Tracker:
    """The network as training finds it: random weights, but for those of a frozen encoder."""
    torch.manual_seed(recipe.seed)
    network = Tracker(recipe.encoder)
    if isinstance(network.encoder, ResNet18Encoder):
        if backbone is None:
            raise ModelError(
                "The encoder resnet18 is not trained here: give its weights with --backbone FILE."
            )
        network.encoder.fill(checkpoint.read(backbone))
    return network


def _export(asked: argparse.Namespace) -> None:
    recipe = json.loads((asked.run / RECIPE).read_text())
    facts = {name: value for name, value in recipe.items() if not isinstance(value, list)}
    trained = asked.run / CHECKPOINT
    if "encoder" in recipe:
        network, step = tracker.kept(trained, recipe["encoder"])
        tiers.save(network, asked.file, facts | {"step": step})
    else:
        parent, step = osvos.kept(trained, recipe["backbone"])
        checkpoint.save(parent, asked.file, facts | {"step": step})
    curve.draw(asked.run / LOG, asked.file.with_suffix(".png"))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model.parent", description=__doc__)
    actions = parser.add_subparsers(required=True)
    first = actions.add_parser("tracker", help="the tracking network of a tier")
    first.add_argument("--encoder", choices=tuple(ENCODERS), required=True)
    first.add_argument("--backbone", type=Path, help="ImageNet's ResNet-18, for the encoder resnet18")
    first.add_argument("--share-still", type=float, default=0.4, help="of the clips: made from stills")
    first.set_defaults(action=_train_tracker)
    _add_common(first, steps=2600, batch=4, learning_rate=1e-3, size=256)
    second = actions.add_parser("osvos", help="OSVOS's own parent")
    second.add_argument("--backbone", choices=tuple(BACKBONES), required=True)
    second.add_argument("--weights", type=Path, help="to start from: torchvision's VGG-16, or a parent")
    second.set_defaults(action=_train_osvos)
    _add_common(second, steps=50_000, batch=10, learning_rate=5e-4, size=480)
    export = actions.add_parser("export", help="write a run's weights and its curve")
    export.add_argument("run", type=Path)
    export.add_argument("file", type=Path)
    export.set_defaults(action=_export)
    return parser.parse_args(argv)


def _add_common(
    parser: argparse.ArgumentParser, *, steps: int, batch: int, learning_rate: float, size: int
) -> None:
    parser.add_argument("--davis", type=Path, required=True, help="root in DAVIS's layout")
    parser.add_argument("--stills", type=Path, help="folder with JPEGImages/*.jpg and Annotations/*.png")
    parser.add_argument("--hold-out", nargs="*", default=[], help="sequences to leave out")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--learning-rate", type=float, default=learning_rate)
    parser.add_argument("--size", type=int, default=size, help="short side of the pictures, in pixels")
    parser.add_argument("--until", type=int, help="end here, for another call to go on with another recipe")
    parser.add_argument("--save-every", type=int, default=200, help="steps from one checkpoint to the next")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="folder of the run; resumed if begun"
    )


if __name__ == "__main__":
    raise SystemExit(main())
