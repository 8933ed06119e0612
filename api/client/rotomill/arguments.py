"""What the command takes: the options that several commands share, and how their texts are read."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

Url = Annotated[str, typer.Option("--url", envvar="ROTOMILL_URL", help="Where the service is.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id.", show_default=False)]
Into = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="DIR", file_okay=False, help="Wait, then store the results in this folder."
    ),
]

Masks = Annotated[list[str], typer.Option("--mask", metavar="N=FILE", help="Mask of frame N.")]
Preset = Annotated[str | None, typer.Option(help="fast, balanced or best.")]
Segmenter = Annotated[str | None, typer.Option(help="auto, osvos, onavos, masktrack or flow.")]
Budget = Annotated[int | None, typer.Option(metavar="SECONDS", help="What the work may take.")]
Outputs = Annotated[str | None, typer.Option(metavar="A,B", help="Results wanted, with commas.")]
Color = Annotated[str | None, typer.Option(metavar="#RRGGBB", help="Colour of the overlay.")]
Webhook = Annotated[str | None, typer.Option(metavar="URL", help="Who is told the outcome.")]
WebhookSecret = Annotated[str | None, typer.Option(help="whsec_… that signs it.")]
Seed = Annotated[int | None, typer.Option(help="Same seed, same result.")]
Meta = Annotated[list[str], typer.Option("--meta", metavar="K=V", help="Kept with the job.")]
Deadline = Annotated[int | None, typer.Option(metavar="SECONDS", help="Fail when not done by then.")]
Waiting = Annotated[bool, typer.Option("--wait", help="Stay until the job has ended.")]


def input_file(metavar: str, text: str) -> Any:
    """Describe an argument that names a file which must be there."""
    return typer.Argument(
        metavar=metavar, help=text, exists=True, dir_okay=False, readable=True, show_default=False
    )


def key_values(texts: Sequence[str]) -> dict[str, str]:
    """Read `k=v` texts."""
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{text!r} is not of the form KEY=VALUE")
        pairs[key] = value
    return pairs


def numbered_files(texts: Sequence[str], least: int = 1) -> dict[int, Path]:
    """Read `N=FILE` texts: the frame's number, from `least`, and the mask that belongs to it."""
    files = {}
    for number, name in key_values(texts).items():
        if not (number.isascii() and number.isdigit()) or int(number) < least:
            hint = "; frame 0 is the argument MASK" if least else ""
            raise typer.BadParameter(f"{number!r} is no frame number{hint}")
        if not Path(name).is_file():
            raise typer.BadParameter(f"there is no file {name}")
        files[int(number)] = Path(name)
    return files


def listed(text: str | None) -> list[str] | None:
    """Read a list with commas; None stays None."""
    if text is None:
        return None
    return [part.strip() for part in text.split(",") if part.strip()]


def headers(file: Path | None, lines: Sequence[str]) -> dict[str, str]:
    """Read `Name: value` lines, of a file and from the command line."""
    found = {}
    for line in [*(file.read_text().splitlines() if file else []), *lines]:
        name, colon, value = line.partition(":")
        if colon:  # a request line or a blank one, as in a saved request, is not a header
            found[name.strip()] = value.strip()
    return found


def body_of(path: Path) -> bytes:
    """Read a file, or standard input for `-`, byte for byte."""
    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
