"""`python -m worker CLIP MASK -o OUT`: the whole pipeline on two files, with no service."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from model.errors import ModelError
from model.presets import PRESETS
from model.segmenters import SEGMENTERS
from storage.jobs import Stage
from worker import manifest, pipeline
from worker.colors import parse_hex
from worker.confined import Confined, confined
from worker.errors import InputError
from worker.estimate import Work
from worker.media import ClipLimits
from worker.pipeline import Order
from worker.settings import WorkerSettings
from worker.tuning import machine_of

app = typer.Typer(add_completion=False)

DEFAULT_OUTPUTS = "overlay.mp4,masks.zip,rle.json,track.json,track.csv,poster.jpg"

# Your own files on your own machine: as long as the disk lasts.
NO_LIMITS = ClipLimits(pixels=2**31, frames=2**31, seconds=float(2**31))


class TerminalReport:
    """A Report that draws one bar per stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._work: dict[Stage, Work] = {}
        self._bar = progress.add_task("reading", total=None)
        self.timings: dict[str, float] = {}

    def plan(self, work: dict[Stage, Work]) -> None:
        self._work |= work

    def begin(self, stage: Stage) -> None:
        self.close()
        words = stage.value.replace("_", " ")
        self._bar = self._progress.add_task(words, total=self._work[stage].units)

    def advance(self, done: float) -> None:
        self._progress.update(self._bar, completed=done)

    def check(self) -> None:
        """Nobody stops it but Ctrl-C."""

    def close(self) -> None:
        bar = self._progress.tasks[self._bar]
        self._progress.stop_task(self._bar)
        self.timings[bar.description.replace(" ", "_")] = round(bar.elapsed or 0.0, 3)


@app.command()
def run(
    clip: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="the clip")],
    mask: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="the mask of its first frame")],
    out: Annotated[Path, typer.Option("-o", "--out", help="folder for the results")] = Path("out"),
    preset: Annotated[str, typer.Option(help="fast, balanced or best")] = "balanced",
    segmenter: Annotated[str, typer.Option(help=", ".join(SEGMENTERS))] = "auto",
    budget: Annotated[float | None, typer.Option(help="seconds that all of it may take")] = None,
    outputs: Annotated[str, typer.Option(help="result names, separated by commas")] = DEFAULT_OUTPUTS,
    color: Annotated[str, typer.Option(help="colour of the first object, #rrggbb")] = "#1e90ff",
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Segment the object of a mask in every frame of a clip."""
    console = Console(stderr=True)
    media = confined(WorkerSettings())
    try:
        order = replace(
            _order(clip, mask, preset, outputs, color, seed, media),
            segmenter=segmenter,
            budget_seconds=budget,
        )
        out.mkdir(parents=True, exist_ok=True)
        columns = (
            TextColumn("{task.description:>12}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as progress:
            _run(order, out, media, TerminalReport(progress))
    except (InputError, ModelError) as error:
        detail = error.detail if isinstance(error, InputError) else str(error)
        console.print(f"[red]{error.code}[/red]: {detail}")
        raise typer.Exit(1) from error
    console.print(f"The results are in {out}/.")


def _run(order: Order, out: Path, media: Confined, report: TerminalReport) -> None:
    """Work beside the results, so that moving them costs nothing and a failed run leaves none."""
    with tempfile.TemporaryDirectory(dir=out, prefix=".work-") as folder:
        made = pipeline.run(order, Path(folder), machine_of(WorkerSettings()), media, report)
        report.close()
        written = manifest.write(made, order, Path(folder), report.timings)
        for name, path in (made.files | {manifest.NAME: written}).items():
            path.replace(out / name)


def _order(
    clip: Path, mask: Path, preset: str, outputs: str, color: str, seed: int, media: Confined
) -> Order:
    if preset not in PRESETS:
        raise InputError("preset_unknown", f"There is no preset {preset!r}: use {', '.join(PRESETS)}.")
    wanted = frozenset(name.strip() for name in outputs.split(","))
    unknown = sorted(wanted - {*DEFAULT_OUTPUTS.split(","), *pipeline.VIDEOS})
    if unknown:
        raise InputError("output_unknown", f"There is no result {unknown[0]!r}: the README names them.")
    facts = media.inspect(clip, mask, NO_LIMITS)
    annotated, objects = media.masks({0: mask.read_bytes()}, facts, lambda: None)
    try:
        first_color = parse_hex(color)
    except ValueError as error:
        raise InputError("color_invalid", f"{color!r} is no colour: write it as #rrggbb.") from error
    return Order(clip, facts, annotated, objects, preset, wanted, first_color, seed)


if __name__ == "__main__":
    app()
