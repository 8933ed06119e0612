"""Single pictures: what a clip is, its frames, a job's masks; and results through the API."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from storage import attempts
from storage.keys import result_key
from storage.results import Result
from tests.api.service import Service, problem
from tests.storage.records import LEASE
from tests.storage.test_objects import write
from tests.worker.clips import box, box_mask, make_clip
from worker import media
from worker.archive import MaskArchive
from worker.jpeg import jpeg_of

FRAMES = 60
GOP = {"g": "10", "crf": "8"}


@pytest.fixture(params=["folder", "moto"])
def objects_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "long.mp4", frames=FRAMES, rotation=90, options=GOP)


def upload(service: Service, content: bytes) -> str:
    asked = {"filename": "clip.mp4", "bytes": len(content)}
    made: str = service.client.post("/v1/uploads", json=asked).json()["id"]
    service.client.put(f"/v1/uploads/{made}", content=content).raise_for_status()
    return made


def submitted(service: Service, clip: Path) -> str:
    made: str = service.submit(video=clip.read_bytes(), mask=box_mask(0, (48, 64))).json()["id"]
    return made


def with_masks(service: Service, job_id: str, frames: int = FRAMES) -> Result:
    """Let the job succeed with a mask for each frame."""
    database, objects = service.services.database, service.services.objects
    path = service.folder / "masks.zip"
    with MaskArchive(path, frames) as archive:
        for index in range(frames):
            archive.add(box(index) // 255)
    attempt = attempts.claim(database, job_id, worker="test", lease=LEASE)
    assert attempt is not None
    key = result_key(job_id, attempt.number, "masks.zip")
    size, sha256 = write(objects, key, path.read_bytes())
    made = Result("masks.zip", key, size, sha256, "application/zip")
    attempts.succeed(database, attempt, found=[made], timings={})
    return made


def seen(content: bytes) -> npt.NDArray[np.uint8]:
    return np.array(Image.open(io.BytesIO(content)))


def test_a_frame_of_an_upload_and_of_its_job_is_the_one_that_the_service_sees(
    service: Service, clip: Path
) -> None:
    wanted = {frame.index: frame.image for frame in media.frames(clip)}
    made = [f"/v1/uploads/{upload(service, clip.read_bytes())}", f"/v1/jobs/{submitted(service, clip)}"]
    for path in made:
        for number in (0, 1, 29, 30, 57, 59):
            answer = service.client.get(f"{path}/frames/{number}")
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"] == "image/jpeg"
            assert answer.content == jpeg_of(wanted[number])


def test_a_frame_is_scaled_down_and_never_up(service: Service, clip: Path) -> None:
    path = f"/v1/uploads/{upload(service, clip.read_bytes())}/frames/3"
    assert seen(service.client.get(path, params={"width": 24}).content).shape == (32, 24, 3)
    assert seen(service.client.get(path, params={"width": 2000}).content).shape == (64, 48, 3)
    assert problem(service.client.get(path, params={"width": 0})) == (422, "request_invalid")


def test_a_frame_is_not_sent_again_to_who_has_it(service: Service, clip: Path) -> None:
    path = f"/v1/jobs/{submitted(service, clip)}/frames/3"
    first = service.client.get(path)
    assert first.headers["cache-control"] == "private, max-age=3600"
    tag = {"If-None-Match": first.headers["etag"]}
    again = service.client.get(path, headers=tag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert service.client.get(path, params={"width": 20}, headers=tag).status_code == 200


def test_there_is_no_frame_beyond_the_last(service: Service, clip: Path) -> None:
    for path in (f"/v1/uploads/{upload(service, clip.read_bytes())}", f"/v1/jobs/{submitted(service, clip)}"):
        for number in (FRAMES, 2**31 - 1):
            refused = service.client.get(f"{path}/frames/{number}")
            assert problem(refused) == (404, "frame_not_found")
        assert problem(service.client.get(f"{path}/frames/-1")) == (422, "request_invalid")


def test_frames_come_of_complete_uploads_that_are_clips(service: Service) -> None:
    begun = service.client.post("/v1/uploads", json={"filename": "a", "bytes": 9}).json()["id"]
    mask = upload(service, box_mask())
    for what in ("frames/0", "clip"):
        assert problem(service.client.get(f"/v1/uploads/{begun}/{what}")) == (409, "upload_incomplete")
        assert problem(service.client.get(f"/v1/uploads/{mask}/{what}")) == (422, "clip_too_short")


def test_a_clip_is_looked_at_before_there_is_a_mask(service: Service, clip: Path) -> None:
    found = service.client.get(f"/v1/uploads/{upload(service, clip.read_bytes())}/clip").json()
    assert found == service.client.get(f"/v1/jobs/{submitted(service, clip)}").json()["clip"]
    assert (found["width"], found["height"], found["frames"]) == (48, 64, FRAMES)


def test_an_unsuitable_clip_is_refused_as_a_job_of_it_would_be(
    make_service: Callable[..., Service], clip: Path
) -> None:
    service = make_service(max_frames=20)
    of_job = service.submit(video=clip.read_bytes()).json()
    of_clip = service.client.get(f"/v1/uploads/{upload(service, clip.read_bytes())}/clip").json()
    assert (of_clip["code"], of_clip["detail"]) == (of_job["code"], of_job["detail"])
    assert of_clip["code"] == "clip_too_many_frames"


def test_a_job_whose_time_has_passed_has_no_pictures(service: Service, clip: Path) -> None:
    job_id = submitted(service, clip)
    with_masks(service, job_id)
    service.services.objects.delete_prefix(f"uploads/{job_id}")
    assert problem(service.client.get(f"/v1/jobs/{job_id}/frames/30")) == (410, "result_gone")
    service.services.objects.delete_prefix(f"results/{job_id}")
    assert problem(service.client.get(f"/v1/jobs/{job_id}/masks/3")) == (410, "result_gone")


def test_a_mask_is_the_one_in_the_archive(service: Service, clip: Path) -> None:
    job_id = submitted(service, clip)
    path = f"/v1/jobs/{job_id}/masks"
    assert problem(service.client.get(f"{path}/0")) == (409, "job_not_succeeded")
    with_masks(service, job_id)
    for number in (0, 31, 59):
        answer = service.client.get(f"{path}/{number}")
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert np.array_equal(seen(answer.content), box(number) // 255)
    tag = {"If-None-Match": answer.headers["etag"]}
    assert service.client.get(f"{path}/59", headers=tag).status_code == 304
    assert service.client.get(f"{path}/58", headers=tag).status_code == 200
    assert problem(service.client.get(f"{path}/60")) == (404, "frame_not_found")
