"""How good a mask the box tool makes of the true object's box: J a picture, time, and the worst.

`python -m benchmarks.box_tool DAVIS -o out/`, on the first frame of each sequence; `--stills FOLDER` instead takes the
still pictures on which choices were made (each tenth), and `--strokes N` corrects the masks with so many strokes.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from model.box.examples import box_around, held_out
from model.box.strokes import largest, stroke
from model.datasets import training_sequence
from model.measures import jaccard
from model.parent.clips import stills
from worker.confinement import Limits
from worker.nursery import Nursery
from worker.suggestion.picture import BACKGROUND, FOREGROUND
from worker.suggestion.tool import suggest

Bytes = npt.NDArray[np.uint8]
Corners = tuple[int, int, int, int]

TIMED: Final = 3
"""Times that each picture is sent to a confined child; the median of all counts."""

RED: Final = (220, 30, 30)
GREEN: Final = (20, 150, 60)


@dataclass(frozen=True)
class Case:
    """A picture (H, W, 3) with its object's mask (H, W), 0 or 255, and the box that fits that."""

    name: str
    picture: Bytes
    truth: Bytes
    box: Corners


@dataclass(frozen=True)
class Outcome:
    """What the tool made of a case: J with no stroke, with one, with two …; J of plain GrabCut; seconds in a child."""

    case: Case
    j: tuple[float, ...]
    plain: float
    seconds: float
    mask: Bytes


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table, and writes it and the pictures of the worst to the folder."""
    asked = _arguments(argv)
    cv2.setNumThreads(1)
    asked.output.mkdir(parents=True, exist_ok=True)
    with Nursery() as nursery:
        nursery.start()
        outcomes = [_outcome(case, asked.strokes, nursery) for case in _cases(asked)]
    text = _table(outcomes)
    (asked.output / "box_tool.md").write_text(text)
    worst = min(outcomes, key=lambda outcome: outcome.j[0])
    _beside(worst).save(asked.output / "worst.png")
    _outlines(worst).save(asked.output / "worst-outlines.png")
    print(text)
    return 0


def _cases(asked: argparse.Namespace) -> Iterator[Case]:
    if asked.stills:
        _, held = held_out(stills(asked.stills, 400))
        found = ((shot.name, shot.pictures[0], shot.masks[0]) for shot in held)
    else:
        names = sorted(path.name for path in (asked.davis / "JPEGImages" / "480p").iterdir())
        sequences = (training_sequence(asked.davis, name) for name in names)
        found = ((one.name, one.image(0), one.labels(0)) for one in sequences)
    for name, picture, labels in found:
        truth = np.where(labels > 127, np.uint8(255), np.uint8(0)) if labels.max() > 1 else labels * 255
        box = box_around(truth)
        if box is not None:
            x0, y0, x1, y1 = map(int, box)
            yield Case(name, picture, truth, (x0, y0, x1, y1))


def _outcome(case: Case, strokes: int, nursery: Nursery) -> Outcome:
    drawn = np.zeros(case.truth.shape, np.uint8)
    mask = first = suggest(case.picture, case.box, drawn)
    scores = [jaccard(mask > 0, case.truth > 0)]
    rng = np.random.default_rng(0)
    for _ in range(strokes):
        if not _correct(drawn, mask > 0, case.truth > 0, rng):
            scores.append(scores[-1])
            continue
        mask = suggest(case.picture, case.box, drawn)
        scores.append(jaccard(mask > 0, case.truth > 0))
    seconds = statistics.median(_seconds(case, nursery) for _ in range(TIMED))
    return Outcome(case, tuple(scores), jaccard(plain(case) > 0, case.truth > 0), seconds, first)


def _correct(
    drawn: Bytes, found: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_], rng: np.random.Generator
) -> bool:
    """Draw a stroke over the largest mistake; False where there is none worth it."""
    sides = [(truth & ~found, FOREGROUND), (found & ~truth, BACKGROUND)]
    worst = [(place, level) for wrong, level in sides if (place := largest(wrong)) is not None]
    if not worst:
        return False
    place, level = max(worst, key=lambda one: np.count_nonzero(one[0]))
    drawn[stroke(place, rng) & (truth == (level == FOREGROUND))] = level
    return True


def plain(case: Case) -> Bytes:
    """GrabCut begun from the box alone, five iterations, as OpenCV's own example has it."""
    x0, y0, x1, y1 = case.box
    height, width = case.truth.shape
    classes = np.zeros((height, width), np.uint8)
    models = np.zeros((2, 1, 65), np.float64)
    cv2.setRNGSeed(0)
    # something must be left outside for it to learn from
    rectangle = (x0, y0, min(x1 - x0, width - 1), min(y1 - y0, height - 1))
    cv2.grabCut(case.picture, classes, rectangle, models[0], models[1], 5, cv2.GC_INIT_WITH_RECT)
    return np.where((classes == cv2.GC_FGD) | (classes == cv2.GC_PR_FGD), np.uint8(255), np.uint8(0))


