"""Bodies that never end, that trickle, that come by the hundred; over real connections."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.types import Message

from api.bodies import Pace
from api.uploads import FORM_BYTES
from storage import api_keys
from storage.database import Database
from tests.api.live import HEAD, answer, begin, chunk, listening
from tests.api.service import Service, problem
from tests.api.test_keys import bearer
from tests.worker.clips import box_mask


@pytest.fixture
def database_kind() -> str:
    """What happens on a connection is the same on every database."""
    return "sqlite"


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_body_that_pauses_is_cut_off_and_leaves_nothing(make_service: Callable[..., Service]) -> None:
    service = make_service(body_patience_seconds=0.5)
    with listening(service) as port, begin(port) as connection:
        status, said = answer(connection)
        assert status == 408
        assert b"body_too_slow" in said
        assert b"connection: close" in said.lower()
        wait_until(service.nothing_is_left)


def test_a_body_that_trickles_is_cut_off(make_service: Callable[..., Service]) -> None:
    service = make_service(body_patience_seconds=1, least_bytes_per_second=1000)
    with listening(service) as port, begin(port) as connection:
        for _ in range(100):
            try:
                connection.sendall(chunk(b"z"))
            except OSError:
                break
            time.sleep(0.05)
        else:
            raise AssertionError("it was never cut off")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_only_time_spent_waiting_counts() -> None:
    """A store that is slow to take what came is not the sender's fault."""
    clock = Clock()
    pace = Pace(1000, 10.0, clock)

    async def receive() -> Message:
        clock.now += 4.0
        return {"type": "http.request", "body": b"x" * size, "more_body": True}

    async def run() -> None:
        for _ in range(20):
            await pace.next(receive)
            clock.now += 100.0

    size = 5000
    asyncio.run(run())
    size = 3000
    with pytest.raises(TimeoutError):
        asyncio.run(run())


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/webhook-secret/rotate", "/v1/uploads"])
def test_a_body_that_never_ends_is_refused(make_service: Callable[..., Service], path: str) -> None:
    """Fast, in chunks, with no length to tell it by."""
    service = make_service(max_video_bytes=1024**2, max_masks=1, max_mask_bytes=1000)
    head = HEAD.format(key="").replace("/v1/jobs", path)
    with listening(service) as port, socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.encode())
        sent = 0
        first = b'--x\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
        try:
            connection.sendall(chunk(first))
            while sent < 2000 * 1024**2:
                connection.sendall(chunk(bytes(1024**2)))
                sent += 1024**2
        except OSError:
            pass
        # read on for a while, so that a caller hears why; then cut off
        assert sent < 600 * 1024**2
        wait_until(service.nothing_is_left)


def test_a_stranger_is_refused_before_the_body_is_read(make_service: Callable[..., Service]) -> None:
    service = make_service(host="0.0.0.0")
    with listening(service) as port:
        files = {"video": bytes(20 * 1024**2), "mask": box_mask()}
        refused = httpx.post(f"http://127.0.0.1:{port}/v1/jobs", files=files, timeout=30)
        assert problem(refused) == (401, "api_key_missing")
        head = HEAD.format(key="Expect: 100-continue\r\n").encode()
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(head)
            status, said = answer(connection)
            assert (status, b"100 Continue" in said) == (401, False)


@pytest.mark.parametrize("path", ["/v1/uploads", f"/v1/uploads/upl_{0:032x}/complete", "/v1/jobs"])
def test_no_byte_of_a_strangers_json_is_read(make_service: Callable[..., Service], path: str) -> None:
    service = make_service(host="0.0.0.0")
    json_type = {"Content-Type": "application/json"}
    refused = service.client.post(path, content=b"{bad", headers=json_type)
    assert problem(refused) == (401, "api_key_missing")
    with listening(service) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        head = HEAD.format(key="Expect: 100-continue\r\n").replace("/v1/jobs", path)
        connection.sendall(head.replace("multipart/form-data; boundary=x", "application/json").encode())
        # it would wait for ever for what is not sent
        status, said = answer(connection)
        assert (status, b"100 Continue" in said) == (401, False)


def test_json_may_be_no_longer_than_it_needs(service: Service) -> None:
    long = service.client.post("/v1/uploads", json={"filename": "a" * 20_000, "bytes": 1})
    assert problem(long) == (413, "body_too_large")
    assert problem(service.client.post("/v1/uploads", json={"filename": "a"})) == (422, "request_invalid")
    form = service.client.post("/v1/uploads", content=b'{"filename": "a", "bytes": 1}')
    assert problem(form) == (422, "request_invalid")


def test_an_epilogue_without_end_is_refused(make_service: Callable[..., Service]) -> None:
    """After the form's last part, where nothing counts the files any more."""
    service = make_service(max_video_bytes=1000, max_masks=1, max_mask_bytes=1000)
    form = b'--x\r\nContent-Disposition: form-data; name="options"\r\n\r\n{}\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    body = form + bytes(2 * FORM_BYTES)

    def pieces() -> Iterator[bytes]:
        yield from (body[at : at + 65536] for at in range(0, len(body), 65536))

    refused = service.client.post("/v1/jobs", content=pieces(), headers=headers)
    assert problem(refused) == (413, "body_too_large")


def test_a_head_that_never_ends_is_cut_off(service: Service) -> None:
    with listening(service) as port:
        for said in (b"", b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: "):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(said)
                assert answer(connection) == (0, b"")
        # one that has been served once, and then trickles
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
            connection.sendall(b"\r\n")
            assert answer(connection) == (0, b"")


def test_who_asks_and_reads_nothing_is_cut_off(service: Service) -> None:
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with listening(service) as port, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", port))

        def is_cut_off() -> bool:
            try:
                connection.sendall(asked)
            except ConnectionError:
                return True
            return False

        wait_until(is_cut_off)


def test_an_answer_is_taken_as_slowly_as_a_poor_line_takes_it(service: Service) -> None:
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with listening(service) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(asked * 200)
        until = time.monotonic() + 3
        while time.monotonic() < until:
            assert connection.recv(20_000)
            time.sleep(0.05)


def test_200_slow_uploads_of_one_owner_do_not_hold_up_another(
    make_service: Callable[..., Service], database: Database
) -> None:
    service = make_service(host="0.0.0.0", max_uploads_at_once=4, body_patience_seconds=2)
    slow, other = (api_keys.create(database, owner)[1] for owner in ("slow", "other"))
    files = {"video": service.clip(), "mask": box_mask()}
    with listening(service) as port:
        connections = [begin(port, slow) for _ in range(200)]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=bearer(other), timeout=30) as client:
            begun = time.monotonic()
            job = client.post("/v1/jobs", files=files)
            assert job.status_code == 202, job.text
            polls: list[float] = []
            while time.monotonic() - begun < 2 or len(polls) < 10:
                at = time.monotonic()
                assert client.get(job.headers["location"]).status_code == 200
                polls.append(time.monotonic() - at)
            assert sorted(polls)[len(polls) // 2] < 1, polls
        statuses = []
        for connection in connections:
            statuses.append(answer(connection)[0])
            connection.close()
    # none was left waiting; four at once were received, and cut off for their slowness
    assert set(statuses) == {408, 429}
    assert statuses.count(429) > 150
    left = [found.key for found in service.services.objects.list("uploads")]
    assert {key.split("/")[1] for key in left} == {job.json()["id"]}
