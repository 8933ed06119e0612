"""Jobs and deliveries on the terminal, and as JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from rotomill import wording
from rotomill.jobs import Delivery, Job

_STYLES = {
    "queued": "yellow",
    "running": "cyan",
    "succeeded": "green",
    "failed": "red",
    "canceled": "magenta",
    "pending": "yellow",
    "delivered": "green",
}


def write_json(document: object) -> None:
    """Print a JSON document on standard output, without any styling."""
    print(json.dumps(document, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: object) -> Any:
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _status(status: str) -> Text:
    return Text(status, style=_STYLES.get(status, ""))


def age(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago a moment was."""
    if moment is None:
        return ""
    return f"{wording.duration(max(0.0, ((now or datetime.now(UTC)) - moment).total_seconds()))} ago"


def job_table(jobs: Sequence[Job]) -> Table:
    """Return one line for each job."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("ID", "STATUS", "DOING", "PROGRESS", "CREATED"):
        table.add_column(heading, no_wrap=heading == "ID")
    for job in jobs:
        doing = job.error.code if job.error else "" if job.finished else wording.state(job)
        progress = f"{job.progress:.0%}" if job.status == "running" else ""
        table.add_row(job.id, _status(job.status), doing, progress, age(job.created_at))
    return table


def job_sheet(job: Job) -> RenderableType:
    """Return everything about one job: its state, its clip, its times, its results."""
    sheet = Table.grid(padding=(0, 2))
    sheet.add_column(style="bold")
    for name, value in _facts(job):
        sheet.add_row(name, value)
    return Group(sheet, Text(""), result_table(job)) if job.results else sheet


def _facts(job: Job) -> list[tuple[str, RenderableType]]:
    facts: list[tuple[str, RenderableType]] = [("job", job.id), ("status", _status(job.status))]
    if not job.finished:
        facts.append(("doing", f"{wording.state(job)}  {job.progress:.0%}"))
        if job.eta_seconds is not None:
            facts.append(("ready in", wording.duration(job.eta_seconds)))
    if job.error:
        facts.append(("error", Text(f"{job.error.detail} ({job.error.code})", style="red")))
    facts.append(("created", age(job.created_at)))
    if job.attempt > 1:
        facts.append(("attempt", str(job.attempt)))
    if job.clip:
        facts.append(("clip", _clip(job.clip)))
    if job.timings:
        facts.append(
            ("times", _pairs({wording.stage(k): wording.duration(v) for k, v in job.timings.items()}))
        )
    if job.metadata:
        facts.append(("metadata", escape(_pairs(job.metadata))))
    return facts


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _clip(clip: Mapping[str, Any]) -> str:
    return f"{clip.get('width')}x{clip.get('height')}, {clip.get('frames')} frames, {clip.get('codec')}"


def result_table(job: Job) -> Table:
    """Return the job's results with their sizes."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("RESULT")
    table.add_column("SIZE", justify="right")
    table.add_column("SHA-256", style="dim")
    for result in job.results:
        table.add_row(result.name, wording.size(result.bytes), result.sha256[:12])
    return table


def delivery_table(deliveries: Sequence[Delivery]) -> Table:
    """Return one line for each webhook of a job."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("N", "EVENT", "STATUS", "TRIES", "LAST ANSWER", "URL"):
        table.add_column(heading)
    for one in deliveries:
        last = one.attempts[-1] if one.attempts else None
        answer = "" if last is None else str(last.status_code or last.error or "")
        table.add_row(
            str(one.number),
            one.event,
            _status(one.status),
            str(len(one.attempts)),
            escape(answer),
            escape(one.url),
        )
    return table


def print_error(console: Console, code: str, detail: str) -> None:
    """Print one red sentence with its code."""
    console.print(Text.assemble((detail, "red"), (f" ({code})", "dim red")), soft_wrap=True)
