"""The `rotomill` command: every call of the service from a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rotomill import admin as service_admin
from rotomill import arguments, report, webhooks, weights, wording
from rotomill.arguments import (
    Budget,
    Color,
    Deadline,
    Into,
    JobId,
    Json,
    Masks,
    Meta,
    Outputs,
    Preset,
    Seed,
    Segmenter,
    Url,
    Waiting,
    Webhook,
    WebhookSecret,
    input_file,
)
from rotomill.client import DEFAULT_URL, Client
from rotomill.errors import JobFailed, RotomillError
from rotomill.jobs import Job, Result
from rotomill.progress import display
from rotomill.retry import Retry

app = typer.Typer(
    help="Rotomill: one mask in, every frame out. ROTOMILL_API_KEY is sent where it is set.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

weights_app = typer.Typer(help="The weights that workers load.", no_args_is_help=True)
app.add_typer(weights_app, name="weights")

# A person who forgot to start the service should read so within two seconds.
_RETRY = Retry(attempts=3)

_INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


def _people() -> Console:
    """Standard error, where people read; standard output is what a script may want to keep."""
    return Console(stderr=True)


@contextmanager
def _client(url: str) -> Iterator[Client]:
    """Give a client, and end the command with one sentence where something fails."""
    with _sentences(), Client(url, retry=_RETRY) as client:
        yield client


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except RotomillError as error:
        report.print_error(_people(), error.code, error.detail)
        raise typer.Exit(1) from error
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        report.print_error(_people(), "file_error", f"{error.strerror or error}{where}")
        raise typer.Exit(1) from error


@app.command()
def submit(  # noqa: PLR0913 - one parameter for each option of a job
    video: Annotated[Path, input_file("VIDEO", "The clip.")],
    mask: Annotated[Path, input_file("MASK", "The mask of its first frame.")],
    *,
    masks: Masks = [],  # noqa: B006 - typer copies it
    preset: Preset = None,
    segmenter: Segmenter = None,
    budget: Budget = None,
    outputs: Outputs = None,
    color: Color = None,
    webhook: Webhook = None,
    webhook_secret: WebhookSecret = None,
    seed: Seed = None,
    meta: Meta = [],  # noqa: B006 - typer copies it
    deadline: Deadline = None,
    wait: Waiting = False,
    into: Into = None,
    json: Json = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Submit a clip and the mask of its first frame; prints the new job's id."""
    if webhook_secret and not webhook:
        raise typer.BadParameter("--webhook-secret needs --webhook")
    further, metadata = arguments.numbered_files(masks), arguments.key_values(meta)
    with _client(url) as client:
        with display(_people()) as shown:
            job = client.submit(
                video,
                mask,
                masks=further,
                preset=preset,
                segmenter=segmenter,
                budget_seconds=budget,
                outputs=arguments.listed(outputs),
                overlay_color=color,
                webhook_url=webhook,
                webhook_secret=webhook_secret,
                metadata=metadata,
                deadline_seconds=deadline,
                seed=seed,
                on_upload=shown.uploading,
            )
        _accepted(client, job, url, into, wait=wait, json=json)


@app.command()
def refine(  # noqa: PLR0913 - as submit
    job_id: JobId,
    *,
    masks: Masks,
    preset: Preset = None,
    budget: Budget = None,
    outputs: Outputs = None,
    color: Color = None,
    webhook: Webhook = None,
    webhook_secret: WebhookSecret = None,
    seed: Seed = None,
    meta: Meta = [],  # noqa: B006 - typer copies it
    deadline: Deadline = None,
    wait: Waiting = False,
    into: Into = None,
    json: Json = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Correct a job by the right masks of frames, from 0; prints the new job's id. What is left out is as it was."""
    if webhook_secret and not webhook:
        raise typer.BadParameter("--webhook-secret needs --webhook")
    corrections, metadata = arguments.numbered_files(masks, least=0), arguments.key_values(meta)
    with _client(url) as client:
        with display(_people()) as shown:
            job = client.refine(
                job_id,
                corrections,
                preset=preset,
                budget_seconds=budget,
                outputs=arguments.listed(outputs),
                overlay_color=color,
                webhook_url=webhook,
                webhook_secret=webhook_secret,
                metadata=metadata,
                deadline_seconds=deadline,
                seed=seed,
                on_upload=shown.uploading,
            )
        _accepted(client, job, url, into, wait=wait, json=json)


@app.command()
def wait(
    job_id: JobId,
    into: Into = None,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="Give up after this long.")] = None,
    json: Json = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Show a job's progress until it has ended; exit code 1 when it did not succeed."""
    with _client(url) as client:
        _finish(client, job_id, url, into, json=json, timeout_seconds=timeout)


