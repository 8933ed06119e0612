"""The box tool's network: `python -m model.box train …`, `… score RUN …` and `… export RUN FILE`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch

from model.box import export
from model.box.examples import Drawer, box_around, example, held_out
from model.box.network import SIZE
from model.box.training import BoxRecipe, BoxTraining, begun, kept, score
from model.errors import ModelError
from model.parent import curve
from model.parent.clips import stills
from model.parent.loop import CHECKPOINT, LOG, run

RECIPE: Final = "recipe.json"
STORED_PX: Final = 400
"""Short side of the pictures that training keeps in memory, at most."""


def main(argv: Sequence[str] | None = None) -> int:
    """Does what is asked; 2 with a sentence on stderr where it cannot be done."""
    asked = _arguments(argv)
    try:
        asked.action(asked)
    except ModelError as error:
        print(f"model.box: {error}", file=sys.stderr)
        return 2
    return 0


def _train(asked: argparse.Namespace) -> None:
    torch.set_num_threads(asked.threads)
    recipe = BoxRecipe(asked.steps, asked.batch, asked.learning_rate, asked.seed)
    learnt, _ = held_out(stills(asked.stills, STORED_PX))
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / RECIPE).write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    training = BoxTraining(recipe, begun(recipe.seed, asked.backbone), Drawer(learnt, asked.size))
    run(training, asked.output, until=asked.until, save_every=asked.save_every)
    curve.draw(asked.output / LOG, asked.output / "curve.png")


def _score(asked: argparse.Namespace) -> None:
    torch.set_num_threads(asked.threads)
    network, step = kept(asked.run / CHECKPOINT)
    _, held = held_out(stills(asked.stills, STORED_PX))
    boxed = [(shot, box_around(shot.masks[0])) for shot in held]
    examples = [example(shot.pictures[0], shot.masks[0], box) for shot, box in boxed if box is not None]
    print(f"step {step}: mean overlap {score(network, examples):.3f} on {len(examples)} stills held out")


def _export(asked: argparse.Namespace) -> None:
    network, step = kept(asked.run / CHECKPOINT)
    recipe = json.loads((asked.run / RECIPE).read_text())
    export.write(network, asked.file, recipe | {"step": step})
    curve.draw(asked.run / LOG, asked.file.with_suffix(".png"))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model.box", description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    actions = parser.add_subparsers(required=True)
    train = actions.add_parser("train", help="train, or go on training")
    train.add_argument(
        "--stills", type=Path, required=True, help="folder with JPEGImages/*.jpg and Annotations/*.png"
    )
    train.add_argument("--backbone", type=Path, required=True, help="torchvision's ResNet-18")
    train.add_argument("--steps", type=int, default=4000)
    train.add_argument("--batch", type=int, default=16)
    train.add_argument(
        "--size", type=int, default=SIZE, help="side of the views, in pixels: a multiple of 16"
    )
    train.add_argument("--learning-rate", type=float, default=1e-3)
    train.add_argument("--until", type=int, help="end here, for another call to go on with another recipe")
    train.add_argument("--save-every", type=int, default=200)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("-o", "--output", type=Path, required=True, help="folder of the run; resumed if begun")
    train.set_defaults(action=_train)
    judge = actions.add_parser("score", help="overlap on the stills held out")
    judge.add_argument("run", type=Path)
    judge.add_argument("--stills", type=Path, required=True)
    judge.set_defaults(action=_score)
    ship = actions.add_parser("export", help="write a run's network as ONNX, and its curve")
    ship.add_argument("run", type=Path)
    ship.add_argument("file", type=Path)
    ship.set_defaults(action=_export)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
