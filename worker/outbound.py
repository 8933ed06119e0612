"""Connections to strangers' receivers: to checked addresses only, in a given time, for so many bytes."""

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, Final

import httpcore
import structlog

from worker.addresses import Address, Policy
from worker.errors import AddressDeniedError

log = structlog.get_logger(__name__)

Resolver = Callable[[str, int], Sequence[str]]

# An answer's headers are a few hundred bytes, and its body is not read.
MOST_ANSWER_BYTES: Final = 128 * 1024


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the system's resolver gives them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Deadline:
    """A point in time by which everything must be done."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self, timeout: float | None = None) -> float:
        """Seconds left, at most `timeout` of them; httpcore's ReadTimeout where there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the receiver did not answer in time")
        return left if timeout is None else min(left, timeout)


@dataclass
class CheckedBackend(httpcore.NetworkBackend):
    """Resolves a name once, refuses it if any of its addresses is denied, and connects to what it has checked.

    httpcore goes on to send the name as Host and to check the certificate against it. A name that leads elsewhere a
    moment later (DNS rebinding) changes nothing: it is not asked again.
    """

    policy: Policy
    deadline: Deadline
    resolver: Resolver
    internet: httpcore.NetworkBackend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._checked(host, port)
        for place, address in enumerate(addresses, start=1):
            # an address that swallows what is sent to it leaves time for the others
            share = self.deadline.left(timeout) / (len(addresses) - place + 1)
            try:
                stream = self.internet.connect_tcp(str(address), port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if place == len(addresses):
                    raise
            else:
                return BoundedStream(stream, self.deadline, MOST_ANSWER_BYTES)
        raise httpcore.ConnectError(f"{host} has no address")

    def _checked(self, host: str, port: int) -> list[Address]:
        addresses = [
            ipaddress.ip_address(found) for found in _within(self.deadline, self.resolver, host, port)
        ]
        for address in addresses:
            what = self.policy.denial(address) or self._own(address)
            if what:
                # the log may say which: whoever reads the delivery must not learn of a network's inside
                log.warning("address denied", host=host, address=str(address), kind=what)
                raise AddressDeniedError(host)
        return addresses

    def _own(self, address: Address) -> str | None:
        """This machine reaches its own addresses from themselves, public ones too."""
        if any(address.version == net.version and address in net for net in self.policy.allowed):
            return None
        family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((str(address), 9))  # sends nothing: a datagram socket only chooses its route
                return "this machine's own" if probe.getsockname()[0] == str(address) else None
        except OSError:
            return None  # no route there at all, as connecting will find


class BoundedStream(httpcore.NetworkStream):
    """A connection that ends with its deadline, however slowly it drips, and after so many bytes."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline, bytes_left: int) -> None:
        self._stream = stream
        self._deadline = deadline
        self._bytes_left = bytes_left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._bytes_left <= 0:
            raise httpcore.RemoteProtocolError("the receiver's answer is too long")
        data = self._stream.read(max_bytes, self._deadline.left(timeout))
        self._bytes_left -= len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # not by the stream's own write, which gives each part that is taken from it the whole time-out again
        connection: socket.socket = self.get_extra_info("socket")
        try:
            while buffer:
                connection.settimeout(self._deadline.left(timeout))
                buffer = buffer[connection.send(buffer) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout("the receiver did not take the request in time") from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return BoundedStream(stream, self._deadline, self._bytes_left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _within(deadline: Deadline, resolver: Resolver, host: str, port: int) -> Sequence[str]:
    """The resolver's answer; it cannot be interrupted, so one that takes too long is left to end by itself."""
    answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolver(host, port))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except queue.Empty as error:
        raise httpcore.ConnectTimeout(f"{host} could not be looked up in time") from error
    if isinstance(answer, Exception) or not answer:
        # in the words of a denied address: whoever reads the delivery must not learn which names there are inside
        log.warning("name not looked up", host=host, reason=str(answer))
        raise AddressDeniedError(host)
    return answer
