"""Jobs that correct another."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from storage import api_keys, attempts, jobs, retention
from storage.database import Database
from storage.jobs import Job
from storage.keys import network_object_key
from tests.api.service import Service, problem
from tests.api.test_keys import bearer
from tests.api.test_submission import KEY, finish
from tests.api.test_uploads import Sender
from tests.clock import Clock
from tests.storage.records import LEASE
from tests.storage.test_objects import keys, write
from tests.worker.clips import box, box_mask, png

OPTIONS = {"outputs": ["masks.zip"], "preset": "fast", "seed": 7, "metadata": {"shot": "012"}}


@pytest.fixture
def database_kind() -> str:
    """What differs between databases is tested in tests/storage."""
    return "sqlite"


def done(service: Service, **asked: Any) -> str:
    """The id of a job that has succeeded."""
    job_id: str = service.submit(**{"options": OPTIONS} | asked).json()["id"]
    finish(service, job_id)
    return job_id


def refine(
    service: Service,
    job_id: str,
    masks: dict[int, bytes] | None = None,
    options: object = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """POST a correction of frame 5, unless others are given."""
    files = {f"mask_{frame}": ("m.png", data) for frame, data in (masks or {5: box_mask(5)}).items()}
    data = {} if options is None else {"options": json.dumps(options)}
    path = f"/v1/jobs/{job_id}/refine"
    response: httpx.Response = service.client.post(path, files=files, data=data, headers=headers)
    return response


def stored(service: Service, job_id: str) -> Job:
    found = jobs.get(service.services.database, job_id)
    assert found is not None
    return found


def numbered(*places: int) -> bytes:
    """A mask of boxes, each with its number, where the object of a test clip is in these frames."""
    labels = np.zeros((48, 64), np.uint8)
    for number, place in enumerate(places, 1):
        labels[box(place) > 0] = number
    return png(labels)


def test_a_correction_is_a_job_with_the_clip_and_all_the_masks(service: Service) -> None:
    first = done(service)
    answer = refine(service, first)
    job = answer.json()
    assert answer.status_code == 202, job
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["status"], job["refines"], job["annotated_frames"]) == ("queued", first, [0, 5])
    assert job["clip"] == service.client.get(f"/v1/jobs/{first}").json()["clip"]
    assert job["video"] == {"filename": "clip.mp4", "bytes": len(service.clip())}
    assert service.hints[-1] == job["id"]
    assert stored(service, job["id"]).starts_from == stored(service, first).network_key
    names = ("correction_00005", "mask_00000", "video")
    assert [key for key in keys(service.services.objects) if job["id"] in key] == [
        f"uploads/{job['id']}/{name}" for name in names
    ]


def test_only_the_options_that_are_named_are_others(service: Service) -> None:
    job = refine(service, done(service), options={"preset": "best", "metadata": {}}).json()
    shown = job["options"]
    assert (shown["preset"], shown["seed"], shown["outputs"]) == ("best", 7, ["masks.zip"])
    assert job["metadata"] == {}
    assert refine(service, job["refines"]).json()["metadata"] == {"shot": "012"}


def test_a_webhook_is_told_of_corrections_too(service: Service) -> None:
    first = done(service, options=OPTIONS | {"webhook": {"url": "https://example.com/hook"}})
    assert refine(service, first).json()["options"]["webhook"]["url"] == "https://example.com/hook"
    assert refine(service, first, options={"webhook": None}).json()["options"]["webhook"] is None


def test_a_mask_takes_the_place_of_the_one_for_its_frame(service: Service) -> None:
    first = done(service, masks={5: box_mask(5)})
    job = stored(service, refine(service, first, masks={0: box_mask(1), 7: box_mask(7)}).json()["id"])
    assert [(mask.frame, mask.corrects) for mask in job.masks] == [(0, True), (5, False), (7, True)]
    finish(service, job.id)
    again = stored(service, refine(service, job.id, masks={5: box_mask(6)}).json()["id"])
    assert [(mask.frame, mask.corrects) for mask in again.masks] == [(0, True), (5, True), (7, True)]


def test_corrections_number_objects_as_the_jobs_masks_do(service: Service) -> None:
    """Whatever numbers or colours the masks had that it was sent."""
    colors = np.zeros((48, 64, 3), np.uint8)
    colors[box(0) > 0] = (255, 0, 0)
    colors[box(9) > 0] = (0, 0, 255)
    first = done(service, mask=png(colors))
    assert refine(service, first, masks={5: numbered(5, 10)}).json()["objects"] == 2
    assert refine(service, first, masks={5: numbered(5, 10, 1)}).json()["objects"] == 3


def test_an_object_cannot_be_corrected_away(service: Service) -> None:
    first = done(service, mask=numbered(0, 9))
    refused = refine(service, first, masks={0: numbered(0)})
    assert problem(refused) == (422, "mask_object_missing")
    assert refine(service, first, masks={5: numbered(5)}).json()["objects"] == 2


@pytest.mark.parametrize(
    ("masks", "code"),
    [
        ({5: b"no picture"}, "mask_unreadable"),
        ({12: box_mask()}, "mask_frame_out_of_range"),
        ({5: box_mask(5, (32, 24))}, "mask_wrong_size"),
    ],
)
def test_a_bad_mask_is_refused_and_nothing_is_left(
    service: Service, masks: dict[int, bytes], code: str
) -> None:
    first = done(service)
    before = keys(service.services.objects)
    assert problem(refine(service, first, masks=masks)) == (422, code)
    assert keys(service.services.objects) == before


def test_a_form_without_a_mask_or_with_a_clip_is_refused(service: Service) -> None:
    path = f"/v1/jobs/{done(service)}/refine"
    post = service.client.post
    assert problem(post(path, files={"options": (None, "{}")})) == (422, "mask_missing")
    assert problem(post(path, files={"video": ("a.mp4", service.clip())})) == (422, "field_unknown")


def test_options_that_cannot_be_used_are_refused(service: Service) -> None:
    first = done(service)
    assert problem(refine(service, first, options={"presett": "fast"})) == (422, "options_invalid")
    assert problem(refine(service, first, options={"deadline_seconds": 10**9})) == (422, "options_invalid")


def test_a_job_that_has_not_succeeded_cannot_be_refined(service: Service) -> None:
    waiting = service.submit().json()["id"]
    assert problem(refine(service, waiting)) == (409, "job_not_succeeded")
    assert problem(refine(service, "job_" + "0" * 32)) == (404, "job_not_found")
    assert problem(refine(service, "x")) == (404, "job_not_found")


def test_an_expired_job_cannot_be_refined(service: Service, clock: Clock) -> None:
    first = done(service)
    clock.pass_(hours=24 * 365)
    assert retention.expire_due(service.services.database) == [first]
    assert problem(refine(service, first)) == (410, "result_expired")


def test_a_job_whose_files_go_meanwhile_is_not_half_copied(service: Service) -> None:
    first = done(service)
    service.services.objects.delete_prefix(f"uploads/{first}")
    assert problem(refine(service, first)) == (410, "result_expired")
    assert len(service.client.get("/v1/jobs").json()["jobs"]) == 1


def test_a_request_sent_again_gets_the_same_correction(service: Service) -> None:
    """Also when the job that it corrects was deleted meanwhile."""
    first = done(service)
    made = refine(service, first, headers=KEY).json()
    service.client.delete(f"/v1/jobs/{first}")
    again = refine(service, first, headers=KEY)
    assert (again.status_code, again.json()["id"]) == (202, made["id"])
    assert again.headers["idempotent-replayed"] == "true"
    assert problem(refine(service, first, masks={5: box_mask(6)}, headers=KEY)) == (
        422,
        "idempotency_key_reused",
    )
    assert problem(refine(service, first)) == (404, "job_not_found")


def test_a_key_of_one_job_is_not_that_of_anothers_correction(service: Service) -> None:
    first, second = done(service), done(service, options=OPTIONS | {"seed": 8})
    assert refine(service, first, headers=KEY).status_code == 202
    assert problem(refine(service, second, headers=KEY)) == (422, "idempotency_key_reused")


def test_equal_corrections_share_results_and_are_not_what_a_submission_would_give(service: Service) -> None:
    first = done(service)
    second = refine(service, first).json()["id"]
    finish(service, second)
    assert refine(service, first).json()["cached"] is True
    assert service.submit(options=OPTIONS, masks={5: box_mask(5)}).json()["cached"] is False


def test_the_network_to_go_on_from_stays_for_as_long_as_it_is_awaited(service: Service) -> None:
    """The clip is the new job's own, whatever becomes of the job before."""
    first = done(service)
    key = network_object_key(stored(service, first).network_key)
    objects, database = service.services.objects, service.services.database
    write(objects, key, b"weights")
    second = refine(service, first).json()["id"]
    service.client.delete(f"/v1/jobs/{first}")
    assert objects.exists(key)
    assert objects.exists(stored(service, second).video.key)
    attempt = attempts.claim(database, second, worker="test", lease=LEASE)
    assert attempt is not None
    attempts.succeed(database, attempt, found=[], timings={})
    service.client.delete(f"/v1/jobs/{second}")
    assert not objects.exists(key)


