"""Jobs for tests, submitted and claimed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from storage import attempts, jobs, submissions
from storage.attempts import Attempt
from storage.database import Database
from storage.jobs import Job, Status, StoredFile

LEASE = timedelta(seconds=30)

OPTIONS: dict[str, Any] = {
    "preset": "fast",
    "outputs": ["masks.zip"],
    "overlay_color": "#1e90ff",
    "seed": 0,
    "metadata": {},
    "webhook": None,
    "deadline_seconds": None,
}

WEBHOOK: dict[str, Any] = {
    "url": "https://example.com/hook",
    "events": ["job.succeeded", "job.failed", "job.canceled"],
    "secret": None,
    "base_url": "http://rotomill.test",
}


def new_job(database: Database, **changes: Any) -> Job:
    """A queued job that is not stored yet."""
    job_id = jobs.new_id()
    job = Job(
        id=job_id,
        status=Status.QUEUED,
        options=OPTIONS,
        clip={"width": 64, "height": 48, "frames": 12},
        objects=1,
        video=StoredFile(f"uploads/{job_id}/video", 1000, "a" * 64, "clip.mp4"),
        masks=(StoredFile(f"uploads/{job_id}/mask_00000", 100, "b" * 64, "mask.png", 0),),
        results_key="c" * 64,
        network_key="d" * 64,
        created_at=database.now(),
    )
    return replace(job, **changes)


def submit(database: Database, **changes: Any) -> Job:
    return submissions.submit(database, new_job(database, **changes))


def submit_with_webhook(database: Database, **webhook: Any) -> Job:
    return submit(database, options=OPTIONS | {"webhook": WEBHOOK | webhook})


def claim(database: Database, job: Job, worker: str = "one") -> Attempt:
    attempt = attempts.claim(database, job.id, worker=worker, lease=LEASE)
    assert attempt is not None
    return attempt


def stored(database: Database, job: Job) -> Job:
    found = jobs.get(database, job.id)
    assert found is not None
    return found
