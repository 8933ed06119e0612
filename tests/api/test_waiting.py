"""Slow work of a request: what goes on meanwhile, and what is not left behind."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from api import idempotency, waiting
from api.limits import inspection_slots
from api.waiting import to_its_end, while_waiting
from storage.database import Database
from storage.idempotency import idempotency_keys
from tests.api.service import Service, problem
from tests.api.test_bodies import wait_until
from tests.api.test_submission import KEY
from tests.clock import Clock
from worker.child import Child
from worker.nursery import Nursery


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 0.01)


class Work:
    """Something in a thread that ends when it is let."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.may_end = threading.Event()
        self.has_ended = False

    def __call__(self) -> str:
        self.began.set()
        assert self.may_end.wait(10)
        self.has_ended = True
        return "done"


async def nothing() -> None:
    pass


def test_somebody_is_told_every_few_seconds_until_the_work_is_done() -> None:
    work, told = Work(), []

    async def on_wait() -> None:
        told.append(1)
        if len(told) == 3:
            work.may_end.set()

    assert asyncio.run(while_waiting(to_its_end(work), on_wait)) == "done"
    assert len(told) >= 3


def test_work_in_a_thread_has_ended_when_whoever_was_told_could_not_take_it() -> None:
    work = Work()

    async def on_wait() -> None:
        asyncio.get_running_loop().call_later(0.05, work.may_end.set)
        raise ConnectionError("no database")

    async def run() -> None:
        with pytest.raises(ConnectionError):
            await while_waiting(to_its_end(work), on_wait)
        assert work.has_ended

    asyncio.run(run())


@pytest.mark.parametrize("how", [lambda work: while_waiting(to_its_end(work), nothing), to_its_end])
def test_work_in_a_thread_has_ended_when_a_canceled_request_goes_on(
    how: Callable[[Work], Coroutine[Any, Any, str]],
) -> None:
    work = Work()

    async def run() -> None:
        request = asyncio.create_task(how(work))
        await asyncio.to_thread(work.began.wait, 10)
        request.cancel()
        asyncio.get_running_loop().call_later(0.05, work.may_end.set)
        with pytest.raises(asyncio.CancelledError):
            await request
        assert work.has_ended

    asyncio.run(run())


def test_a_canceled_request_waits_for_no_turn() -> None:
    async def run() -> None:
        turn = asyncio.Event()
        request = asyncio.create_task(while_waiting(turn.wait(), nothing))
        await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(request, 10)

    asyncio.run(run())


def test_a_submission_keeps_its_key_while_it_waits_to_be_looked_at_and_is_refused_in_the_end(
    make_service: Callable[..., Service], database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "RENEW_EVERY_SECONDS", 0.0)
    service = make_service(inspections_at_once=0)
    service.services.inspections = inspection_slots(service.services.settings, patience_seconds=2.0)
    service.clip()

    def is_held() -> bool:
        with database.read() as connection:
            held = connection.execute(sa.select(idempotency_keys.c.locked_until)).scalar()
        return held is not None and held > clock.now

    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(service.submit, headers=KEY)
        wait_until(is_held)
        clock.pass_(minutes=5)
        wait_until(is_held)
        refused = waits.result()
    assert problem(refused) == (503, "too_busy")
    assert refused.headers["retry-after"] == "10"
    assert service.nothing_is_left()
    service.services.inspections = make_service().services.inspections
    assert service.submit(headers=KEY).status_code == 202


class Frail(Nursery):
    """Its zygote dies while the first of its children works."""

    children = 0

    def child(self, *args: Any, **options: Any) -> Child:
        found = super().child(*args, **options)
        self.children += 1
        if self.children == 1:
            self.kill()
        return found


def test_an_upload_is_looked_at_once_more_where_that_failed_by_our_fault(service: Service) -> None:
    with Frail() as nursery:
        service.services.nursery = nursery
        assert service.submit().status_code == 202
        assert nursery.children == 2


def test_where_uploads_cannot_be_looked_at_at_all_their_sender_may_come_again(service: Service) -> None:
    with Nursery("tests.worker.absent") as nursery:
        service.services.nursery = nursery
        refused = service.submit()
    assert problem(refused) == (503, "unavailable")
    assert refused.headers["retry-after"] == "5"
    assert service.nothing_is_left()
