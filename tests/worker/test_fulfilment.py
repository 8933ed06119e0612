"""A stored job's results, made from its files; and those of the job that corrects it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model.learnt import Learnt
from model.segmenters.tracking import TrackingSegmenter
from storage import attempts, submissions
from storage.database import Database
from storage.jobs import Job, StoredFile
from storage.keys import content_keys, mask_key, network_object_key, upload_key
from storage.objects import Objects
from storage.results import Result
from tests.storage.records import OPTIONS, claim, new_job
from tests.storage.test_objects import write
from tests.worker.clips import box_mask, make_clip
from worker.confined import confined
from worker.fulfilment import fulfil
from worker.media import ClipLimits
from worker.progress import Progress
from worker.runtime import Runtime
from worker.settings import WorkerSettings
from worker.signing import Signing


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Learnt | None]:
    """What each learning went on from."""
    seen: list[Learnt | None] = []
    learn = TrackingSegmenter.learn

    def watched(self: TrackingSegmenter, *given: Any, **named: Any) -> Learnt:
        seen.append(named["start"])
        return learn(self, *given, **named)

    monkeypatch.setattr(TrackingSegmenter, "learn", watched)
    return seen


class Bench:
    """A worker's runtime, and a clip whose jobs it does at once."""

    def __init__(self, database: Database, objects: Objects, folder: Path) -> None:
        settings = WorkerSettings(device="cpu", weights_dir=folder / "none")
        self.runtime = Runtime(settings, database, objects, Signing())
        self._folder = folder
        self._clip = make_clip(folder / "clip.mp4")
        mask = folder / "mask.png"
        mask.write_bytes(box_mask())
        limits = ClipLimits(10**6, 100, 100.0)
        self._facts = confined(settings).inspect(self._clip, mask, limits)

    def job(self, masks: dict[int, bytes], before: Job | None = None, **options: Any) -> Job:
        """A stored job of these masks; of those that are not of the job before, corrections."""
        objects, database = self.runtime.objects, self.runtime.database
        job = new_job(database)
        key = upload_key(job.id, "video")
        video = StoredFile(key, *write(objects, key, self._clip.read_bytes()))
        known = {mask.frame for mask in before.masks} if before else set(masks)
        files = []
        for frame, data in masks.items():
            key = mask_key(job.id, frame, corrects=frame not in known)
            files.append(StoredFile(key, *write(objects, key, data), frame=frame))
        asked = OPTIONS | {"budget_seconds": 0.001} | options
        starts_from = before.network_key if before else None
        keys = content_keys("local", video, files, asked, "test", starts_from)
        clip = json.loads(json.dumps(vars(self._facts), default=list))
        new = replace(
            job,
            video=video,
            masks=tuple(files),
            options=asked,
            clip=clip,
            results_key=keys[0],
            network_key=keys[1],
            refines=before.id if before else None,
            starts_from=starts_from,
        )
        return submissions.submit(database, new)

    def manifest_of(self, job: Job) -> dict[str, Any]:
        """What the job's manifest says, once it is done."""
        database = self.runtime.database
        attempt = claim(database, job)
        folder = self._folder / job.id
        folder.mkdir()
        with Progress(
            database, attempt, heartbeat_seconds=60, lease_seconds=600, stop_requested=lambda: False
        ) as progress:
            found = fulfil(self.runtime, attempt.job, attempt.number, folder, progress)
        attempts.succeed(database, attempt, found=found, timings={})
        said: dict[str, Any] = json.loads(self._read(found, "manifest.json"))
        return said

    def _read(self, found: list[Result] | Any, name: str) -> bytes:
        key = next(result.object_key for result in found if result.name == name)
        with self.runtime.objects.open(key) as file:
            return bytes(file.read())


@pytest.fixture
def bench(database: Database, objects: Objects, tmp_path: Path) -> Bench:
    return Bench(database, objects, tmp_path)


def test_a_correction_goes_on_from_the_network_of_the_job_before(
    bench: Bench, started: list[Learnt | None]
) -> None:
    first = bench.job({0: box_mask()})
    before = bench.manifest_of(first)
    assert (before["refines"], before["model"]["started_from"]) == (None, None)
    second = bench.job({0: box_mask(), 5: box_mask(5)}, first)
    after = bench.manifest_of(second)
    assert after["refines"] == first.id
    assert after["annotated_frames"] == [0, 5]
    assert after["model"]["started_from"] == before["model"]["sha256"] != after["model"]["sha256"]
    assert [learnt is None for learnt in started] == [True, False]


def test_where_that_network_is_gone_or_of_no_use_it_learns_from_the_start(
    bench: Bench, started: list[Learnt | None]
) -> None:
    first = bench.job({0: box_mask()})
    bench.manifest_of(first)
    objects, key = bench.runtime.objects, network_object_key(first.network_key)
    write(objects, key, b"of other code")
    assert (
        bench.manifest_of(bench.job({0: box_mask(), 5: box_mask(5)}, first))["model"]["started_from"] is None
    )
    objects.delete([key])
    gone = bench.manifest_of(bench.job({0: box_mask(), 6: box_mask(6)}, first))
    assert (gone["refines"], gone["model"]["started_from"]) == (first.id, None)
    assert started == [None, None, None]