def _seconds(case: Case, nursery: Nursery) -> float:
    """From asking for a confined child to its last word, the picture sent as a JPEG."""
    _, jpeg = cv2.imencode(".jpg", case.picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    data = jpeg.tobytes()
    about = {"image_bytes": len(data), "box": case.box}
    began = time.monotonic()
    with nursery.child("suggestion", about, Limits(2 * 1024**3, cpu_seconds=60), data=data) as child:
        child.hear(1 << 24)
        child.hear()
    return time.monotonic() - began


def _table(outcomes: Sequence[Outcome]) -> str:
    strokes = len(outcomes[0].j) - 1
    heads = [
        "picture",
        "plain GrabCut",
        "the tool",
        *(f"{n} stroke{'s' * (n > 1)}" for n in range(1, strokes + 1)),
    ]
    rows = [(one.case.name, one.plain, *one.j) for one in sorted(outcomes, key=lambda one: one.j[0])]
    means = ("**mean**", *(statistics.fmean(column) for column in [*zip(*rows, strict=True)][1:]))
    lines = [" | ".join(heads), " | ".join(["---"] * len(heads))]
    for name, *values in (means, *rows):
        lines.append(" | ".join([str(name), *(f"{value:.3f}" for value in values)]))
    seconds = statistics.median(one.seconds for one in outcomes)
    table = "\n".join(f"| {line} |" for line in lines)
    return f"{table}\n\n{len(outcomes)} pictures; {seconds:.2f} s a box in a confined child (median).\n"


def _beside(outcome: Outcome) -> Image.Image:
    """Frame with the box, truth, result."""
    case = outcome.case
    frame = case.picture.copy()
    cv2.rectangle(frame, case.box[:2], case.box[2:], RED, 2)
    masks = [np.repeat(mask[..., None], 3, axis=2) for mask in (case.truth, outcome.mask)]
    return Image.fromarray(np.hstack([frame, *masks]))


def _outlines(outcome: Outcome) -> Image.Image:
    """Truth and result as outlines in the box, and nothing of the photograph."""
    case = outcome.case
    sheet = np.full((*case.truth.shape, 3), 255, np.uint8)
    cv2.rectangle(sheet, case.box[:2], case.box[2:], (190, 190, 190), 1)
    looks: tuple[tuple[Bytes, tuple[int, int, int]], ...] = ((case.truth, GREEN), (outcome.mask, RED))
    for mask, colour in looks:
        lines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(sheet, lines, -1, colour, 2)
    return Image.fromarray(sheet)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.box_tool", description=__doc__)
    parser.add_argument("davis", type=Path, nargs="?", help="root in DAVIS's layout")
    parser.add_argument("--stills", type=Path, help="folder with JPEGImages/*.jpg and Annotations/*.png")
    parser.add_argument("--strokes", type=int, default=0, help="corrections to simulate")
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args(argv)
    if (asked.davis is None) == (asked.stills is None):
        parser.error("give DAVIS's root, or --stills")
    return asked


if __name__ == "__main__":
    sys.exit(main())
