"""How good the masks are: J, F and T on DAVIS sequences, with pictures. `python -m benchmarks.accuracy DAVIS -o out/`.

Each sequence's masks, measures and times are kept in the folder as soon as they are there; a second call goes
on where the first one ended.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from model.datasets import TrainingSequence, mask_sequences, training_sequence
from model.evaluate import score_sequence
from model.frames import AnnotatedFrame
from model.measures import instability, jaccard
from model.presets import PRESETS
from model.segmenters import SEGMENTERS, Machine, Segmenter, segmenter
from worker.settings import WorkerSettings
from worker.tuning import machine_of

Labels = npt.NDArray[np.uint8]

HELD_OUT: Final = (
    "breakdance-flare",
    "car-turn",
    "dog-agility",
    "hike",
    "horsejump-low",
    "mallard-water",
    "motocross-bumps",
    "soccerball",
)
"""Sequences of DAVIS-2016's training split that no shipped weight has seen."""

PICTURE_PX: Final = 320


@dataclass(frozen=True)
class Outcome:
    """What one sequence came to. `confidence` and `j` are of each frame but the first and the last."""

    name: str
    frames: int
    steps: int
    learning_seconds: float
    seconds_per_frame: float
    peak_mebibytes: float
    measures: dict[str, float]
    t: float
    confidence: list[float]
    j: list[float]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs what is missing, then writes the table and the pictures."""
    asked = _arguments(argv)
    settings = WorkerSettings()
    if asked.tier:
        settings = settings.model_copy(update={"tier": asked.tier})
    machine = machine_of(settings)
    folder = asked.output
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = []
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        bar = progress.add_task("sequences", total=len(asked.sequences))
        for name in asked.sequences:
            progress.update(bar, description=name)
            outcomes.append(_outcome(training_sequence(asked.davis, name), asked, machine))
            progress.advance(bar)
            print(_row(outcomes[-1]), file=sys.stderr, flush=True)
    text = table(outcomes, machine, asked)
    (folder / "table.md").write_text(text)
    _draw_reliability(outcomes, folder / "reliability.png")
    print(text)
    return 0


def _outcome(sequence: TrainingSequence, asked: argparse.Namespace, machine: Machine) -> Outcome:
    """The sequence's outcome, from its file if an earlier run has left it."""
    path = asked.output / f"{sequence.name}.json"
    if path.exists():
        return Outcome(**json.loads(path.read_text()))
    outcome = run(sequence, segmenter(asked.segmenter, asked.preset, machine), asked.output, seed=asked.seed)
    path.write_text(json.dumps(asdict(outcome)))
    return outcome


def run(sequence: TrainingSequence, method: Segmenter, folder: Path, *, seed: int = 0) -> Outcome:
    """Segment a sequence from its first mask, keep the masks as pictures, and measure them."""
    first = AnnotatedFrame(sequence.image(0), _labels(sequence, 0))
    began = time.perf_counter()
    learnt = method.learn(
        [first], objects=1, seed=seed, on_step=lambda _done, _most: None, enough=lambda: False
    )
    session = method.session(learnt, [first], objects=1)
    learning = time.perf_counter() - began
    session.anchor(first.image, first.labels)
    masks, confidence, seconds = [first.labels], [1.0], 0.0
    for index in range(1, len(sequence)):
        frame = sequence.image(index)
        began = time.perf_counter()
        found = session.step(frame)
        seconds += time.perf_counter() - began
        masks.append(found.labels)
        confidence.append(found.confidence[0])
    _keep(masks, folder / "masks" / sequence.name)
    truth = [_labels(sequence, index) for index in range(len(sequence))]
    j = [jaccard(a > 0, b > 0) for a, b in zip(masks, truth, strict=True)]
    _draw(sequence, masks, j, folder / f"{sequence.name}.jpg")
    predicted = mask_sequences(folder / "masks")[sequence.name]
    true = mask_sequences(sequence.masks[0].parent)[sequence.name]
    return Outcome(
        sequence.name,
        len(sequence),
        learnt.steps,
        round(learning, 2),
        round(seconds / (len(sequence) - 1), 4),
        round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        score_sequence(predicted, true).mean.numbers(),
        instability(mask > 0 for mask in masks[1:-1]),
        [round(value, 4) for value in confidence[1:-1]],
        [round(value, 4) for value in j[1:-1]],
    )


