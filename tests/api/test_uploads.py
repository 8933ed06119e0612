"""Files that come before their jobs, in parts or whole, on each kind of object store."""

import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from storage import uploads
from storage.database import Database
from storage.objects import Objects
from storage.parts import parts_of
from storage.uploads import UploadStatus
from tests.api.service import PART_BYTES, Service, problem
from tests.clock import Clock
from tests.storage.test_objects import KINDS, keys
from tests.worker.clips import box_mask
from worker import incoming

pytestmark = pytest.mark.usefixtures("small_parts")

KEY = {"Idempotency-Key": '"shot-12"'}

# two parts and a bit
CONTENT = bytes(range(256)) * (2 * PART_BYTES // 256 + 3)


everywhere = pytest.mark.parametrize("objects_kind", KINDS)


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


class Sender:
    """A caller who sends one file."""

    def __init__(self, service: Service, content: bytes, **headers: str) -> None:
        self.service = service
        self.content = content
        answer = service.client.post(
            "/v1/uploads", json={"filename": "clip.mp4", "bytes": len(content)}, headers=headers
        )
        assert answer.status_code == 201, answer.text
        self.path = answer.headers["location"]
        self.id: str = answer.json()["id"]

    def addresses(self, first: int = 1) -> list[dict[str, Any]]:
        page = self.service.client.get(f"{self.path}/parts", params={"from": first}).json()
        found: list[dict[str, Any]] = page["parts"]
        return found

    def put(self, part: dict[str, Any], content: bytes | None = None) -> httpx.Response:
        """As a browser would: straight to the address."""
        start = (part["number"] - 1) * PART_BYTES
        data = self.content[start : start + part["bytes"]] if content is None else content
        if part["signed"]:
            return httpx.put(part["url"], content=data, timeout=60)
        response: httpx.Response = self.service.client.put(part["url"], content=data)
        return response

    def send(self) -> None:
        for part in self.addresses():
            assert self.put(part).is_success

    def show(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.service.client.get(self.path).json()
        return shown

    def complete(self, sha256: str | None = None) -> httpx.Response:
        body = {} if sha256 is None else {"sha256": sha256}
        response: httpx.Response = self.service.client.post(f"{self.path}/complete", json=body)
        return response


@everywhere
def test_a_file_is_sent_in_parts_in_any_order_and_is_what_was_sent(
    service: Service, objects: Objects
) -> None:
    sender = Sender(service, CONTENT)
    parts = sender.addresses()
    assert [part["bytes"] for part in parts] == [PART_BYTES, PART_BYTES, len(CONTENT) - 2 * PART_BYTES]
    for part in reversed(parts):
        assert sender.put(part).is_success
    assert sender.show()["arrived"] == [1, 2, 3]
    done = sender.complete(hashlib.sha256(CONTENT).hexdigest())
    assert done.status_code == 200, done.text
    assert done.json()["status"] == "complete"
    assert done.json()["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert keys(objects) == [f"incoming/{sender.id}/file"]
    assert b"".join(objects.read(f"incoming/{sender.id}/file")) == CONTENT
    again = sender.complete()
    assert (again.status_code, again.json()) == (200, done.json())


@everywhere
def test_what_broke_off_goes_on_where_it_was(service: Service) -> None:
    sender = Sender(service, CONTENT, **KEY)
    sender.put(sender.addresses()[1])
    again = Sender(service, CONTENT, **KEY)
    assert again.id == sender.id
    assert again.show()["arrived"] == [2]
    assert problem(again.complete()) == (409, "upload_incomplete")
    assert again.show()["status"] == "open"
    for part in again.addresses():
        if part["number"] not in again.show()["arrived"]:
            again.put(part)
    assert again.complete().status_code == 200


# rclone has passed a part on when it has it, and takes no other in its place
@pytest.mark.parametrize("objects_kind", ["folder", "moto"])
def test_a_part_may_come_again_until_it_is_complete(service: Service) -> None:
    sender = Sender(service, b"what was meant")
    part = sender.addresses()[0]
    sender.put(part, b"what was wrong")
    sender.put(part)
    assert sender.complete().json()["sha256"] == hashlib.sha256(b"what was meant").hexdigest()
    late = sender.put(part, b"what was wrong")
    assert not late.is_success
    assert sender.show()["sha256"] == hashlib.sha256(b"what was meant").hexdigest()


@pytest.mark.parametrize("objects_kind", ["moto"])
def test_a_part_that_is_replaced_while_it_is_completed_may_be_completed_again(
    service: Service, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(service, b"0123456789")
    sender.send()
    store: Any = objects.s3
    listed = store.arrived(*store_names(service, sender))
    with monkeypatch.context() as before:
        before.setattr(store, "arrived", lambda *_: listed)
        sender.put(sender.addresses()[0], b"9876543210")
        assert problem(sender.complete()) == (409, "upload_incomplete")
    assert sender.complete().json()["sha256"] == hashlib.sha256(b"9876543210").hexdigest()


def store_names(service: Service, sender: Sender) -> tuple[str, str]:
    """What the store calls an upload: its key and id."""
    upload = uploads.get(service.services.database, "local", sender.id)
    assert upload is not None
    return upload.object_key, upload.multipart_id or ""


@everywhere
def test_another_length_than_declared_is_never_stored(
    service: Service, objects: Objects, objects_kind: str
) -> None:
    sender = Sender(service, b"0123456789")
    part = sender.addresses()[0]
    answer = sender.put(part, b"0123456789 and more")
    if objects_kind == "moto":  # it looks at no signature: the end of it is the same
        assert problem(sender.complete()) == (413, "upload_too_large")
        assert sender.service.client.get(sender.path).status_code == 404
    else:
        assert not answer.is_success
        assert problem(sender.complete()) == (409, "upload_incomplete")
    sender.service.client.delete(sender.path)
    assert keys(objects) == []


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(max_video_bytes=100)
    answer = service.client.post("/v1/uploads", json={"filename": "clip.mp4", "bytes": 101})
    assert problem(answer) == (413, "upload_too_large")


def test_a_file_that_is_not_what_its_sender_says_is_not_kept(service: Service, objects: Objects) -> None:
    sender = Sender(service, b"0123456789")
    sender.send()
    assert problem(sender.complete("0" * 64)) == (422, "upload_checksum_differs")
    assert problem(service.client.get(sender.path)) == (404, "upload_not_found")
    assert keys(objects) == []


@everywhere
def test_a_small_file_is_sent_in_one_request(service: Service, objects: Objects) -> None:
    sender = Sender(service, box_mask())
    done = service.client.put(sender.path, content=sender.content)
    assert done.json()["status"] == "complete"
    assert done.json()["sha256"] == hashlib.sha256(sender.content).hexdigest()
    assert problem(service.client.put(sender.path, content=sender.content)) == (409, "upload_complete")
    assert problem(service.client.get(f"{sender.path}/parts")) == (409, "upload_complete")
    assert keys(objects) == [f"incoming/{sender.id}/file"]
    assert unfinished(objects) == []


def test_a_whole_file_of_another_length_may_be_sent_again(service: Service, objects: Objects) -> None:
    sender = Sender(service, b"0123456789")
    assert problem(service.client.put(sender.path, content=b"012345678")) == (422, "part_too_short")
    assert problem(service.client.put(sender.path, content=b"0123456789+")) == (413, "part_too_large")
    assert keys(objects) == []
    assert service.client.put(sender.path, content=b"0123456789").json()["status"] == "complete"


@everywhere
def test_many_completions_at_once_complete_it_once(service: Service) -> None:
    sender = Sender(service, CONTENT)
    sender.send()
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(sender.complete())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = {answer.status_code for answer in answers}
    assert 200 in codes
    assert codes <= {200, 409}
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 409)
    assert sender.complete().json()["sha256"] == hashlib.sha256(CONTENT).hexdigest()


@everywhere
def test_a_completion_that_was_killed_is_taken_over(
    service: Service, database: Database, objects: Objects, clock: Clock
) -> None:
    sender = Sender(service, CONTENT)
    sender.send()
    upload = uploads.get(database, "local", sender.id)
    assert upload is not None
    held = uploads.hold(database, upload)
    assert held is not None
    parts_of(objects).assemble(held, parts_of(objects).arrived(held), lambda: None)
    assert problem(sender.complete()) == (409, "upload_completing")
    clock.pass_(minutes=11)
    assert sender.complete().json()["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert uploads.complete(database, held, "0" * 64, timedelta(0)) is None


@everywhere
def test_an_upload_that_is_removed_leaves_nothing(service: Service, objects: Objects) -> None:
    sender = Sender(service, CONTENT)
    sender.put(sender.addresses()[0])
    assert service.client.delete(sender.path).status_code == 204
    assert problem(service.client.get(sender.path)) == (404, "upload_not_found")
    assert keys(objects) == []
    assert unfinished(objects) == []


@everywhere
def test_uploads_expire_complete_or_not_and_say_so(
    service: Service, database: Database, objects: Objects, clock: Clock
) -> None:
    half, whole = Sender(service, CONTENT, **KEY), Sender(service, b"0123456789")
    half.put(half.addresses()[0])
    whole.send()
    whole.complete()
    clock.pass_(hours=25)
    assert problem(service.client.get(whole.path)) == (410, "upload_expired")
    incoming.expire(database, objects, records_kept=timedelta(hours=2))
    assert keys(objects) == []
    assert unfinished(objects) == []
    for sender in (half, whole):
        assert problem(sender.complete()) == (410, "upload_expired")
    assert Sender(service, CONTENT, **KEY).id != half.id
    clock.pass_(hours=3)
    incoming.expire(database, objects, records_kept=timedelta(hours=2))
    assert problem(service.client.get(half.path)) == (404, "upload_not_found")


@everywhere
def test_what_a_live_upload_has_sent_is_never_swept(
    service: Service, database: Database, objects: Objects, clock: Clock
) -> None:
    sender = Sender(service, CONTENT)
    sender.put(sender.addresses()[0])
    clock.pass_(hours=20)
    incoming.sweep(database, objects, idle=timedelta(0))
    assert sender.show()["arrived"] == [1]
    upload = uploads.get(database, "local", sender.id)
    assert upload is not None
    uploads.delete(database, upload)
    incoming.sweep(database, objects, idle=timedelta(0))
    assert keys(objects) == []
    assert unfinished(objects) == []


def test_a_key_is_for_one_file(service: Service) -> None:
    Sender(service, b"0123456789", **KEY)
    answer = service.client.post("/v1/uploads", json={"filename": "other.mp4", "bytes": 10}, headers=KEY)
    assert problem(answer) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    "body",
    [
        {"filename": "a\x00b", "bytes": 1},
        {"filename": "", "bytes": 1},
        {"filename": "a" * 201, "bytes": 1},
        {"filename": "a", "bytes": 0},
        {"filename": "a", "bytes": "1"},
        {"filename": "a", "bytes": 1, "other": 1},
    ],
)
def test_nonsense_is_refused(service: Service, body: dict[str, Any]) -> None:
    assert problem(service.client.post("/v1/uploads", json=body)) == (422, "request_invalid")


def test_parts_that_there_are_not_are_refused(service: Service) -> None:
    sender = Sender(service, b"0123456789")
    assert sender.addresses(first=2) == []
    assert problem(service.client.put(f"{sender.path}/parts/2", content=b"x")) == (404, "part_not_found")
    assert problem(service.client.put(f"{sender.path}/parts/0", content=b"x")) == (404, "part_not_found")


def test_the_record_of_an_open_upload_says_what_it_is(service: Service, database: Database) -> None:
    sender = Sender(service, b"0123456789")
    shown = sender.show()
    assert (shown["status"], shown["bytes"], shown["part_count"], shown["sha256"]) == ("open", 10, 1, None)
    found = uploads.get(database, "local", sender.id)
    assert found is not None
    assert found.status is UploadStatus.OPEN
    assert uploads.get(database, "another", sender.id) is None


def unfinished(objects: Objects) -> list[tuple[str, str]]:
    """Uploads in parts that the store still has."""
    if objects.s3 is None:
        return []
    return list(objects.s3.unfinished(datetime(2999, 1, 1, tzinfo=UTC)))


def test_a_key_whose_upload_has_expired_begins_another(
    service: Service, objects: Objects, clock: Clock
) -> None:
    first = Sender(service, CONTENT, **KEY)
    first.put(first.addresses()[0])
    clock.pass_(hours=25)
    assert Sender(service, CONTENT, **KEY).id != first.id
    assert keys(objects) == []
