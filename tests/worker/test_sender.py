"""Attacks by receivers and by their names, over real connections to loopback."""

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpcore
import pytest

from tests.certificate import certificate
from tests.receiver import Receiver, receiving
from tests.stranger import request_of, stranger
from worker.addresses import Policy
from worker.outbound import Resolver
from worker.sender import Answer, Sender

PUBLIC = "93.184.216.34"
NAME = "hooks.example"
HTTP = Policy(allow_http=True)
TRUSTED = ssl.create_default_context()
# A busy machine may take its time, but not as long as these receivers do.
SOON_SECONDS = 10
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@dataclass
class Lane(httpcore.NetworkBackend):
    """Stands for the internet: notes which address is called, and connects to loopback."""

    called: list[str] = field(default_factory=list)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.called.append(host)
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", port, timeout)


def polite(caller: socket.socket) -> None:
    request_of(caller)
    caller.sendall(OK)


def says(*answers: Sequence[str]) -> Resolver:
    """A resolver that gives these answers, in turn, then the last for ever."""
    left = list(answers)
    return lambda _host, _port: left.pop(0) if len(left) > 1 else left[0]


def post(port: int, *, seconds: float = 5, name: str = NAME, scheme: str = "http", **how: Any) -> Answer:
    usual: dict[str, Any] = {"policy": HTTP, "resolver": says([PUBLIC]), "internet": Lane()}
    usual |= {"certificates": TRUSTED, "timeout_seconds": seconds}
    return Sender(**usual | how).post(f"{scheme}://{name}:{port}/hook", "{}", {"x": "y"})


def test_the_name_is_the_host_and_its_address_the_one_connected_to() -> None:
    lane = Lane()
    with receiving(Receiver()) as receiver:
        port = int(receiver.url.split(":")[2].split("/")[0])
        answer = post(port, internet=lane)
    assert answer == Answer(200)
    assert lane.called == [PUBLIC]
    assert receiver.received[0].headers["host"] == f"{NAME}:{port}"
    assert receiver.received[0].body == b"{}"


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%eth0"],
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
        [PUBLIC, "2606:4700::1", "fd00::1"],
    ],
)
def test_a_name_with_any_denied_address_is_not_connected_to(addresses: list[str]) -> None:
    lane = Lane()
    answer = post(8080, resolver=says(addresses), internet=lane)
    assert lane.called == []
    assert answer.status_code is None
    assert (answer.error or "").startswith("address_denied: ")


def test_a_denial_does_not_tell_which_address_an_inner_name_has() -> None:
    answer = post(8080, resolver=says(["10.3.2.1"]))
    assert "10.3.2.1" not in (answer.error or "")


def test_an_inner_name_cannot_be_told_from_none() -> None:
    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    errors = {post(8080, resolver=resolver).error for resolver in (says(["10.3.2.1"]), says([]), unknown)}
    assert len(errors) == 1
    assert (errors.pop() or "").startswith("address_denied: ")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]"]
)
def test_a_denied_literal_is_not_connected_to_by_the_systems_own_resolver(host: str) -> None:
    with receiving(Receiver()) as receiver:
        url = receiver.url.replace("127.0.0.1", host)
        answer = Sender(HTTP, certificates=TRUSTED).post(url, "{}", {})
    assert receiver.received == []
    assert (answer.error or "").startswith("address_denied: ")


def test_the_systems_resolver_is_refused_where_it_leads_to_this_machine() -> None:
    """A policy blind to what is written stands for a name, which only resolving tells."""

    class Blind(Policy):
        def objection(self, url: str) -> None:
            """See nothing."""

    with receiving(Receiver()) as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        answer = Sender(Blind(allow_http=True), certificates=TRUSTED).post(url, "{}", {})
    assert receiver.received == []
    assert (answer.error or "").startswith("address_denied: ")


def test_a_name_that_leads_elsewhere_a_moment_later_gains_nothing() -> None:
    lane, asked = Lane(), []

    def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    with stranger(polite) as port:
        assert post(port, resolver=rebinding, internet=lane).accepted
    assert asked == [NAME]
    assert lane.called == [PUBLIC]


def test_the_next_attempt_looks_again() -> None:
    resolver = says([PUBLIC], ["127.0.0.1"])
    with receiving(Receiver()) as receiver:
        port = int(receiver.url.split(":")[2].split("/")[0])
        assert post(port, resolver=resolver).accepted
        assert "address_denied" in (post(port, resolver=resolver).error or "")
    assert len(receiver.received) == 1


