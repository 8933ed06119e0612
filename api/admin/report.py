"""What the commands print: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 200

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def write(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """The rows; a table shows these columns of them."""
    if as_json:
        print(json.dumps(rows, default=_plain, indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        # an id is there to be copied
        table.add_column(column.upper().replace("_", " "), overflow="fold", no_wrap=column == "id")
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    _console().print(table)


def write_one(row: Mapping[str, Any], *, as_json: bool) -> None:
    """Everything about one thing, a line each."""
    if as_json:
        print(json.dumps(row, default=_plain, indent=2))
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in row.items():
        table.add_row(name, _cell(value))
    _console().print(table)


def _console() -> Console:
    """As wide as the terminal; in a file or a pipe, wide enough."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, dict | list):
        value = json.dumps(value, default=_plain)
    # square brackets would be rich's own marks
    return str(value).replace("[", r"\[")


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
