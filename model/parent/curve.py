"""A training's learning curve, as a picture."""

import json
from pathlib import Path

from matplotlib.figure import Figure


def draw(log: Path, picture: Path) -> None:
    """Draw the losses in a run's `log.jsonl` to a PNG or SVG file."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    steps, losses = [line["step"] for line in lines], [line["loss"] for line in lines]
    figure = Figure(figsize=(6, 3.2))
    axes = figure.subplots()
    axes.plot(steps, losses, color="tab:blue", alpha=0.35, linewidth=1)
    axes.plot(steps, _smoothed(losses), color="tab:blue", label="mean of ten")
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None))
    axes.legend()
    figure.tight_layout()
    figure.savefig(picture, dpi=110)


def _smoothed(values: list[float], count: int = 10) -> list[float]:
    """The mean of each value and of up to nine before it."""
    return [
        sum(part) / len(part)
        for end in range(1, len(values) + 1)
        for part in [values[max(0, end - count) : end]]
    ]
