"""What a preset costs and yields: J, seconds a step and seconds a frame, on sequences of DAVIS.

    python -m benchmarks.presets path/to/DAVIS fast dog-agility mallard-water soccerball hike car-turn

Fine-tunes on frame 0 and segments every later frame. J leaves out the first and the last frame, as DAVIS does.
Seconds are the least of all repeats, because other work on the machine only adds. The table also gives J at other
thresholds, from the same run: that is how the threshold was chosen.
"""

import argparse
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from model.device import choose
from model.finetune import AnnotatedFrame, finetune
from model.presets import PRESETS, Preset
from model.segment import Segmenter

Image = npt.NDArray[np.uint8]

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Result:
    """Of one sequence; `jaccard` has a mean for each of THRESHOLDS, after that of the product's own."""

    jaccard: tuple[float, ...]
    step_seconds: float
    frame_seconds: float
    tuning_seconds: float
    segmenting_seconds: float


def main() -> None:
    arguments = _arguments()
    preset = PRESETS[arguments.preset]
    if arguments.steps:
        preset = replace(preset, steps=arguments.steps)
    device = choose(arguments.device)
    print(
        f"{preset}\n{arguments.backbone} on {device}, {torch.get_num_threads()} threads, seed {arguments.seed}"
    )
    print(_row("sequence", "J", *(f"J@{t}" for t in THRESHOLDS), "s/step", "s/frame", "tuning", "frames"))
    results = []
    for name in arguments.sequences:
        result = _measure(arguments.root, name, preset, device, arguments.backbone, arguments.seed)
        results.append(result)
        _print(name, result)
    columns = zip(*(result.jaccard for result in results), strict=True)
    _print(
        "mean",
        Result(
            tuple(statistics.fmean(column) for column in columns),
            *(
                statistics.fmean(getattr(result, field) for result in results)
                for field in ("step_seconds", "frame_seconds", "tuning_seconds", "segmenting_seconds")
            ),
        ),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path, help="folder that holds JPEGImages/480p and Annotations/480p")
    parser.add_argument("preset", choices=PRESETS)
    parser.add_argument("sequences", nargs="+")
    parser.add_argument("--backbone", default="compact")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="instead of the preset's own number")
    return parser.parse_args()


def _measure(root: Path, name: str, preset: Preset, device: torch.device, backbone: str, seed: int) -> Result:
    pictures = _paths(root / "JPEGImages/480p" / name, "*.jpg")
    masks = [_mask(path) for path in _paths(root / "Annotations/480p" / name, "*.png")]
    ticks = [time.perf_counter()]
    network = finetune(
        [AnnotatedFrame(_picture(pictures[0]), masks[0])],
        preset,
        objects=1,
        seed=seed,
        device=device,
        backbone=backbone,
        on_step=lambda _done, _total: ticks.append(time.perf_counter()),
    )
    segmenter = Segmenter(network, preset, device)
    seconds, scores = [], []
    for picture, mask in zip(pictures[1:-1], masks[1:-1], strict=True):
        frame = _picture(picture)
        started = time.perf_counter()
        labels = segmenter(frame).labels
        seconds.append(time.perf_counter() - started)
        probability = segmenter.probability(frame)[0].cpu().numpy()
        candidates = [labels == 1, *(probability > threshold for threshold in THRESHOLDS)]
        scores.append([_jaccard(candidate, mask == 1) for candidate in candidates])
    return Result(
        tuple(np.mean(scores, axis=0).tolist()),
        min(np.diff(ticks)),
        min(seconds),
        ticks[-1] - ticks[0],
        sum(seconds),
    )


def _paths(folder: Path, pattern: str) -> list[Path]:
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise SystemExit(f"{folder} holds no {pattern}.")
    return paths


def _picture(path: Path) -> Image:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)


def _mask(path: Path) -> Image:
    return (np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) > 127).astype(np.uint8)


def _jaccard(prediction: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> float:
    union = np.count_nonzero(prediction | truth)
    return np.count_nonzero(prediction & truth) / union if union else 1.0


def _print(name: str, result: Result) -> None:
    print(
        _row(
            name,
            *(f"{value:.3f}" for value in (*result.jaccard, result.step_seconds, result.frame_seconds)),
            *(f"{value:.0f} s" for value in (result.tuning_seconds, result.segmenting_seconds)),
        ),
        flush=True,
    )


def _row(*cells: str) -> str:
    return f"{cells[0]:<18}" + "".join(f"{cell:>9}" for cell in cells[1:])


if __name__ == "__main__":
    main()
