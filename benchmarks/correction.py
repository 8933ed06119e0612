"""What one correction is worth: J before and after. `python -m benchmarks.correction DAVIS -o out/`.

Each sequence is segmented from its first mask alone. The frame with the least J is then given its true mask, as a
person would draw it, and the clip is segmented again from both masks, by a network that goes on from the one before:
what a refined job does. J is that of all frames but those two, before and after. Outcomes are kept in the folder as
soon as they are there; a second call goes on where the first one ended.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.accuracy import HELD_OUT
from model.datasets import TrainingSequence, training_sequence
from model.frames import AnnotatedFrame
from model.learnt import Learnt
from model.measures import jaccard
from model.passage import passed
from model.presets import PRESETS
from model.segmenters import Machine, Segmenter, segmenter
from worker.settings import WorkerSettings
from worker.tuning import machine_of

Labels = npt.NDArray[np.uint8]

SEQUENCES: Final = (*HELD_OUT, "bear", "bmx-bumps")
"""The eight held out, and, to make ten, the first two by name of those that the shipped weights learnt from."""


@dataclass(frozen=True)
class Picture:
    """A frame of a sequence."""

    index: int
    image: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Outcome:
    """What one correction came to: J over the frames that were not given, the steps of both runs, and their seconds."""

    name: str
    frames: int
    corrected: int
    worst: float
    before: float
    after: float
    steps: tuple[int, int]
    seconds: tuple[float, float]

    @property
    def rises(self) -> bool:
        """Whether the clip is better for it."""
        return self.after > self.before


def main(argv: Sequence[str] | None = None) -> int:
    """Runs what is missing, then writes the table."""
    asked = _arguments(argv)
    settings = WorkerSettings()
    if asked.tier:
        settings = settings.model_copy(update={"tier": asked.tier})
    machine = machine_of(settings)
    asked.output.mkdir(parents=True, exist_ok=True)
    method = segmenter("auto", asked.preset, machine)
    outcomes = []
    for name in asked.sequences:
        path = asked.output / f"{name}.json"
        if not path.exists():
            outcome = run(training_sequence(asked.davis, name), method, seed=asked.seed)
            path.write_text(json.dumps(asdict(outcome)))
        outcomes.append(Outcome(**json.loads(path.read_text())))
        print(row(outcomes[-1]), file=sys.stderr, flush=True)
    text = table(outcomes, machine, asked)
    (asked.output / "table.md").write_text(text)
    print(text)
    return 0


def run(sequence: TrainingSequence, method: Segmenter, *, seed: int = 0) -> Outcome:
    """Segment a sequence, correct its worst frame, segment it again."""
    truth = [_labels(sequence, index) for index in range(len(sequence))]
    began = time.perf_counter()
    learnt, first = segmented(sequence, method, {0: truth[0]}, seed=seed)
    between = time.perf_counter()
    j = np.array([jaccard(a > 0, b > 0) for a, b in zip(first, truth, strict=True)])
    worst = int(j[1:].argmin()) + 1
    again = time.perf_counter()
    given = {0: truth[0], worst: truth[worst]}
    more, second = segmented(sequence, method, given, seed=seed, start=learnt)
    ended = time.perf_counter()
    j_after = np.array([jaccard(a > 0, b > 0) for a, b in zip(second, truth, strict=True)])
    counted = [index for index in range(len(sequence)) if index not in given]
    return Outcome(
        sequence.name,
        len(sequence),
        worst,
        float(j[worst]),
        float(j[counted].mean()),
        float(j_after[counted].mean()),
        (learnt.steps, more.steps),
        (round(between - began, 1), round(ended - again, 1)),
    )


def segmented(
    sequence: TrainingSequence,
    method: Segmenter,
    given: Mapping[int, Labels],
    *,
    seed: int = 0,
    start: Learnt | None = None,
) -> tuple[Learnt, list[Labels]]:
    """What was learnt of the frames whose labels are given, and the labels of every frame."""
    annotated = [AnnotatedFrame(sequence.image(index), given[index]) for index in sorted(given)]
    learnt = method.learn(
        annotated,
        objects=1,
        seed=seed,
        on_step=lambda _done, _most: None,
        enough=lambda: False,
        start=start,
    )
    session = method.session(learnt, annotated, objects=1)
    frames = (Picture(index, sequence.image(index)) for index in range(len(sequence)))
    return learnt, [found.labels for _, found in passed(frames, given, session, lambda: None)]


def table(outcomes: Sequence[Outcome], machine: Machine, asked: argparse.Namespace) -> str:
    """Markdown: what ran, a row for each sequence, and how many rise."""
    rise = sum(outcome.rises for outcome in outcomes)
    before = float(np.mean([outcome.before for outcome in outcomes]))
    after = float(np.mean([outcome.after for outcome in outcomes]))
    lines = [
        f"`auto`, preset `{asked.preset}`, tier {machine.tier.name}, seed {asked.seed}, {os.cpu_count()} cores, "
        f"{machine.device}",
        "",
        "| sequence | corrected frame | its J | J before | J after | change | steps | seconds |",
        "|---|---|---|---|---|---|---|---|",
        *map(row, outcomes),
        f"| **mean** | | | {before:.3f} | {after:.3f} | {after - before:+.3f} | | |",
        "",
        f"J rises on {rise} of {len(outcomes)}.",
        "",
    ]
    return "\n".join(lines)


def row(outcome: Outcome) -> str:
    """One line of the table."""
    change = outcome.after - outcome.before
    cells = [outcome.name, f"{outcome.corrected} of {outcome.frames}", f"{outcome.worst:.3f}"]
    cells += [f"{outcome.before:.3f}", f"{outcome.after:.3f}", f"{change:+.3f}"]
    cells += [f"{first} + {second}" for first, second in (outcome.steps, outcome.seconds)]
    return "| " + " | ".join(cells) + " |"


def _labels(sequence: TrainingSequence, index: int) -> Labels:
    return np.where(sequence.labels(index) > 127, np.uint8(1), np.uint8(0))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.correction", description=__doc__)
    parser.add_argument("davis", type=Path, help="root of a data set in DAVIS's layout")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for what it comes to")
    parser.add_argument(
        "--sequences", nargs="+", default=SEQUENCES, help="default: the eight held out, and two more"
    )
    parser.add_argument("--preset", choices=tuple(PRESETS), default="balanced")
    parser.add_argument("--tier", choices=("compact", "standard"), help="default: the best that is there")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