def test_a_correction_by_uploads(service: Service, small_parts: None) -> None:
    first = done(service)
    sender = Sender(service, box_mask(5))
    sender.send()
    sender.complete()
    asked = {"masks": {"5": sender.id}, "options": {"preset": "balanced"}}
    path = f"/v1/jobs/{first}/refine"
    job = service.client.post(path, json=asked).json()
    assert (job["annotated_frames"], job["options"]["preset"], job["options"]["seed"]) == (
        [0, 5],
        "balanced",
        7,
    )
    assert problem(service.client.post(path, json={"masks": {}})) == (422, "request_invalid")
    twice = {"masks": {"5": sender.id, "05": sender.id}}
    assert problem(service.client.post(path, json=twice)) == (422, "field_repeated")
    service.client.delete(f"/v1/uploads/{sender.id}")
    assert problem(service.client.post(path, json=asked)) == (404, "upload_not_found")


def test_a_correction_counts_as_any_job(make_service: Callable[..., Service], database: Database) -> None:
    service = make_service(host="0.0.0.0", max_jobs_per_day=2)
    mine = bearer(api_keys.create(database, "first")[1])
    first = service.submit(options=OPTIONS, headers=mine).json()["id"]
    finish(service, first)
    assert refine(service, first, headers=mine).status_code == 202
    assert problem(refine(service, first, masks={6: box_mask(6)}, headers=mine)) == (
        429,
        "too_many_jobs_today",
    )
    used = service.client.get("/v1/usage", headers=mine).json()
    assert used["stored_bytes"]["used"] > 2 * len(service.clip())
