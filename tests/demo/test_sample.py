"""What the page shows before there is any job: made by the service, whole, and small."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from api.schemas import JobOut
from demo.sample import FOLDER, MOST_BYTES, OUTPUTS


@pytest.fixture
def job() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "job.json").read_text())
    return found


def frames(path: Path) -> tuple[int, int, int]:
    """How many pictures a video has, and how wide and high they are."""
    with av.open(str(path)) as container:
        pictures = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert len(set(pictures)) == 1
    return len(pictures), *pictures[0]


def test_the_sample_is_a_succeeded_job_as_the_api_shows_it(job: dict[str, Any]) -> None:
    shown = JobOut.model_validate(job)
    assert shown.status == "succeeded"
    # nothing that a visitor could wait for
    assert shown.expires_at is None
    assert set(job) == set(JobOut.model_fields), "made by an older version: python -m demo.sample"


def test_its_files_lie_beside_it(job: dict[str, Any]) -> None:
    assert {result["name"] for result in job["results"]} >= set(OUTPUTS)
    for result in job["results"]:
        assert result["url"] == result["name"]
        content = (FOLDER / result["name"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (result["bytes"], result["sha256"])


def test_its_clip_and_mask_are_those_of_the_job(job: dict[str, Any]) -> None:
    count, width, height = frames(FOLDER / "clip.mp4")
    clip = job["clip"]
    assert (clip["frames"], clip["width"], clip["height"]) == (count, width, height)
    assert job["video"]["bytes"] == (FOLDER / "clip.mp4").stat().st_size
    with Image.open(FOLDER / "mask.png") as mask:
        assert mask.size == (width, height)
    with zipfile.ZipFile(FOLDER / "masks.zip") as masks:
        assert len([name for name in masks.namelist() if name.endswith(".png")]) == count
    assert frames(FOLDER / "preview.mp4")[0] == count


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < MOST_BYTES


def test_it_tells_nothing_of_the_machine_that_made_it(job: dict[str, Any]) -> None:
    for path in FOLDER.glob("*.json"):
        assert not any(
            word in path.read_text() for word in ("127.0.0.1", "localhost", "/tmp", "/home", "/root")
        )
