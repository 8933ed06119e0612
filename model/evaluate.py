"""Scores results against the truth as DAVIS does: `python -m model.evaluate RESULTS TRUTH`."""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.datasets import VOID_FROM, MaskSequence, mask_sequences, read_set
from model.errors import ModelError
from model.measures import Statistics, boundary_f, instability, jaccard, statistics

Labels = npt.NDArray[np.uint8]


class EvaluationError(ModelError):
    """The results cannot be scored against this truth."""

    code = "evaluation_invalid"


@dataclass(frozen=True)
class Score:
    """J, F and T of one object over a sequence, or a mean of such scores. T is NaN where it was not measured."""

    j: Statistics
    f: Statistics
    t: float = math.nan

    def numbers(self) -> dict[str, float]:
        """The numbers that DAVIS tabulates, by name: seven, shares from 0 to 1, and T where it was measured."""
        stability = {} if math.isnan(self.t) else {"T": self.t}
        return {
            "J&F_mean": (self.j.mean + self.f.mean) / 2,
            **{f"J_{name}": value for name, value in vars(self.j).items()},
            **{f"F_{name}": value for name, value in vars(self.f).items()},
            **stability,
        }


@dataclass(frozen=True)
class SequenceScore:
    """What one sequence scored: each object by its label, and their mean."""

    name: str
    frames: int
    scored: int
    objects: dict[int, Score]
    mean: Score


def score_sequence(
    prediction: MaskSequence, truth: MaskSequence, *, all_frames: bool = False, stability: bool = False
) -> SequenceScore:
    """J and F of one sequence; the objects are those in the first mask of the truth.

    The first and the last frame are left out, as in DAVIS (the first is given to the method),
    unless `all_frames`. A truth of 0 and 255 is DAVIS-2016's: 255 is the object. In any other,
    labels from 254 on are void and count nowhere. Where the truth has one object, every label
    of the prediction stands for it. T, of the same frames, is measured where `stability` is asked for: it takes a
    hundred times as long as J and F. Raises EvaluationError for missing frames, other sizes,
    unknown labels, and a truth with nothing to score.
    """
    frames = truth.frames if all_frames else truth.frames[1:-1]
    _check_frames(prediction, truth, frames)
    objects = _objects(truth)
    measured = [_measured(prediction, truth, frame, objects) for frame in frames]
    scores = {
        label: Score(
            statistics([frame[index][0] for frame in measured]),
            statistics([frame[index][1] for frame in measured]),
            instability(_masks(prediction, frames, label, alone=len(objects) == 1))
            if stability
            else math.nan,
        )
        for index, label in enumerate(objects)
    }
    return SequenceScore(truth.name, len(truth.files), len(frames), scores, mean_score(list(scores.values())))


def mean_score(scores: Sequence[Score]) -> Score:
    """The mean of each number over the scores, at least one."""
    known = [score.t for score in scores if not math.isnan(score.t)]
    t = sum(known) / len(known) if known else math.nan
    return Score(_mean([score.j for score in scores]), _mean([score.f for score in scores]), t)


def pair(
    results: dict[str, MaskSequence], truths: dict[str, MaskSequence], names: Sequence[str] | None
) -> list[tuple[MaskSequence, MaskSequence]]:
    """The (prediction, truth) pairs to score: those named, or those that both have.

    One sequence on either side pairs with one on the other, whatever their names. Raises
    EvaluationError where a named sequence is missing or nothing pairs.
    """
    if names is None and len(results) == len(truths) == 1:
        return [(next(iter(results.values())), next(iter(truths.values())))]
    chosen = [name for name in truths if name in results] if names is None else names
    for side, sequences in (("results", results), ("truth", truths)):
        missing = [name for name in chosen if name not in sequences]
        if missing:
            raise EvaluationError(f"the {side} lack {_listed(missing)}")
    if not chosen:
        raise EvaluationError(
            f"no sequence in common: the results have {_listed(list(results))}, "
            f"the truth has {_listed(list(truths))}"
        )
    return [(results[name], truths[name]) for name in chosen]


def table(scores: Sequence[SequenceScore]) -> str:
    """The scores as text, in the columns and order of DAVIS's own tables."""
    columns = ["J&F-Mean", "J-Mean", "J-Recall", "J-Decay", "F-Mean", "F-Recall", "F-Decay"]
    columns += ["T"] if any(not math.isnan(score.mean.t) for score in scores) else []
    rows = [(f"{score.name} ({score.scored} frames)", score.mean) for score in scores]
    rows += [(f"mean over {title}", mean) for title, mean in _overall(scores).items()]
    width = max(len(title) for title, _ in rows)
    lines = [" ".join([" " * width, *(f"{column:>8}" for column in columns)])]
    for title, score in rows:
        lines.append(
            " ".join([f"{title:<{width}}", *(f"{value:8.3f}" for value in score.numbers().values())])
        )
    lines.insert(1 + len(scores), "-" * len(lines[0]))
    return "\n".join(lines)


