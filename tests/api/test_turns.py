"""Owners take turns at what is slow: looking at uploads, and copying them."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from api.limits import owner_inspection_slots
from api.settings import ApiSettings
from storage import api_keys
from storage.database import Database
from tests.api.live import listening
from tests.api.service import Service, problem
from tests.api.test_keys import bearer
from tests.worker.clips import box_mask
from worker.child import Child
from worker.nursery import Nursery

Submit = Callable[..., Future[httpx.Response]]


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


class Slow(Nursery):
    """Its first child is not there before it may be."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()
        self.may_go_on = threading.Event()

    def child(self, *args: Any, **options: Any) -> Child:
        if not self.began.is_set():
            self.began.set()
            assert self.may_go_on.wait(30)
        return super().child(*args, **options)


@pytest.fixture
def slow() -> Iterator[Slow]:
    with Slow() as nursery:
        yield nursery
        nursery.may_go_on.set()


@pytest.fixture
def keyed(make_service: Callable[..., Service], slow: Slow) -> Service:
    service = make_service(host="0.0.0.0", max_uploads_at_once=2, body_patience_seconds=0.3)
    service.services.nursery = slow
    service.services.owner_inspections = owner_inspection_slots(service.services.settings, 0.3)
    return service


@pytest.fixture
def submit(keyed: Service, database: Database) -> Iterator[Submit]:
    """Submits for an owner, in a thread of its own."""
    keys = {owner: api_keys.create(database, owner)[1] for owner in ("greedy", "other")}
    files = {"video": keyed.clip(), "mask": box_mask()}
    with listening(keyed) as port, ThreadPoolExecutor(4) as pool:

        def post(owner: str, **sent: Any) -> Future[httpx.Response]:
            sent = sent or {"files": files}
            url = f"http://127.0.0.1:{port}/v1/jobs"
            return pool.submit(httpx.post, url, headers=bearer(keys[owner]), timeout=60, **sent)

        yield post


def test_one_owner_does_not_keep_others_from_being_looked_at(submit: Submit, slow: Slow) -> None:
    first = submit("greedy")
    assert slow.began.wait(30)
    assert problem(submit("greedy").result()) == (429, "too_many_inspections")
    assert submit("other").result().status_code == 202
    slow.may_go_on.set()
    assert first.result().status_code == 202


def test_a_submission_counts_as_one_until_it_is_stored_and_json_does_too(
    submit: Submit, slow: Slow, keyed: Service
) -> None:
    keyed.services.owner_inspections = owner_inspection_slots(keyed.services.settings, 30)
    sent = [submit("greedy")]
    assert slow.began.wait(30)
    sent.append(submit("greedy"))
    named = {"video": "upl_" + "0" * 32, "mask": "upl_" + "0" * 32}
    refused = submit("greedy", json=named).result()
    while problem(refused) == (404, "upload_not_found"):  # the second one was not there yet
        refused = submit("greedy", json=named).result()
    assert problem(refused) == (429, "too_many_uploads")
    slow.may_go_on.set()
    assert [one.result().status_code for one in sent] == [202, 202]


@pytest.mark.parametrize(
    ("settings", "most"),
    [({"host": "0.0.0.0", "inspections_at_once": n}, max(1, n - 1)) for n in (1, 2, 4)]
    + [({"inspections_at_once": 2}, 2)],
)
def test_an_owner_leaves_a_place_for_another_unless_there_is_none(
    settings: dict[str, Any], most: int
) -> None:
    async def run() -> None:
        slots = owner_inspection_slots(ApiSettings(**settings), 0.05)
        held = [slots.hold("a") for _ in range(most)]
        for one in held:
            await one.__aenter__()
        with pytest.raises(Exception, match="too_many_inspections"):
            await slots.hold("a").__aenter__()
        await slots.hold("b").__aenter__()

    asyncio.run(run())
