"""How often what the API stands on is asked whether it is there."""

import asyncio
import threading

import pytest

from api.readiness import REMEMBERED_SECONDS, Readiness
from tests.api.service import Service


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


def test_a_hundred_who_ask_at_once_are_told_what_one_has_found() -> None:
    asked, may_end = [], threading.Event()

    def check() -> None:
        asked.append(1)
        assert may_end.wait(10)
        raise ConnectionError

    async def run() -> None:
        readiness = Readiness()
        waiting = [asyncio.create_task(readiness.failed({"database": check})) for _ in range(100)]
        await asyncio.sleep(0.05)
        waiting[0].cancel()  # the others are told all the same
        may_end.set()
        assert await asyncio.gather(*waiting[1:]) == [{"database"}] * 99
        assert len(asked) == 1

    asyncio.run(run())


def test_what_was_found_is_remembered_for_a_moment(service: Service) -> None:
    now, asked = [100.0], []
    service.services.readiness = Readiness(clock=lambda: now[0])
    service.services.check_broker = lambda: asked.append(1)
    for expected in (1, 1, 2):
        assert service.client.get("/readyz").status_code == 200
        assert len(asked) == expected
        now[0] += REMEMBERED_SECONDS * 0.6
