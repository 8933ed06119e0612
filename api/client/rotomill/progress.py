"""What a waiting person sees: a live bar on a terminal, a plain line for each change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
)
from rich.text import Text

from rotomill import wording
from rotomill.jobs import Job

_LABEL_CELLS = 22
_PLAIN_STEPS = 10  # a log wants a line every tenth, not every percent


class Display(Protocol):
    """Shows a submission and a wait; used as a context manager."""

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing, and leave the terminal as it was."""
        ...

    def uploading(self, sent: int, total: int) -> None:
        """Show how many bytes of the files have been sent."""
        ...

    def update(self, job: Job) -> None:
        """Show a new state of the job."""
        ...


def display(console: Console) -> Display:
    """Return the display that suits the console."""
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


def print_done(console: Console, label: str, note: str) -> None:
    """Print a line for something that is done, with a note beside it."""
    console.print(Text.assemble(("✓ ", "green"), label.ljust(_LABEL_CELLS + 1), (note, "dim")))


class _Remaining(ProgressColumn):
    """The service's estimate, counted down between its updates."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        """Return the time left, or nothing where there is no estimate."""
        eta, told_at = task.fields.get("eta"), task.fields.get("told_at", 0.0)
        if eta is None:
            return Text("")
        return Text(wording.remaining(eta - (task.get_time() - told_at)), style="cyan")


class StageClock:
    """Notices when a job leaves a stage, and how long it was there by the watch of the one who waits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage: str | None = None
        self._since = clock()

    def left(self, job: Job) -> tuple[str, float] | None:
        """Return the stage that this state ends and its seconds, by the service's account if it gives one."""
        stage = job.stage if job.status == "running" else None
        if stage == self._stage:
            return None
        before, since = self._stage, self._since
        self._stage, self._since = stage, self._clock()
        if before is None or job.status in {"queued", "failed", "canceled"}:
            return None
        return before, float(job.timings.get(before, self._since - since))


class LiveDisplay:
    """A bar over the whole job, with the stages that are done above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stages = StageClock()
        self._progress = Progress(
            SpinnerColumn(style="cyan"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=36, complete_style="cyan", finished_style="green", pulse_style="dim cyan"),
            TaskProgressColumn(),
            _Remaining(),
            console=console,
            transient=True,
        )
        self._known = False  # whether the bar has a length, or only says that something goes on
        self._task = self._progress.add_task("starting".ljust(_LABEL_CELLS), total=None, eta=None)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar; the lines above it stay."""
        self._progress.stop()

    def uploading(self, sent: int, total: int) -> None:
        """Show the upload as a bar of its own."""
        self._show("uploading", sent / total if total else None)

    def update(self, job: Job) -> None:
        """Show the job's stage, progress and estimate, or its place in the queue."""
        if ended := self._stages.left(job):
            print_done(self._console, wording.stage(ended[0]), wording.duration(ended[1]))
        if job.succeeded:
            print_done(self._console, "succeeded", "from the cache" if job.cached else _whole_time(job))
        elif job.status == "running":
            self._show(wording.state(job), job.progress, job.eta_seconds)
        else:
            self._show(wording.state(job), None)

    def _show(self, label: str, fraction: float | None, eta: float | None = None) -> None:
        if self._known != (fraction is not None) or self._progress.finished:
            # A task cannot forget its total, nor that it was complete, as an upload is.
            self._progress.remove_task(self._task)
            self._task = self._progress.add_task("", total=None if fraction is None else 1.0)
            self._known = fraction is not None
        self._progress.update(
            self._task,
            description=label.ljust(_LABEL_CELLS),
            completed=fraction or 0.0,
            eta=eta,
            told_at=self._progress.get_time(),
        )


class PlainDisplay:
    """One line for each stage and each tenth of the way: for logs, pipes and CI."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""

    def uploading(self, sent: int, total: int) -> None:
        """Print the upload once, when it is complete."""
        if sent == total:
            self._line("uploaded", 0, wording.size(total))

    def update(self, job: Job) -> None:
        """Print the state, unless the last line said the same."""
        if job.status != "running":
            self._line(wording.state(job), 0, "from the cache" if job.cached else "")
            return
        eta = "" if job.eta_seconds is None else f", {wording.remaining(job.eta_seconds)}"
        self._line(wording.state(job), int(job.progress * _PLAIN_STEPS), f"{job.progress:.0%}{eta}")

    def _line(self, label: str, step: int, note: str) -> None:
        if (label, step) == self._last:
            return
        self._last = (label, step)
        self._console.print(f"{label}: {note}" if note else label, highlight=False, markup=False)


def _whole_time(job: Job) -> str:
    if job.started_at is None or job.finished_at is None:
        return ""
    return f"in {wording.duration((job.finished_at - job.started_at).total_seconds())}"
