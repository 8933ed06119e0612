"""Frames are decoded for owners in turn, for nobody who has gone, and in confined children that may die."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.limits import owner_picture_slots
from api.settings import ApiSettings
from storage import api_keys
from storage.database import Database
from tests.api.live import listening
from tests.api.service import Service, problem
from tests.api.test_bodies import wait_until
from tests.api.test_keys import bearer
from tests.api.test_pictures import upload
from tests.api.test_turns import Slow
from tests.worker.clips import make_clip
from worker.child import Child
from worker.nursery import Nursery


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


class Counted(Slow):
    """One that counts its children."""

    children = 0

    def child(self, *args: Any, **options: Any) -> Child:
        self.children += 1
        return super().child(*args, **options)


@pytest.fixture
def slow() -> Iterator[Counted]:
    with Counted() as nursery:
        yield nursery
        nursery.may_go_on.set()


@pytest.fixture
def keyed(make_service: Callable[..., Service], slow: Counted) -> Service:
    service = make_service(host="0.0.0.0")
    service.services.nursery = slow
    return service


@pytest.fixture
def headers(database: Database) -> dict[str, dict[str, str]]:
    return {owner: bearer(api_keys.create(database, owner)[1]) for owner in ("greedy", "other")}


@pytest.fixture
def paths(keyed: Service, headers: dict[str, dict[str, str]]) -> dict[str, str]:
    """Of a frame of an upload of each owner."""
    found = {}
    for owner, key in headers.items():
        keyed.client.headers.update(key)
        found[owner] = f"/v1/uploads/{upload(keyed, keyed.clip())}/frames/1"
    return found


def test_one_owner_does_not_keep_others_from_their_frames(
    keyed: Service, slow: Counted, headers: dict[str, dict[str, str]], paths: dict[str, str]
) -> None:
    keyed.services.owner_pictures = owner_picture_slots(keyed.services.settings, 0.3)
    with listening(keyed) as port, ThreadPoolExecutor(4) as pool:

        def get(owner: str) -> Future[httpx.Response]:
            url = f"http://127.0.0.1:{port}{paths[owner]}"
            return pool.submit(httpx.get, url, headers=headers[owner], timeout=60)

        first = get("greedy")
        assert slow.began.wait(30)
        refused = get("greedy").result()
        assert problem(refused) == (429, "too_many_pictures")
        assert int(refused.headers["retry-after"]) > 0
        assert get("other").result().status_code == 200
        slow.may_go_on.set()
        assert first.result().status_code == 200


def test_nothing_is_decoded_for_who_has_gone_while_waiting(
    keyed: Service,
    slow: Counted,
    headers: dict[str, dict[str, str]],
    paths: dict[str, str],
) -> None:
    waiting = keyed.services.owner_pictures._interested
    with listening(keyed) as port, ThreadPoolExecutor(1) as pool:
        url = f"http://127.0.0.1:{port}{paths['greedy']}"
        first = pool.submit(httpx.get, url, headers=headers["greedy"], timeout=60)
        assert slow.began.wait(30)
        with socket.create_connection(("127.0.0.1", port)) as gone:
            key = headers["greedy"]["Authorization"]
            gone.sendall(
                f"GET {paths['greedy']} HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\n\r\n".encode()
            )
            wait_until(lambda: waiting["greedy"] == 2)
        slow.may_go_on.set()
        assert first.result().status_code == 200
        wait_until(lambda: waiting["greedy"] == 0)
    assert slow.children == 1


@pytest.mark.parametrize(
    ("settings", "most"),
    [({"host": "0.0.0.0", "pictures_at_once": n}, max(1, n - 1)) for n in (1, 2, 4)]
    + [({"pictures_at_once": 2}, 2)],
)
def test_an_owner_leaves_a_place_for_another_unless_there_is_none(
    settings: dict[str, str | int], most: int
) -> None:
    async def run() -> None:
        slots = owner_picture_slots(ApiSettings(**settings), 0.05)  # type: ignore[arg-type]  # as a test may
        held = [slots.hold("a") for _ in range(most)]
        for one in held:
            await one.__aenter__()
        with pytest.raises(Exception, match="too_many_pictures"):
            await slots.hold("a").__aenter__()
        await slots.hold("b").__aenter__()

    asyncio.run(run())


@pytest.mark.parametrize("word", [b"CRASH", b"SLEEP"])
def test_a_clip_that_kills_what_decodes_it_is_refused(
    make_service: Callable[..., Service], word: bytes
) -> None:
    services = make_service(inspection_timeout_seconds=1.0 if word == b"SLEEP" else 60.0), make_service()
    with Nursery("tests.worker.killing") as killing:
        for service in services:
            service.services.nursery = killing
        for what in ("frames/30", "clip"):
            refused = services[0].client.get(f"/v1/uploads/{upload(services[0], word + bytes(1000))}/{what}")
            assert problem(refused) == (422, "clip_unreadable")
        good = upload(services[1], services[1].clip())
        assert services[1].client.get(f"/v1/uploads/{good}/frames/3").status_code == 200


def test_the_zygote_may_die_between_two_frames(service: Service, tmp_path: Path) -> None:
    path = f"/v1/uploads/{upload(service, make_clip(tmp_path / 'a.mp4').read_bytes())}/frames"
    with Nursery() as own:
        service.services.nursery = own
        assert service.client.get(f"{path}/1").status_code == 200
        own.kill()
        assert service.client.get(f"{path}/2").status_code == 200
