"""The operator's commands, on a database of their own."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.admin.__main__ import app
from storage import api_keys, attempts, jobs, listing, submissions, workers
from storage.database import Database
from storage.jobs import Job, Status, StoredFile
from storage.objects import Objects
from tests.storage.records import claim, new_job, stored, submit, submit_with_webhook
from tests.storage.test_objects import write
from worker import queue

Run = Callable[..., Any]


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where the broker's messages would be."""
    sent: list[str] = []
    monkeypatch.setattr(queue, "send_hint", sent.append)
    return sent


@pytest.fixture
def run(
    database: Database,
    database_address: str,
    tmp_path: Path,
    hints: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Run a command; what it printed, as JSON where it was asked to."""
    monkeypatch.setenv("ROTOMILL_DATABASE_URL", database_address)
    changed = queue.storage_settings.model_copy(update={"objects_url": f"file://{tmp_path / 'objects'}"})
    monkeypatch.setattr(queue, "storage_settings", changed)

    def call(*words: str, exit_code: int = 0) -> Any:
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == exit_code, result.output
        if exit_code:
            return result.stderr.strip()
        return json.loads(result.stdout) if "--json" in words else result.stdout.strip()

    return call


def test_a_key_is_shown_once_listed_and_revoked(run: Run, database: Database) -> None:
    text = run("keys", "create", "studio", "--name", "render farm")
    found = api_keys.find(database, text)
    assert found is not None
    (listed,) = run("keys", "list", "--json")
    assert (listed["owner"], listed["name"], listed["id"]) == ("studio", "render farm", found.id)
    assert text not in json.dumps(listed)
    assert "opens nothing" in run("keys", "revoke", found.id)
    assert api_keys.find(database, text) is None
    assert "There is no key" in run("keys", "revoke", "key_unknown", exit_code=1)
    assert "An owner's name" in run("keys", "create", "two words", exit_code=1)


def test_jobs_of_all_owners_are_listed_and_filtered(run: Run, database: Database) -> None:
    first = submit(database, owner="a")
    second = submit(database, owner="b")
    claim(database, second)
    assert [job["id"] for job in run("jobs", "list", "--json")] == [second.id, first.id]
    assert [job["id"] for job in run("jobs", "list", "--owner", "a", "--json")] == [first.id]
    assert [job["id"] for job in run("jobs", "list", "--status", "running", "--json")] == [second.id]
    assert first.id[:12] in run("jobs", "list")


def test_a_job_is_shown_with_its_deliveries_and_without_secrets(run: Run, database: Database) -> None:
    job = submit_with_webhook(database, secret="whsec_" + "A" * 32)
    submissions.cancel(database, job.id)
    shown = run("jobs", "show", job.id, "--json")
    assert (shown["status"], shown["owner"]) == ("canceled", "local")
    assert shown["deliveries"][0]["event"] == "job.canceled"
    assert "whsec_" not in json.dumps(shown)
    assert "There is no job" in run("jobs", "show", "job_unknown", exit_code=1)


def test_a_waiting_and_a_running_job_are_queued_again(run: Run, database: Database, hints: list[str]) -> None:
    waiting = submit(database)
    running = claim(database, submit(database)).job
    for job in (waiting, running):
        assert run("jobs", "requeue", job.id) == job.id
        assert stored(database, job).status is Status.QUEUED
    assert hints == [waiting.id, running.id]


def with_files(database: Database, objects: Objects) -> Job:
    """A failed job whose uploads are there."""
    job = new_job(database, owner="studio")
    keys = (job.video.key, job.masks[0].key)
    (size, digest), (mask_size, mask_digest) = (write(objects, key, key.encode()) for key in keys)
    video = StoredFile(keys[0], size, digest, "clip.mp4")
    masks = (StoredFile(keys[1], mask_size, mask_digest, "mask.png", 0),)
    job = submissions.submit(database, replace(job, video=video, masks=masks))
    attempts.fail(database, claim(database, job), code="clip_corrupt", detail="Frame 3.")
    return stored(database, job)


def test_a_job_that_has_ended_is_made_anew(
    run: Run, database: Database, tmp_path: Path, hints: list[str]
) -> None:
    """Its outcome was told, and stands."""
    objects = Objects(f"file://{tmp_path / 'objects'}")
    failed = with_files(database, objects)
    new_id = run("jobs", "requeue", failed.id)
    assert new_id != failed.id
    new = jobs.get(database, new_id)
    assert new is not None
    assert (new.status, new.owner, new.attempt, new.error_code) == (Status.QUEUED, "studio", 0, None)
    assert (new.options, new.results_key) == (failed.options, failed.results_key)
    assert (tmp_path / "objects" / new.video.key).read_bytes() == failed.video.key.encode()
    assert new.masks[0].frame == 0
    assert new.masks[0].key.startswith(f"uploads/{new.id}/")
    assert stored(database, failed).status is Status.FAILED
    assert hints == [new.id]


def test_a_job_whose_files_are_gone_is_not_made_anew(run: Run, database: Database) -> None:
    job = submit(database)
    submissions.cancel(database, job.id)
    assert "is gone" in run("jobs", "requeue", job.id, exit_code=1)
    assert len(listing.page(database)) == 1


def test_jobs_are_canceled(run: Run, database: Database) -> None:
    waiting = submit(database)
    running = claim(database, submit(database)).job
    assert run("jobs", "cancel", waiting.id).endswith("is canceled.")
    assert run("jobs", "cancel", running.id).endswith("is being canceled.")
    assert "is not queued again" in run("jobs", "requeue", running.id, exit_code=1)


def test_workers_are_shown(run: Run, database: Database) -> None:
    # the command's own clock is the real one
    real = Database(database.address)
    workers.greet(real, "a:1", tier="compact", device="cpu")
    real.close()
    assert run("workers", "--json") == [{"tier": "compact", "device": "cpu", "count": 1}]


def test_a_database_without_tables_is_explained(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROTOMILL_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.db'}")
    assert "storage migrate" in run("jobs", "list", exit_code=1)
