"""Jobs of files that were uploaded before."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from rotomill import Client

from storage import api_keys
from storage.database import Database
from storage.objects import Objects
from tests.api.service import Service, problem
from tests.api.test_keys import bearer
from tests.api.test_uploads import Sender, everywhere
from tests.clock import Clock
from tests.storage.test_objects import keys
from tests.worker.clips import box_mask
from worker import incoming

pytestmark = pytest.mark.usefixtures("small_parts")

KEY = {"Idempotency-Key": '"shot-12"'}


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


def sent(service: Service, content: bytes) -> str:
    """The id of a complete upload."""
    sender = Sender(service, content)
    sender.send()
    assert sender.complete().status_code == 200
    return sender.id


def submit(service: Service, headers: dict[str, str] | None = None, **named: Any) -> httpx.Response:
    response: httpx.Response = service.client.post("/v1/jobs", json=named, headers=headers)
    return response


@everywhere
def test_a_job_of_uploads_has_files_of_its_own(
    service: Service, objects: Objects, database: Database, clock: Clock
) -> None:
    video, mask, fifth = (sent(service, data) for data in (service.clip(), box_mask(), box_mask(5)))
    answer = submit(service, video=video, mask=mask, masks={"5": fifth}, options={"preset": "fast"})
    job = answer.json()
    assert answer.status_code == 202, job
    assert job["options"]["preset"] == "fast"
    assert service.hints == [job["id"]]
    names = [f"uploads/{job['id']}/{name}" for name in ("mask_00000", "mask_00005", "video")]
    service.client.delete(f"/v1/uploads/{mask}")
    clock.pass_(hours=25)
    incoming.expire(database, objects, records_kept=timedelta(days=1))
    assert keys(objects) == names
    assert b"".join(objects.read(names[2])) == service.clip()


def test_it_is_the_same_as_one_of_a_form(service: Service) -> None:
    form = service.submit(headers=KEY).json()
    video, mask = sent(service, service.clip()), sent(service, box_mask())
    again = submit(service, KEY, video=video, mask=mask)
    assert (again.status_code, again.json()["id"]) == (202, form["id"])
    assert again.headers["idempotent-replayed"] == "true"
    other = submit(service, KEY, video=video, mask=sent(service, box_mask(3)))
    assert problem(other) == (422, "idempotency_key_reused")


def test_it_is_answered_again_though_its_uploads_are_gone(
    service: Service, database: Database, objects: Objects, clock: Clock
) -> None:
    named: dict[str, Any] = {"video": sent(service, service.clip()), "mask": sent(service, box_mask())}
    first = submit(service, KEY, **named).json()
    clock.pass_(hours=25)
    incoming.expire(database, objects, records_kept=timedelta(days=1))
    assert problem(submit(service, **named)) == (410, "upload_expired")
    clock.now -= timedelta(hours=2)
    assert submit(service, KEY, **named).json()["id"] == first["id"]


def test_what_cannot_be_used_is_refused_and_leaves_nothing(
    make_service: Callable[..., Service], objects: Objects
) -> None:
    service = make_service(max_mask_bytes=2000, max_masks=2)
    video, mask = sent(service, service.clip()), sent(service, box_mask())
    half = Sender(service, b"0123456789").id
    large = sent(service, bytes(2001))
    nobodys = "upl_" + "0" * 32
    refused: dict[str, dict[str, Any]] = {
        "upload_not_found": {"video": nobodys, "mask": mask},
        "upload_incomplete": {"video": half, "mask": mask},
        "mask_too_large": {"video": video, "mask": large},
        "too_many_masks": {"video": video, "mask": mask, "masks": {"1": mask, "2": mask}},
        "field_repeated": {"video": video, "mask": mask, "masks": {"0": mask}},
        "options_invalid": {"video": video, "mask": mask, "options": {"preset": "quick"}},
        "request_invalid": {"video": "../../etc/passwd", "mask": mask},
        "clip_too_short": {"video": mask, "mask": mask},
        "mask_unreadable": {"video": video, "mask": sent(service, b"no picture")},
    }
    for code, named in refused.items():
        assert problem(submit(service, **named))[1] == code
    assert keys(objects, "uploads") == []


def test_what_would_be_too_much_is_refused_before_it_is_copied(
    make_service: Callable[..., Service],
    database: Database,
    objects: Objects,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = make_service(host="0.0.0.0", max_stored_bytes=12_000)
    service.client.headers.update(bearer(api_keys.create(database, "studio")[1]))
    video, mask = sent(service, bytes(10_000)), sent(service, box_mask())

    def copy(*_: str) -> None:
        raise AssertionError("copied")

    monkeypatch.setattr(objects, "copy", copy)
    assert problem(submit(service, video=video, mask=mask)) == (403, "storage_full")


def test_a_body_that_is_not_json_says_so(service: Service) -> None:
    json_type = {"Content-Type": "application/json"}
    answer = service.client.post("/v1/jobs", content=b"{", headers=json_type)
    assert problem(answer) == (400, "body_malformed")
    long = service.client.post("/v1/jobs", content=b" " * 200_000, headers=json_type)
    assert problem(long) == (413, "body_too_large")


def test_the_client_and_the_service_mean_the_same(service: Service, tmp_path: Path, objects: Objects) -> None:
    clip, mask = tmp_path / "padded.mp4", tmp_path / "mask.png"
    # a box of no meaning makes it long enough for two parts
    padding = (6 * 1024**2).to_bytes(4, "big") + b"free" + bytes(6 * 1024**2 - 8)
    clip.write_bytes(service.clip() + padding)
    mask.write_bytes(box_mask())
    job = Client(http=service.client).submit(clip, mask, masks={5: mask}, preset="fast", upload=True)
    names = [f"uploads/{job.id}/{name}" for name in ("mask_00000", "mask_00005", "video")]
    assert keys(objects) == names
    assert b"".join(objects.read(names[2])) == clip.read_bytes()