@app.command("list")
def list_(
    status: Annotated[
        str | None, typer.Option(help="Only queued, running, succeeded, failed, canceled.")
    ] = None,
    search: Annotated[
        str | None, typer.Option(help="Only with these words in the file's name or the metadata.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    json: Json = False,
    url: Url = DEFAULT_URL,
) -> None:
    """List jobs, newest first."""
    with _client(url) as client:
        jobs = list(islice(client.jobs(status, search=search), limit))
    if json:
        report.write_json([job.raw for job in jobs])
    else:
        Console().print(report.job_table(jobs))


@app.command()
def show(job_id: JobId, json: Json = False, url: Url = DEFAULT_URL) -> None:
    """Show everything about one job."""
    with _client(url) as client:
        job = client.job(job_id)
    if json:
        report.write_json(job.raw)
    else:
        Console().print(report.job_sheet(job))


@app.command()
def cancel(job_id: JobId, json: Json = False, url: Url = DEFAULT_URL) -> None:
    """Stop a job; what it made so far is dropped."""
    with _client(url) as client:
        job = client.cancel(job_id)
    if json:
        report.write_json(job.raw)
    else:
        _say(f"Job {job.id} is {job.status}." if job.finished else f"Job {job.id} is being canceled.")


@app.command()
def delete(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """Remove a job that has ended, and its files."""
    with _client(url) as client:
        client.delete(job_id)
    _say(f"Job {job_id} and its files are removed.")


@app.command()
def download(
    job_id: JobId,
    into: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", file_okay=False)] = Path(),
    names: Annotated[list[str], typer.Option("--name", metavar="NAME", help="Only this result.")] = [],  # noqa: B006 - typer copies it
    json: Json = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Store a job's results in a folder, checked; a broken download is resumed. Prints the paths."""
    with _client(url) as client:
        paths = _download(client, client.job(job_id), into, names or None)
    if json:
        report.write_json([str(path) for path in paths])
    else:
        print("\n".join(map(str, paths)))


@app.command()
def deliveries(job_id: JobId, json: Json = False, url: Url = DEFAULT_URL) -> None:
    """List what the webhook was told, and what it is still owed."""
    with _client(url) as client:
        found = client.deliveries(job_id)
    if json:
        report.write_json([delivery.raw for delivery in found])
    else:
        Console().print(report.delivery_table(found))


@app.command()
def redeliver(
    job_id: JobId, number: Annotated[int, typer.Argument(metavar="N", min=0)], url: Url = DEFAULT_URL
) -> None:
    """Send a webhook again."""
    with _client(url) as client:
        client.redeliver(job_id, number)
    _say(f"Delivery {number} of job {job_id} will be sent again.")


@app.command("verify-webhook")
def verify_webhook(
    body: Annotated[Path, typer.Argument(help="The body as it arrived; - for standard input.")],
    secret: Annotated[
        list[str], typer.Option(envvar="ROTOMILL_WEBHOOK_SECRET", help="Again for a second one, in rotation.")
    ],
    header_file: Annotated[Path | None, typer.Option(exists=True, help="Lines of `Name: value`.")] = None,
    header: Annotated[list[str], typer.Option(metavar="NAME: VALUE", help="One header.")] = [],  # noqa: B006 - typer copies it
    tolerance: Annotated[float, typer.Option(metavar="SECONDS", help="How old it may be.")] = 300,
) -> None:
    """Check a webhook's signature and age; prints its JSON."""
    with _sentences():
        found = arguments.headers(header_file, header)
        payload = webhooks.verify(arguments.body_of(body), found, secret, tolerance)
    report.write_json(payload)


@app.command("webhook-secret")
def webhook_secret(
    *,
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new one.")] = False,
    json: Json = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Print what your webhooks are signed with, newest first; each webhook has a signature by all of them."""
    with _client(url) as client:
        found = client.rotate_webhook_secret() if rotate else client.webhook_secrets()
    if json:
        report.write_json([one.raw for one in found])
        return
    print("\n".join(one.secret for one in found))
    for older in found[1:]:
        until = f"{older.expires_at:%Y-%m-%d %H:%M} UTC" if older.expires_at else "now"
        _say(f"An older one signs too until {until}: give your receivers the first by then.")


@app.command(
    "admin",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def admin(context: typer.Context) -> None:
    """On a machine of the service: its API keys, everybody's jobs, its workers."""
    with _sentences():
        raise typer.Exit(service_admin.run(context.args))


@weights_app.command("pull")
def pull_weights(
    to: Annotated[
        Path, typer.Option(metavar="DIR", envvar="ROTOMILL_WEIGHTS_DIR", file_okay=False, help="Where to.")
    ] = Path("data/weights"),
    source: Annotated[
        str | None, typer.Option("--from", metavar="URL|FILE", help="A mirror, or a file you have.")
    ] = None,
) -> None:
    """Fetch ImageNet's ResNet-18 from its official source, for the standard tier; prints the file's path."""
    wanted = weights.RESNET18
    with _sentences(), _people().status("fetching") as status:

        def tell(count: int) -> None:
            status.update(f"{wanted.name}  {wording.size(count)} of {wording.size(wanted.bytes)}")

        path = weights.pull(wanted, to, source, on_bytes=tell)
    print(path)


def _accepted(client: Client, job: Job, url: str, into: Path | None, *, wait: bool, json: bool) -> None:
    """Print a new job, and stay with it where that was asked for."""
    if not json:
        print(job.id)
    if wait or into:
        _finish(client, job, url, into, json=json)
    elif json:
        report.write_json(job.raw)


def _finish(
    client: Client,
    job: Job | str,
    url: str,
    into: Path | None,
    *,
    json: bool,
    timeout_seconds: float | None = None,
) -> None:
    """Wait for a job, and bring its results where that was asked for."""
    try:
        ended = _follow(client, job, url, timeout_seconds)
    except JobFailed as error:
        if json:
            report.write_json(error.job.raw)
        raise
    paths = _download(client, ended, into, None) if into else []
    if json:
        report.write_json(ended.raw)
    elif paths:
        print("\n".join(map(str, paths)))


def _follow(client: Client, job: Job | str, url: str, timeout_seconds: float | None) -> Job:
    """Wait with a display; Ctrl-C leaves the job running and says how to come back."""
    try:
        with display(_people()) as shown:
            return client.wait(job, shown.update, timeout_seconds=timeout_seconds)
    except KeyboardInterrupt as interrupt:
        again = f"rotomill wait {job.id if isinstance(job, Job) else job}"
        again += "" if url == DEFAULT_URL else f" --url {url}"
        _say(f"The job goes on. Come back with: [bold]{again}[/]")
        raise typer.Exit(_INTERRUPTED) from interrupt


def _download(client: Client, job: Job, into: Path, names: list[str] | None) -> list[Path]:
    with _people().status("downloading") as status:

        def tell(result: Result, count: int) -> None:
            status.update(f"{result.name}  {wording.size(count)} of {wording.size(result.bytes)}")

        return client.download(job, into, names, on_download=tell)


def _say(sentence: str) -> None:
    _people().print(sentence, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    app()
