"""One job from end to end: `python -m demo` starts the service, submits a clip and shows what comes back."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.panel import Panel
from rich.text import Text
from rotomill import Client, Job, Retry, RotomillError, webhooks, wording
from rotomill.progress import display, print_done
from rotomill.report import print_error

from demo.clip import Scene, write
from demo.receiver import NothingReceivedError, Receiver
from demo.score import FramesDifferError, Score, score
from demo.service import Service, ServiceFailedError
from demo.summary import print_summary, shown

FOLDER = Path(__file__).resolve().parent / "run"
_ENOUGH = 0.9
_WEBHOOK_SECONDS = 30.0
# The koi is orange and white, the pond is green: violet stands out from all of them.
_COLOR = "#b14cff"


def main(
    video: Annotated[Path | None, typer.Option(help="A clip of yours.", exists=True, dir_okay=False)] = None,
    mask: Annotated[Path | None, typer.Option(help="Its first mask.", exists=True, dir_okay=False)] = None,
    preset: Annotated[str, typer.Option(help="fast, balanced or best.")] = "balanced",
    out: Annotated[Path, typer.Option(help="Where the results go.", file_okay=False)] = FOLDER / "out",
) -> None:
    """Segment a clip: one it renders itself, whose truth it knows, or yours with its first mask."""
    if (video is None) != (mask is None):
        raise typer.BadParameter("give both --video and --mask, or neither")
    # A plain `kill` and a closed terminal are to clean up just as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = Console()
    service = Service(FOLDER)
    try:
        judged = _run(console, service, video, mask, preset, out)
    except (RotomillError, ServiceFailedError, NothingReceivedError, FramesDifferError) as error:
        _print_failure(console, service, error)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        console.print("\nStopped; the service is down.")
        raise typer.Exit(130) from error
    if judged and judged.jaccard < _ENOUGH:
        console.print(f"[red]J is below {_ENOUGH}: the result is not good enough.[/]")
        raise typer.Exit(1)


def _run(
    console: Console, service: Service, video: Path | None, mask: Path | None, preset: str, out: Path
) -> Score | None:
    """Tell the whole story; return J and F where the truth is known."""
    console.print(Panel.fit("[bold cyan]Rotomill[/]  one mask in, every frame out", border_style="cyan"))
    truth = None
    if video is None or mask is None:
        with _step(console, "clip rendered", "rendering a clip"):
            rendered = write(Scene(), FOLDER / "clip")
        video, mask, truth = rendered.clip, rendered.mask, rendered.masks
    secret = webhooks.new_secret()
    with (
        Receiver(secret) as receiver,
        _running(console, service),
        Client(service.url, retry=Retry(sleep=service.sleep)) as client,
    ):
        options = {"webhook_url": receiver.url, "webhook_secret": secret, "preset": preset}
        job = _segment(console, client, video, mask, overlay_color=_COLOR if truth else None, **options)
        _await_webhook(console, receiver, job)
        paths = client.download(job, out)
    judged = score(out / "masks.zip", truth) if truth else None
    print_summary(console, job, paths, judged)
    return judged


@contextmanager
def _running(console: Console, service: Service) -> Iterator[None]:
    with ExitStack() as stack:
        with _step(console, "service started", "starting the service"):
            stack.enter_context(service)
        try:
            yield
        finally:
            with _step(console, "service stopped", "stopping the service"):
                stack.close()


def _segment(console: Console, client: Client, video: Path, mask: Path, **options: Any) -> Job:
    with display(console) as shown:
        job = client.submit(video, mask, on_upload=shown.uploading, **options)
        return client.wait(job, shown.update)


def _await_webhook(console: Console, receiver: Receiver, job: Job) -> None:
    with _step(console, "webhook verified", "waiting for the webhook"):
        notice = receiver.wait(_WEBHOOK_SECONDS)
    if notice.payload["data"]["id"] != job.id:
        raise NothingReceivedError(f"A webhook came for another job: {notice.payload['data']['id']}.")


@contextmanager
def _step(console: Console, done: str, doing: str) -> Iterator[None]:
    """Show that something is being done, then that it is done and how long it took."""
    start = time.monotonic()
    with console.status(doing, spinner_style="cyan"):
        yield
    print_done(console, done, wording.duration(time.monotonic() - start))


def _print_failure(console: Console, service: Service, error: Exception) -> None:
    code = error.code if isinstance(error, RotomillError) else type(error).__name__
    print_error(console, code, error.detail if isinstance(error, RotomillError) else str(error))
    if tail := service.log_tail():
        console.rule(f"the end of {shown(service.log)}", style="red", align="left")
        console.print(Text(tail, style="dim"), soft_wrap=True)
        console.rule(style="red")


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    typer.run(main)
