"""The API behind a real server in this process, for what happens on the connection itself."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from api.connections import Connection
from api.main import create_app
from tests.api.service import Service

HEAD = (
    "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n{key}"
    "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
)
FIRST_PART = b'--x\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'


class Impatient(Connection):
    """One that waits no longer than a test does."""

    head_seconds = 0.5
    stall_seconds = 1.0


@contextmanager
def listening(service: Service) -> Iterator[int]:
    """The port of a server that answers while inside."""
    config = uvicorn.Config(create_app(service.services), port=0, log_level="critical", http=Impatient)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def begin(port: int, key: str = "") -> socket.socket:
    """A submission whose body has begun, and no more of it."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(HEAD.format(key=f"Authorization: Bearer {key}\r\n" if key else "").encode())
    connection.sendall(chunk(FIRST_PART + b"abc"))
    return connection


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and whole answer, once the server closes; status 0 where it closed without a word."""
    said = b""
    try:
        while data := connection.recv(65536):
            said += data
    except ConnectionResetError:
        pass
    return (int(said.split(b" ", 2)[1]) if said else 0), said
