"""Jobs of every owner: list, inspect, queue again, cancel."""

from typing import Annotated, Any

import structlog
import typer

from api.admin import report
from api.admin.access import existing, failed, opened
from api.admin.report import Json
from storage import deliveries, listing, recovery, results, submissions, turns
from storage.database import Database
from storage.jobs import TERMINAL, Job, Status
from storage.objects import Objects
from worker import queue

log = structlog.get_logger(__name__)

app = typer.Typer(help="Jobs of every owner.", no_args_is_help=True)

COLUMNS = ("id", "owner", "status", "stage", "progress", "attempt", "created_at", "error_code")

JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id.")]

# What is the caller's own business, or only matters between processes.
HIDDEN = {"options", "clip", "video", "masks", "next_hint_at", "hints", "trace"}


@app.command("list")
def list_(
    status: Annotated[Status | None, typer.Option(help="Only jobs of this status.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only this owner's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List jobs, newest first."""
    with opened() as database:
        found = listing.page(database, owner=owner, status=status, limit=limit)
    report.write([_row(job) for job in found], COLUMNS, as_json=as_json)


@app.command()
def show(job_id: JobId, as_json: Json = False) -> None:
    """Show everything about one job: its record, its results and its webhook's deliveries."""
    with opened() as database:
        job = existing(database, job_id)
        told = [
            {"number": one.number, "event": one.event, "status": one.status.value, "tries": len(one.attempts)}
            for one in deliveries.of(database, job.id)
        ]
        row = _row(job) | {
            "queue_position": turns.queue_position(database, job),
            "clip": job.clip,
            "options": {
                name: job.options[name] for name in job.options if name not in {"webhook", "metadata"}
            },
            "results": [result.name for result in results.of(database, job.id)],
            "deliveries": told,
        }
    report.write_one(row, as_json=as_json)


@app.command()
def requeue(job_id: JobId) -> None:
    """Have a job claimed now; one that runs is taken from its worker; one that has ended is made anew. Prints the id.

    What a job has ended with stands, since its caller was told: the new job has the same files and options.
    """
    with opened() as database:
        job = existing(database, job_id)
        has_ended = job.status in TERMINAL
        job = _again(database, job) if has_ended else recovery.take_back(database, job_id) or job
        if job.status is not Status.QUEUED:
            raise failed(f"The job is {job.status.value} and is being canceled; it is not queued again.")
    try:
        queue.send_hint(job.id)
    except Exception:
        # the recovery loop sends one within seconds
        log.warning("hint not sent; the broker does not answer", job_id=job.id)
    print(job.id)


@app.command()
def cancel(job_id: JobId) -> None:
    """Cancel a job; one that runs stops within seconds."""
    with opened() as database:
        existing(database, job_id)
        job = submissions.cancel(database, job_id)
    if job is None or (job.status in TERMINAL and job.status is not Status.CANCELED):
        raise failed(f"The job has already {job.status.value if job else 'been deleted'}.")
    print(f"The job {job.id} is {'canceled' if job.status is Status.CANCELED else 'being canceled'}.")


def _again(database: Database, job: Job) -> Job:
    """A new job of the same owner, files and options."""
    objects = Objects(queue.storage_settings.objects_address)
    new = submissions.anew(database, job)
    for old_file, new_file in zip((job.video, *job.masks), (new.video, *new.masks), strict=True):
        objects.copy(old_file.key, new_file.key)
    return submissions.submit(database, new)


def _row(job: Job) -> dict[str, Any]:
    row = {name: value for name, value in vars(job).items() if name not in HIDDEN}
    plain = {"status": job.status.value, "stage": job.stage.value if job.stage else None}
    return row | plain | {"progress": f"{job.progress:.0%}", "filename": job.video.filename}
