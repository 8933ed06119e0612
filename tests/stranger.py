"""A receiver on loopback that breaks HTTP's manners: what it does with each connection is the test's to say."""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Manners = Callable[[socket.socket], None]


@contextmanager
def stranger(manners: Manners, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Its port. Connections are handled one after another, and closed."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(60)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = listening.accept()
                with contextlib.suppress(OSError), accepted:
                    accepted.settimeout(20)
                    if tls is None:
                        manners(accepted)
                    else:
                        with tls.wrap_socket(accepted, server_side=True) as secured:
                            manners(secured)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def request_of(connection: socket.socket) -> bytes:
    """The whole request: to close on what was not read would take the answer away again."""
    received = b""
    while True:
        head, separator, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head.lower())
        if separator and len(body) >= int(length[1] if length else 0):
            return received
        part = connection.recv(65536)
        if not part:
            return received
        received += part