def table(outcomes: Sequence[Outcome], machine: Machine, asked: argparse.Namespace) -> str:
    """Markdown: what ran, a row for each sequence, and the mean."""
    head = (
        f"`{asked.segmenter}`, preset `{asked.preset}`, tier {machine.tier.name}, seed {asked.seed}, "
        f"{os.cpu_count()} cores, {machine.device}\n\n"
    )
    columns = (
        "sequence",
        "J",
        "J recall",
        "J decay",
        "F",
        "F recall",
        "F decay",
        "T",
        "steps",
        "learning s",
        "s/frame",
        "MiB",
    )
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    lines += [_row(outcome) for outcome in outcomes]
    means = {
        name: float(np.mean([outcome.measures[name] for outcome in outcomes]))
        for name in outcomes[0].measures
    }
    mean = Outcome(
        "**mean**",
        0,
        round(np.mean([outcome.steps for outcome in outcomes])),
        float(np.mean([outcome.learning_seconds for outcome in outcomes])),
        float(np.mean([outcome.seconds_per_frame for outcome in outcomes])),
        max(outcome.peak_mebibytes for outcome in outcomes),
        means,
        float(np.nanmean([outcome.t for outcome in outcomes])),
        [],
        [],
    )
    return head + "\n".join([*lines, _row(mean), ""])


def _row(outcome: Outcome) -> str:
    shares = [
        outcome.measures[f"{measure}_{name}"] for measure in "JF" for name in ("mean", "recall", "decay")
    ]
    cells = [outcome.name, *(f"{value:.3f}" for value in (*shares, outcome.t)), str(outcome.steps)]
    cells += [f"{outcome.learning_seconds:.1f}", f"{outcome.seconds_per_frame:.3f}"]
    return "| " + " | ".join([*cells, f"{outcome.peak_mebibytes:.0f}"]) + " |"


def _labels(sequence: TrainingSequence, index: int) -> Labels:
    return np.where(sequence.labels(index) > 127, np.uint8(1), np.uint8(0))


def _keep(masks: Sequence[Labels], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index, mask in enumerate(masks):
        cv2.imwrite(str(folder / f"{index:05d}.png"), mask * np.uint8(255))


def _draw(sequence: TrainingSequence, masks: Sequence[Labels], j: Sequence[float], path: Path) -> None:
    """The frames where J is best, median and worst, side by side: ours filled, the truth outlined."""
    order = np.argsort(j[1:-1]) + 1
    tiles = []
    for index in (order[-1], order[len(order) // 2], order[0]):
        picture = sequence.image(int(index)).copy()
        inside = masks[index] > 0
        picture[inside] = picture[inside] // 2 + np.array([15, 70, 127], np.uint8)
        outlines, _ = cv2.findContours(
            _labels(sequence, int(index)), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(picture, outlines, -1, (255, 220, 0), 2)
        cv2.putText(
            picture, f"{index}: J {j[index]:.2f}", (8, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2
        )
        scale = PICTURE_PX / picture.shape[1]
        tiles.append(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    cv2.imwrite(str(path), np.hstack(tiles)[..., ::-1])


def _draw_reliability(outcomes: Sequence[Outcome], path: Path) -> None:
    """What J frames of each confidence reach: on the diagonal, the confidence means what it says."""
    confidence = np.concatenate([outcome.confidence for outcome in outcomes])
    j = np.concatenate([outcome.j for outcome in outcomes])
    figure = Figure(figsize=(4.5, 4))
    axes: Any = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    for low in np.arange(0, 1, 0.1):
        inside = (confidence >= low) & (confidence < low + 0.1 + 1e-9)
        if inside.sum() >= 5:
            axes.scatter(
                confidence[inside].mean(), j[inside].mean(), s=10 + inside.sum() / 4, color="tab:blue"
            )
    axes.set(xlabel="confidence", ylabel="J", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"{len(j)} frames, mean error {np.abs(confidence - j).mean():.3f}")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("davis", type=Path, help="root of a data set in DAVIS's layout")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="folder for masks, measures, pictures"
    )
    parser.add_argument("--sequences", nargs="+", default=HELD_OUT, help="default: the eight held out")
    parser.add_argument("--segmenter", choices=SEGMENTERS, default="auto")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="balanced")
    parser.add_argument("--tier", choices=("compact", "standard"), help="default: the best that is there")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
