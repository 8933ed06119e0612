"""What the demonstration prints at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rotomill import Job, wording

from demo.score import Score

_BAR_CELLS = 32
# What each result is good for, as a newcomer would ask.
_MEANING = {
    "overlay.mp4": "the clip with the object coloured",
    "masks.zip": "one indexed PNG for each frame",
    "rle.json": "the masks in COCO's run lengths",
    "track.json": "where the object is, frame by frame",
    "track.csv": "the same as a table",
    "poster.jpg": "one picture of it",
    "manifest.json": "how all this was made",
}


def print_summary(console: Console, job: Job, paths: Sequence[Path], score: Score | None) -> None:
    """Print where the results lie, how long each stage took, and J and F where the truth is known."""
    console.print()
    console.print(stage_table(job.timings))
    console.print()
    console.print(file_table(paths))
    if score:
        console.print()
        console.print(score_line(score))


def stage_table(timings: Mapping[str, float]) -> Table:
    """Return one line for each stage, with a bar for its share of the time."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_footer=True)
    total = sum(timings.values())
    table.add_column("STAGE", footer=Text("all", style="bold"))
    table.add_column("TIME", justify="right", footer=Text(wording.duration(total), style="bold"))
    table.add_column("")
    for stage, seconds in timings.items():
        bar = "━" * max(1, round(_BAR_CELLS * seconds / total)) if total else ""
        table.add_row(wording.stage(stage), wording.duration(seconds), Text(bar, style="cyan"))
    return table


def file_table(paths: Sequence[Path]) -> Table:
    """Return the files with their sizes and what they are for."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("RESULT", overflow="fold")
    table.add_column("SIZE", justify="right")
    table.add_column("")
    for path in paths:
        size = wording.size(path.stat().st_size)
        table.add_row(shown(path), size, Text(_MEANING.get(path.name, ""), style="dim"))
    return table


def shown(path: Path) -> str:
    """Return a path as short as it can be from here."""
    here = Path.cwd()
    return str(path.resolve().relative_to(here)) if path.resolve().is_relative_to(here) else str(path)


def score_line(score: Score) -> Text:
    """Return J and F."""
    return Text.assemble(
        ("J ", "bold"),
        (f"{score.jaccard:.3f}", "bold green"),
        ("   F ", "bold"),
        (f"{score.boundary_f:.3f}", "bold green"),
        (f"   mean of {score.frames} frames against the exact masks", "dim"),
    )
