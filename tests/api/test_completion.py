"""Completions that are disturbed: by a removal, by another completion, by a request that ends."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.requests import Request

from api import completion, intake
from api.errors import ApiError
from storage import signing, uploads
from storage.database import Database
from storage.objects import Objects
from storage.uploads import Upload, UploadStatus
from tests.api.service import Service, problem
from tests.api.test_bodies import wait_until
from tests.api.test_uploads import Sender, everywhere
from tests.clock import Clock
from tests.storage.test_objects import keys

CONTENT = b"0123456789"


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture(autouse=True)
def current(clock: Clock) -> None:
    """Signatures carry the machine's own time."""
    clock.now = datetime.now(UTC)


class Disturbed(Objects):
    """A store where something happens once, right before an object is looked at or read."""

    def __init__(self, address: str, happens: Callable[[], object], size: int | None) -> None:
        super().__init__(address)
        self._happens: list[Callable[[], object]] = [happens]
        self._size = size

    def size(self, key: str) -> int | None:
        if self._size is None:
            return super().size(key)
        self._happen()
        return self._size

    def sha256(self, key: str, on_chunk: Callable[[], None]) -> str:
        self._happen()
        return super().sha256(key, on_chunk)

    def _happen(self) -> None:
        if self._happens:
            self._happens.pop()()


class SlowDatabase(Database):
    """One whose changes wait until they may be made."""

    def __init__(self, address: str, clock: Clock) -> None:
        super().__init__(address, clock)
        self.asked, self.may, self.done = threading.Event(), threading.Event(), threading.Event()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        self.asked.set()
        assert self.may.wait(10)
        with super().write() as connection:
            yield connection
        self.done.set()


def found(database: Database, sender: Sender) -> Upload:
    upload = uploads.get(database, "local", sender.id)
    assert upload is not None
    return upload


@pytest.mark.parametrize("objects_kind", ["rclone", "moto"])
def test_an_upload_that_is_removed_while_it_is_read_is_gone(service: Service, objects_address: str) -> None:
    sender = Sender(service, CONTENT)
    sender.send()
    client = service.client
    service.services.objects = Disturbed(objects_address, lambda: client.delete(sender.path), None)
    assert problem(sender.complete()) == (410, "upload_expired")
    assert problem(client.get(sender.path)) == (404, "upload_not_found")
    assert keys(service.services.objects) == []


@everywhere
def test_an_upload_that_is_removed_while_it_is_put_together_is_gone(
    service: Service, objects_address: str
) -> None:
    sender = Sender(service, CONTENT)
    sender.send()
    client = service.client
    service.services.objects = Disturbed(objects_address, lambda: client.delete(sender.path), 0)
    assert problem(sender.complete()) == (410, "upload_expired")
    assert keys(service.services.objects) == []


@everywhere
def test_a_completion_that_has_lost_its_upload_removes_nothing(
    service: Service, objects: Objects, objects_address: str, database: Database, clock: Clock
) -> None:
    sender = Sender(service, CONTENT)
    sender.send()

    def another_completes() -> None:
        service.services.objects = objects
        clock.pass_(minutes=11)
        assert sender.complete().status_code == 200

    service.services.objects = Disturbed(objects_address, another_completes, 0)
    assert problem(sender.complete()) == (409, "upload_completing")
    assert found(database, sender).status is UploadStatus.COMPLETE
    assert keys(objects) == [f"incoming/{sender.id}/file"]


def test_who_has_lost_an_upload_hears_so_when_holding_on_to_it(
    service: Service, database: Database, clock: Clock
) -> None:
    sender = Sender(service, CONTENT)
    held = completion.hold(service.services, found(database, sender))
    renewal = completion.Renewal(service.services, held)
    renewal.renew()
    clock.pass_(minutes=11)
    assert uploads.hold(database, held) is not None
    with pytest.raises(ApiError, match="upload_completing"):
        renewal.renew()
    service.client.delete(sender.path)
    with pytest.raises(ApiError, match="upload_expired"):
        renewal.renew()


def test_an_upload_is_held_for_longer_than_the_store_may_be_silent() -> None:
    assert timedelta(seconds=signing.READ_TIMEOUT_SECONDS * signing.ATTEMPTS) < uploads.HOLD


def a_body_that_never_ends() -> Request:
    async def receive() -> Any:
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "PUT", "headers": [], "state": {"body": SimpleNamespace(most_bytes=0)}}
    return Request(scope, receive)


def canceled(service: Service, upload: Upload, then: Callable[[], Awaitable[object]]) -> None:
    """Send the whole file in a request that is canceled when `then` is through."""

    async def run() -> None:
        request = asyncio.create_task(intake.take_whole(a_body_that_never_ends(), service.services, upload))
        await then()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request

    asyncio.run(run())


@pytest.fixture
def slow(service: Service, database_address: str, clock: Clock) -> Iterator[SlowDatabase]:
    service.services.database = SlowDatabase(database_address, clock)
    yield service.services.database
    service.services.database.close()


def test_a_canceled_request_gives_its_upload_back_and_others_go_on_meanwhile(
    service: Service, database: Database, slow: SlowDatabase
) -> None:
    slow.may.set()
    sender = Sender(service, CONTENT)

    async def held() -> None:
        await asyncio.to_thread(wait_until, lambda: found(database, sender).status is UploadStatus.COMPLETING)
        slow.may.clear()
        # what lets the database go on is another request of this loop
        asyncio.get_running_loop().call_later(0.1, slow.may.set)

    canceled(service, found(database, sender), held)
    assert found(database, sender).status is UploadStatus.OPEN


def test_a_request_canceled_while_it_takes_its_upload_gives_it_back(
    service: Service, database: Database, slow: SlowDatabase
) -> None:
    slow.may.set()
    sender = Sender(service, CONTENT)
    for event in (slow.asked, slow.may, slow.done):
        event.clear()

    async def asked() -> None:
        await asyncio.to_thread(slow.asked.wait, 10)
        asyncio.get_running_loop().call_later(0.1, slow.may.set)

    canceled(service, found(database, sender), asked)
    slow.may.set()
    assert slow.done.wait(10)
    assert found(database, sender).status is UploadStatus.OPEN
