"""Parts that come by way of the API, whatever store they end in."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from storage import passing_on
from storage.errors import MultipartMissingError, ObjectsUnavailableError
from storage.objects import Objects
from tests.api.live import answer, listening
from tests.api.service import PART_BYTES, Service, problem
from tests.storage.test_objects import KINDS, keys

pytestmark = pytest.mark.usefixtures("small_parts")

# two parts and a bit
CONTENT = bytes(range(256)) * (2 * PART_BYTES // 256 + 3)

everywhere = pytest.mark.parametrize("objects_kind", KINDS)
on_s3 = pytest.mark.parametrize("objects_kind", [kind for kind in KINDS if kind != "folder"])


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


class Sender:
    """A page, which reaches the API and nothing else."""

    def __init__(self, service: Service, content: bytes) -> None:
        self.client = service.client
        self.content = content
        asked = {"filename": "clip.mp4", "bytes": len(content)}
        self.path: str = self.client.post("/v1/uploads", json=asked).headers["location"]

    def addresses(self) -> list[dict[str, Any]]:
        page = self.client.get(f"{self.path}/parts", params={"through": "api"}).json()
        found: list[dict[str, Any]] = page["parts"]
        return found

    def put(self, number: int, content: bytes | None = None) -> httpx.Response:
        start = (number - 1) * PART_BYTES
        data = self.content[start : start + PART_BYTES] if content is None else content
        response: httpx.Response = self.client.put(f"{self.path}/parts/{number}", content=data)
        return response

    def arrived(self) -> list[int]:
        found: list[int] = self.client.get(self.path).json()["arrived"]
        return found

    def complete(self) -> httpx.Response:
        response: httpx.Response = self.client.post(f"{self.path}/complete", json={})
        return response


@everywhere
def test_a_file_is_sent_through_the_api_alone(service: Service, objects: Objects) -> None:
    sender = Sender(service, CONTENT)
    parts = sender.addresses()
    assert [part["url"] for part in parts] == [
        f"http://127.0.0.1:8000{sender.path}/parts/{number}" for number in (1, 2, 3)
    ]
    assert not any(part["signed"] for part in parts)
    for part in (3, 1, 2):
        assert sender.put(part).status_code == 204
    assert sender.arrived() == [1, 2, 3]
    done = sender.complete()
    assert done.json()["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    (key,) = keys(objects)
    assert b"".join(objects.read(key)) == CONTENT
    assert problem(sender.put(1)) == (409, "upload_complete")


@on_s3
def test_parts_of_one_file_may_go_both_ways(service: Service) -> None:
    sender = Sender(service, CONTENT)
    direct = service.client.get(f"{sender.path}/parts").json()["parts"]
    assert all(part["signed"] for part in direct)
    assert httpx.put(direct[1]["url"], content=CONTENT[PART_BYTES : 2 * PART_BYTES]).is_success
    assert sender.put(1).status_code == sender.put(3).status_code == 204
    assert sender.complete().json()["sha256"] == hashlib.sha256(CONTENT).hexdigest()


@everywhere
def test_a_part_of_another_length_is_refused_and_not_kept(service: Service) -> None:
    sender = Sender(service, CONTENT)
    assert problem(sender.put(1, CONTENT[: PART_BYTES - 1])) == (422, "part_too_short")
    assert problem(sender.put(1, b"")) == (422, "part_too_short")
    assert problem(sender.put(1, CONTENT[: PART_BYTES + 1])) == (413, "part_too_large")
    assert problem(sender.put(3, CONTENT[:1000])) == (413, "part_too_large")
    assert sender.arrived() == []
    assert sender.put(1).status_code == 204
    assert sender.arrived() == [1]


@everywhere
def test_a_part_that_breaks_off_is_not_kept(service: Service) -> None:
    sender = Sender(service, CONTENT)
    with listening(service) as port:
        connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        head = (
            f"PUT {sender.path}/parts/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {PART_BYTES}\r\n\r\n"
        )
        connection.sendall(head.encode() + CONTENT[: PART_BYTES // 2])
        connection.shutdown(socket.SHUT_WR)
        answer(connection)
    assert sender.arrived() == []
    assert sender.put(1).status_code == 204


@on_s3
def test_an_upload_that_the_store_has_dropped_takes_no_part(service: Service, objects: Objects) -> None:
    sender = Sender(service, CONTENT)
    assert objects.s3 is not None
    ((key, multipart_id),) = list(objects.s3.unfinished(service.services.database.now() + timedelta(days=1)))
    objects.s3.abort(key, multipart_id)
    assert problem(sender.put(1)) == (410, "upload_expired")


def test_a_way_that_there_is_not_is_refused(service: Service) -> None:
    sender = Sender(service, b"0123456789")
    refused = service.client.get(f"{sender.path}/parts", params={"through": "pigeon"})
    assert problem(refused) == (422, "request_invalid")


@pytest.fixture
def store() -> Iterator[tuple[str, list[int]]]:
    """A store that takes a body in small pieces, and notes how long they are; or refuses, as its path says."""
    taken: list[int] = []

    class Store(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            left = int(self.headers["Content-Length"])
            while left and (piece := self.rfile.read(min(left, 65536))):
                taken.append(len(piece))
                left -= len(piece)
            status = int(self.path.strip("/"))
            self.send_response(status)
            body = b"<Code>NoSuchUpload</Code>" if status == 404 else b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests are silent."""

    server = HTTPServer(("127.0.0.1", 0), Store)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()
    thread.join()
    server.server_close()


async def pieces(count: int, size: int = 65536) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(size)


def test_a_part_is_passed_on_as_it_arrives(store: tuple[str, list[int]]) -> None:
    """The store has the first piece before the sender has made the last."""
    address, taken = store
    seen_before_the_last: list[int] = []

    async def slowly() -> AsyncIterator[bytes]:
        for number in range(200):
            if number == 199:
                while not taken:
                    await asyncio.sleep(0.01)
                seen_before_the_last.append(len(taken))
            yield bytes(65536)

    asyncio.run(passing_on.put(f"{address}/200", 200 * 65536, slowly()))
    assert seen_before_the_last[0] > 0
    assert sum(taken) == 200 * 65536


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, MultipartMissingError),
        (403, ObjectsUnavailableError),
        (500, ObjectsUnavailableError),
        (503, ObjectsUnavailableError),
    ],
)
def test_what_a_store_refuses_has_a_name(
    store: tuple[str, list[int]], status: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        asyncio.run(passing_on.put(f"{store[0]}/{status}", 65536, pieces(1)))


def test_a_store_that_is_away_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/200"
        with pytest.raises(ObjectsUnavailableError):
            asyncio.run(passing_on.put(address, 65536, pieces(1)))


def test_what_the_sender_does_wrong_is_told_as_it_is(store: tuple[str, list[int]]) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(10)
        raise KeyError("the sender's own")

    with pytest.raises(KeyError, match="the sender's own"):
        asyncio.run(passing_on.put(f"{store[0]}/200", 65536, broken()))