def test_this_machines_own_public_address_is_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback stands for it: an address that this machine reaches from itself, denied by no list."""
    monkeypatch.setattr("worker.addresses.DENIED", {})
    lane = Lane()
    answer = post(8080, resolver=says(["127.0.0.1"]), internet=lane)
    assert lane.called == []
    assert "address_denied" in (answer.error or "")


def test_an_allowed_network_is_reached() -> None:
    policy = Policy.of(allow_http=True, allowed="127.0.0.0/8", denied="")
    with receiving(Receiver()) as receiver:
        assert Sender(policy, certificates=TRUSTED).post(receiver.url, "{}", {}).accepted


def test_without_being_allowed_http_is_not_spoken() -> None:
    lane = Lane()
    answer = post(8080, policy=Policy(), internet=lane)
    assert lane.called == []
    assert "https://" in (answer.error or "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_private_address_is_not_followed(status: int) -> None:
    lane = Lane()
    with receiving(Receiver()) as inside:
        headers = {"location": inside.url}
        with receiving(Receiver(answers=[status], headers=headers)) as receiver:
            port = int(receiver.url.split(":")[2].split("/")[0])
            answer = post(port, internet=lane)
    assert inside.received == []
    assert lane.called == [PUBLIC]
    assert answer.status_code == status
    assert not answer.accepted
    assert "redirects are not followed" in (answer.error or "")


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(Receiver()) as proxy, receiving(Receiver()) as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/hook"))
        assert post(int(receiver.url.split(":")[2].split("/")[0])).accepted
    assert proxy.received == []
    assert len(receiver.received) == 1


def drip(head: bytes) -> Any:
    """A receiver that sends this, and then a byte at a time for as long as somebody listens."""

    def manners(caller: socket.socket) -> None:
        request_of(caller)
        caller.sendall(head)
        for _ in range(300):
            caller.sendall(b"x")
            time.sleep(0.05)

    return manners


def silent(_caller: socket.socket) -> None:
    time.sleep(15)


@pytest.mark.parametrize("manners", [drip(b"HTTP/1.1 200 OK\r\nx-slow: "), drip(b""), silent])
def test_a_receiver_that_drips_or_says_nothing_ends_with_the_time(manners: Any) -> None:
    began = time.monotonic()
    with stranger(manners) as port:
        answer = post(port, seconds=0.5)
    assert answer.status_code is None
    assert "Error" in (answer.error or "") or "Timeout" in (answer.error or "")
    assert 0.4 < time.monotonic() - began < SOON_SECONDS


def test_a_receiver_that_takes_the_request_a_byte_at_a_time_ends_with_the_time() -> None:
    def sips(caller: socket.socket) -> None:
        for _ in range(300):
            caller.recv(1)
            time.sleep(0.05)

    sender = Sender(HTTP, 0.5, says([PUBLIC]), Lane(), TRUSTED)
    began = time.monotonic()
    with stranger(sips) as port:
        answer = sender.post(f"http://{NAME}:{port}/hook", "x" * 30_000_000, {})
    assert answer.status_code is None
    assert time.monotonic() - began < SOON_SECONDS


def test_a_resolver_that_takes_too_long_is_not_waited_for() -> None:
    release = threading.Event()

    def slow(_host: str, _port: int) -> Sequence[str]:
        release.wait(30)
        return [PUBLIC]

    began = time.monotonic()
    answer = post(8080, seconds=0.3, resolver=slow)
    release.set()
    assert "could not be looked up in time" in (answer.error or "")
    assert time.monotonic() - began < SOON_SECONDS


def test_a_body_is_not_read_however_long_it_is() -> None:
    sent = []

    def pours(caller: socket.socket) -> None:
        request_of(caller)
        caller.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n")
        for _ in range(10_000):
            sent.append(caller.send(b"x" * 65536))

    with stranger(pours) as port:
        assert post(port).accepted
    assert sum(sent) < 64 * 1024**2  # what lay in the buffers, not 100 GB


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nx-long: " + b"x" * 1_000_000,
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(100_000)),
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100_000,
    ],
)
def test_headers_without_end_are_not_read_to_their_end(answer: bytes) -> None:
    def pours(caller: socket.socket) -> None:
        request_of(caller)
        caller.sendall(answer)

    with stranger(pours) as port:
        found = post(port)
    assert found.status_code is None
    assert "ProtocolError" in (found.error or "")


def test_an_answer_that_is_not_http_is_a_failure() -> None:
    with stranger(lambda caller: caller.sendall(b"220 mail.example ESMTP\r\n")) as port:
        assert post(port).status_code is None


def test_of_several_addresses_the_next_is_tried() -> None:
    class Broken(Lane):
        def connect_tcp(self, host: str, *rest: Any, **more: Any) -> httpcore.NetworkStream:
            if host == PUBLIC:
                self.called.append(host)
                raise httpcore.ConnectError("nobody there")
            return super().connect_tcp(host, *rest, **more)

    lane = Broken()
    with receiving(Receiver()) as receiver:
        port = int(receiver.url.split(":")[2].split("/")[0])
        assert post(port, resolver=says([PUBLIC, "93.184.216.35"]), internet=lane).accepted
    assert lane.called == [PUBLIC, "93.184.216.35"]


@pytest.mark.parametrize("value", ["9" * 30, "soon", "-5", "1e3"])
def test_a_retry_after_that_is_no_time_is_passed_over(value: str) -> None:
    with receiving(Receiver(answers=[503], headers={"Retry-After": value})) as receiver:
        port = int(receiver.url.split(":")[2].split("/")[0])
        assert post(port) == Answer(503)


@pytest.mark.parametrize(("certified", "accepted"), [(NAME, True), ("other.example", False)])
def test_the_certificate_is_checked_against_the_name_not_the_address(
    tmp_path: Path, certified: str, accepted: bool
) -> None:
    pem, asked = certificate(tmp_path, certified), []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    trusted = ssl.create_default_context(cafile=pem)

    with stranger(polite, tls) as port:
        answer = post(port, scheme="https", policy=Policy(), certificates=trusted)
    assert asked == [NAME]
    assert answer.accepted is accepted
    assert accepted or "certificate" in (answer.error or "").lower()


def test_an_untrusted_certificate_is_refused(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(tmp_path, NAME))
    with stranger(polite, tls) as port:
        answer = post(port, scheme="https", policy=Policy())
    assert "CERTIFICATE_VERIFY_FAILED" in (answer.error or "")
