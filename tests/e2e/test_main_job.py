"""The main job through the whole embedded service, as a caller sees it."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from standardwebhooks import Webhook

from tests.e2e.stack import Stack, running
from tests.receiver import Receiver, receiving
from tests.worker.clips import box_mask, damage, make_clip, png

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ALL = [
    "overlay.mp4",
    "masks.zip",
    "rle.json",
    "track.json",
    "track.csv",
    "poster.jpg",
    "preview.mp4",
    "alpha.mov",
    "alpha.webm",
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("service")) as found:
        yield found


def test_a_job_gives_every_result_that_was_asked_for_and_tells_the_webhook(stack: Stack) -> None:
    with receiving(Receiver()) as receiver:
        webhook = {"url": receiver.url, "secret": SECRET, "events": ["job.running", "job.succeeded"]}
        with stack.held("encoding"):
            job_id = stack.submit(outputs=ALL, webhook=webhook)
            stack.wait_stage(job_id, "encoding")
            shown = live_pictures(stack, job_id)
        job = stack.wait_ended(job_id)
        stack.wait(job_id, lambda _: len(receiver.received) == 2, seconds=10)
    assert job["status"] == "succeeded", job["error"]
    assert sorted(result["name"] for result in job["results"]) == sorted([*ALL, "manifest.json"])
    assert set(job["timings"]) == {"fetching", "fine_tuning", "segmenting", "encoding", "storing"}
    for result in job["results"]:
        with stack.http as http:
            content = http.get(result["url"]).content
        assert len(content) == result["bytes"]
        assert hashlib.sha256(content).hexdigest() == result["sha256"]
        if result["name"] == "masks.zip":
            assert len(zipfile.ZipFile(io.BytesIO(content)).namelist()) == 24
    assert len(shown) >= 1
    assert all(picture.startswith(b"\xff\xd8") for picture in shown.values())
    assert live_pictures(stack, job_id) == {}
    with stack.http as http:
        gone = http.get(f"/v1/jobs/{job_id}/previews/{min(shown)}")
    assert (gone.status_code, gone.json()["code"]) == (404, "preview_not_found")
    assert not any("/live/" in key for key in stack.objects())
    told = [Webhook(SECRET).verify(request.body, request.headers) for request in receiver.received]
    assert {body["type"] for body in told} == {"job.running", "job.succeeded"}


def live_pictures(stack: Stack, job_id: str) -> dict[int, bytes]:
    """Of each frame there is one of, while the job runs."""
    path = f"/v1/jobs/{job_id}/previews"
    with stack.http as http:
        frames = http.get(path).raise_for_status().json()["frames"]
        return {frame: http.get(f"{path}/{frame}").raise_for_status().content for frame in frames}


def test_an_equal_job_is_answered_at_once(stack: Stack) -> None:
    first = stack.submit(seed=7)
    stack.wait_ended(first)
    again = stack.job(stack.submit(seed=7))
    assert (again["status"], again["cached"]) == ("succeeded", True)


def test_other_outputs_reuse_the_fine_tuned_network(stack: Stack) -> None:
    first = stack.wait_ended(stack.submit(seed=8, outputs=["masks.zip"]))
    second = stack.wait_ended(stack.submit(seed=8, outputs=["masks.zip", "alpha.webm"]))
    assert (second["status"], second["cached"]) == ("succeeded", False)
    manifests = []
    for job in (first, second):
        with stack.http as http:
            manifests.append(http.get(f"/v1/jobs/{job['id']}/results/manifest.json").json())
    assert [manifest["model"]["reused"] for manifest in manifests] == [False, True]
    assert manifests[0]["model"]["sha256"] == manifests[1]["model"]["sha256"]
    masks = [
        next(result["sha256"] for result in job["results"] if result["name"] == "masks.zip")
        for job in (first, second)
    ]
    assert masks[0] == masks[1]


def two_boxes(first: int, second: int) -> bytes:
    """A mask of two objects, by grey level."""
    labels = np.zeros((48, 64), np.uint8)
    labels[10:20, 5:20], labels[25:40, 30:55] = first, second
    return png(labels)


def labels_of(archive: bytes, frame: int) -> npt.NDArray[np.uint8]:
    with zipfile.ZipFile(io.BytesIO(archive)) as masks:
        return np.array(Image.open(masks.open(f"{frame:05d}.png")))


def test_several_objects_and_further_annotated_frames_keep_their_numbers(stack: Stack) -> None:
    job_id = stack.submit(seed=10, mask=two_boxes(100, 200), masks={12: two_boxes(200, 100)})
    job = stack.wait_ended(job_id)
    assert (job["status"], job["objects"]) == ("succeeded", 2), job["error"]
    archive = stack.result(job_id, "masks.zip")
    assert (labels_of(archive, 0)[15, 10], labels_of(archive, 0)[30, 40]) == (1, 2)
    assert (labels_of(archive, 12)[15, 10], labels_of(archive, 12)[30, 40]) == (2, 1)
    points = json.loads(stack.result(job_id, "track.json"))["points"]
    assert [(point["frame"], point["object"]) for point in points[:3]] == [(0, 1), (0, 2), (1, 1)]
    assert len(points) == 2 * 24


def test_followers_hear_the_job_to_its_end(stack: Stack) -> None:
    job_id = stack.submit(seed=9)
    types, stages = [], set()
    with stack.http as http, http.stream("GET", f"/v1/jobs/{job_id}/events", timeout=90) as response:
        for line in response.iter_lines():
            if line.startswith("event: "):
                types.append(line.removeprefix("event: "))
            if line.startswith("data: "):
                stages.add(json.loads(line.removeprefix("data: "))["stage"])
    assert types[-1] == "job.succeeded"
    assert "fine_tuning" in stages


def test_a_clip_that_decodes_wrongly_half_way_fails_with_the_place(stack: Stack, tmp_path: Path) -> None:
    video = damage(make_clip(tmp_path / "damaged.mp4", frames=48, size=(128, 96)), at=0.5)
    files = {"video": video.read_bytes(), "mask": box_mask(size=(128, 96))}
    with stack.http as http:
        job_id = http.post("/v1/jobs", files=files, data={"options": '{"preset": "fast"}'}).json()["id"]
    job = stack.wait_ended(job_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "clip_corrupt")
    assert "frame" in job["error"]["detail"].lower()
    assert not any(key.startswith(f"results/{job_id}") for key in stack.objects())


def test_no_working_files_are_left(stack: Stack) -> None:
    assert list(stack.folder.glob("rotomill-*")) == []
