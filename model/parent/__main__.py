"""Train a parent: `python -m model.parent tracker …`, `… osvos …`, and `… export RUN FILE`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from model import checkpoint, tiers
from model.device import choose
from model.encoders import ENCODERS, ResNet18Encoder
from model.errors import ModelError
from model.parent import curve
from model.parent.clips import Shot, Source, sequences, stills
from model.parent.train import Recipe, Training, kept, run
from model.tracker import Tracker


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
    recipe = Recipe(
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
        _moving(asked), stills(asked.stills) if asked.stills else [], asked.size, asked.share_still
    )
    asked.output.mkdir(parents=True, exist_ok=True)
    facts = asdict(recipe) | {"held_out": asked.hold_out}
    (asked.output / "recipe.json").write_text(json.dumps(facts, indent=2) + "\n")
    run(Training(recipe, network, choose(asked.device)), source, asked.output, until=asked.until)
    curve.draw(asked.output / "log.jsonl", asked.output / "curve.png")


def _moving(asked: argparse.Namespace) -> list[Shot]:
    names = sorted(path.name for path in (asked.davis / "JPEGImages" / "480p").iterdir())
    return sequences(asked.davis, [name for name in names if name not in asked.hold_out])


def _begun(recipe: Recipe, backbone: Path | None) -> Tracker:
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
    recipe = json.loads((asked.run / "recipe.json").read_text())
    facts = {name: value for name, value in recipe.items() if not isinstance(value, list)}
    network, step = kept(asked.run / "training.pth", recipe["encoder"])
    tiers.save(network, asked.file, facts | {"step": step})
    curve.draw(asked.run / "log.jsonl", asked.file.with_suffix(".png"))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model.parent", description=__doc__)
    actions = parser.add_subparsers(required=True)
    tracker = actions.add_parser("tracker", help="the tracking network of a tier")
    tracker.add_argument("--encoder", choices=tuple(ENCODERS), required=True)
    tracker.add_argument("--backbone", type=Path, help="ImageNet's ResNet-18, for the encoder resnet18")
    tracker.add_argument("--learning-rate", type=float, default=1e-3)
    tracker.add_argument("--size", type=int, default=256, help="side of the training pictures, in pixels")
    tracker.add_argument("--share-still", type=float, default=0.4, help="of the clips: made from stills")
    tracker.set_defaults(action=_train_tracker)
    _add_common(tracker, steps=2600, batch=4)
    export = actions.add_parser("export", help="write a run's weights, in half precision, and its curve")
    export.add_argument("run", type=Path)
    export.add_argument("file", type=Path)
    export.set_defaults(action=_export)
    return parser.parse_args(argv)


def _add_common(parser: argparse.ArgumentParser, *, steps: int, batch: int) -> None:
    parser.add_argument("--davis", type=Path, required=True, help="root in DAVIS's layout")
    parser.add_argument("--stills", type=Path, help="folder with JPEGImages/*.jpg and Annotations/*.png")
    parser.add_argument("--hold-out", nargs="*", default=[], help="sequences to leave out")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--until", type=int, help="end here, for another call to go on with another recipe")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="folder of the run; resumed if begun"
    )


if __name__ == "__main__":
    raise SystemExit(main())