def report(scores: Sequence[SequenceScore]) -> dict[str, object]:
    """The scores as plain values for JSON: per sequence, per object where several, and overall."""
    sequences = {
        score.name: {
            "frames": score.frames,
            "scored": score.scored,
            **score.mean.numbers(),
            "objects": {str(label): each.numbers() for label, each in score.objects.items()},
        }
        for score in scores
    }
    overall = {f"mean over {title}": mean.numbers() for title, mean in _overall(scores).items()}
    return {"sequences": sequences, "overall": overall}


def _overall(scores: Sequence[SequenceScore]) -> dict[str, Score]:
    """The means over everything: DAVIS-2016's, and DAVIS-2017's where it differs."""
    objects = [each for score in scores for each in score.objects.values()]
    means = {f"{len(scores)} sequences (DAVIS-2016)": mean_score([score.mean for score in scores])}
    if len(objects) > len(scores):
        means[f"{len(objects)} objects (DAVIS-2017)"] = mean_score(objects)
    return means


def _mean(values: Sequence[Statistics]) -> Statistics:
    mean, recall, decay = np.mean([(value.mean, value.recall, value.decay) for value in values], axis=0)
    return Statistics(float(mean), float(recall), float(decay))


def _check_frames(prediction: MaskSequence, truth: MaskSequence, frames: Sequence[int]) -> None:
    if not frames:
        raise EvaluationError(
            f"{truth.name}: nothing to score in {len(truth.files)} frames without the first and the last; "
            "--all-frames scores those too"
        )
    missing = [f"{frame:05d}.png" for frame in frames if frame not in prediction.files]
    if missing:
        raise EvaluationError(f"{truth.name}: the results lack {_listed(missing)}")


def _objects(truth: MaskSequence) -> tuple[int, ...]:
    """The labels to score: those in the first mask; 255 alone is DAVIS-2016's object."""
    labels = [int(label) for label in np.unique(truth.labels(truth.frames[0])) if label]
    known = labels if labels == [255] else [label for label in labels if label < VOID_FROM]
    if not known:
        raise EvaluationError(f"{truth.name}: no object in the first mask of the truth")
    return tuple(known)


def _measured(
    prediction: MaskSequence, truth: MaskSequence, frame: int, objects: tuple[int, ...]
) -> list[tuple[float, float]]:
    """J and F of each object in one frame."""
    ours, theirs = prediction.labels(frame), truth.labels(frame)
    where = f"{truth.name}, frame {frame}"
    if ours.shape != theirs.shape:
        sizes = [f"{shape[1]}x{shape[0]}" for shape in (ours.shape, theirs.shape)]
        raise EvaluationError(f"{where}: the result is {sizes[0]}, the truth {sizes[1]}")
    # 255 cannot be void where it is the object itself
    void = (theirs >= VOID_FROM) & (objects != (255,))
    if len(objects) == 1:
        ours = np.where(ours > 0, np.uint8(objects[0]), np.uint8(0))
    unknown = sorted({int(label) for label in np.unique(ours)} - {0, *objects})
    if unknown:
        raise EvaluationError(f"{where}: the result has labels that the truth has not: {unknown}")
    return [_both((ours == label) & ~void, (theirs == label) & ~void) for label in objects]


def _masks(
    prediction: MaskSequence, frames: Sequence[int], label: int, *, alone: bool
) -> Iterator[npt.NDArray[np.bool_]]:
    """One object's masks, (H, W) each; every label stands for an object that is alone."""
    for frame in frames:
        labels = prediction.labels(frame)
        yield labels > 0 if alone else labels == label


def _both(prediction: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> tuple[float, float]:
    return jaccard(prediction, truth), boundary_f(prediction, truth)


def _listed(names: Sequence[str], shown: int = 5) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model.evaluate", description=__doc__)
    parser.add_argument("results", type=Path, help="folder of <sequence>/00000.png…, one such, or masks.zip")
    parser.add_argument("truth", type=Path, help="the same of the truth, or a DAVIS root")
    parser.add_argument("--set", type=Path, help="file of the sequences to score, as in DAVIS's ImageSets")
    parser.add_argument("--all-frames", action="store_true", help="score the first and the last frame too")
    parser.add_argument("--stability", action="store_true", help="measure T too, which takes long")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table or JSON; 2 with a sentence on stderr where the input cannot be scored."""
    arguments = _arguments(argv)
    try:
        results, truths = mask_sequences(arguments.results), mask_sequences(arguments.truth)
        pairs = pair(results, truths, read_set(arguments.set) if arguments.set else None)
        # decoding and dilating release the interpreter's lock, so threads use every core
        with ThreadPoolExecutor() as pool:
            scores = list(
                pool.map(
                    lambda both: score_sequence(
                        *both, all_frames=arguments.all_frames, stability=arguments.stability
                    ),
                    pairs,
                )
            )
    except ModelError as error:
        print(f"model.evaluate: {error}", file=sys.stderr)
        return 2
    unscored = len(truths) - len(pairs)
    if unscored and not arguments.set:
        print(f"model.evaluate: {unscored} sequences of the truth have no results", file=sys.stderr)
    print(json.dumps(report(scores), indent=2) if arguments.json else table(scores))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
