"""Makes what the page shows to who has no jobs yet: `python -m demo.sample`, a real job on a clip rendered here."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rotomill import Client, Job, Retry

from demo.clip import Rendered, Scene, write
from demo.score import Score, score
from demo.service import Service

FOLDER = Path(__file__).resolve().parents[1] / "api" / "static" / "sample"

# Long enough to see it move, short enough to come along with every installation.
SCENE = Scene(frames=54)

# What the page reads of a job. Its first visitor downloads nothing else.
OUTPUTS = ("preview.mp4", "masks.zip", "track.json", "poster.jpg")
OPTIONS: dict[str, Any] = {
    "preset": "balanced",
    "overlay_color": "#b14cff",
    "metadata": {"name": "A koi in a pond"},
}

MOST_BYTES = 900_000
_ENOUGH = 0.9


def main(out: Annotated[Path, typer.Option(help="Where the sample goes.", file_okay=False)] = FOLDER) -> None:
    """Render the clip, have the service segment it, and keep the results beside the page."""
    # a plain `kill` is to stop the service too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="rotomill-sample-") as place:
        rendered = write(SCENE, Path(place, "clip"))
        made = Path(place, "made")
        job = _segmented(Path(place), rendered, made)
        judged = score(made / "masks.zip", rendered.masks)
        _check(made, judged)
        _write_job(job, made)
        shutil.copy(rendered.clip, made)
        shutil.copy(rendered.mask, made)
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(made, out)
    size = sum(path.stat().st_size for path in out.iterdir())
    console.print(f"J {judged.jaccard:.3f}, {size:,} bytes in {out}")
    if size > MOST_BYTES:
        console.print(f"[red]That is more than {MOST_BYTES:,} bytes.[/]")
        raise typer.Exit(1)


def _segmented(place: Path, rendered: Rendered, made: Path) -> Job:
    with Service(place) as service, Client(service.url, retry=Retry(sleep=service.sleep)) as client:
        job = client.wait(client.submit(rendered.clip, rendered.mask, outputs=OUTPUTS, **OPTIONS))
        client.download(job, made)
    return job


def _check(made: Path, judged: Score) -> None:
    if judged.jaccard < _ENOUGH:
        raise SystemExit(f"J is {judged.jaccard:.3f}, below {_ENOUGH}: this is nothing to show.")
    if missing := [name for name in OUTPUTS if not (made / name).exists()]:
        raise SystemExit(f"The job has not made {', '.join(missing)}.")


def _write_job(job: Job, made: Path) -> None:
    """The job as the API shows it, but that its files lie beside it and stay."""
    results = [{**result, "url": result["name"]} for result in job.raw["results"]]
    # what it took is of the machine that made it, and tells a visitor nothing of theirs; manifest.json has it
    shown = {**job.raw, "results": results, "expires_at": None, "timings": {}}
    (made / "job.json").write_text(json.dumps(shown, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    typer.run(main)
