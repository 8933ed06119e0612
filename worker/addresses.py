"""Which addresses webhooks may go to: the networks that are denied, and what an address may look like.

The list is that of stripe/smokescreen, completed from IANA's special-purpose address registries.
"""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DENIED: Final[dict[Network, str]] = {
    ipaddress.ip_network(network): what
    for network, what in (
        # among public addresses, but answered by the cloud's own host (Azure); the other clouds' are link-local,
        # shared or private
        ("168.63.129.16/32", "a metadata service"),
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared behind a carrier's NAT"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a relay of 6to4"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4 inside IPv6"),
        ("::ffff:0:0/96", "IPv4 inside IPv6"),
        ("::ffff:0:0:0/96", "IPv4 inside IPv6"),
        ("64:ff9b::/96", "IPv4 behind NAT64"),
        ("64:ff9b:1::/48", "IPv4 behind NAT64"),
        ("100::/64", "a black hole"),
        ("2001::/32", "a Teredo tunnel"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "a 6to4 tunnel"),
        ("3fff::/20", "for documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
}

# All of IPv6 that is given to the internet so far; the rest of its space is nobody's.
GLOBAL_UNICAST: Final = IPv6Network("2000::/3")

# Names of the machine itself (RFC 6761), whatever a resolver says of them.
LOOPBACK_NAMES: Final = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})

# Below the first, only the web's own ports; above, all but those that browsers refuse to speak HTTP to
# (https://fetch.spec.whatwg.org/#port-blocking), since what listens there may take a request for its own language.
FIRST_FREE_PORT: Final = 1024
WEB_PORTS: Final = frozenset({80, 443})
BLOCKED_PORTS: Final = frozenset(
    {
        1719,
        1720,
        1723,
        2049,
        3659,
        4045,
        4190,
        5060,
        5061,
        6000,
        6566,
        6665,
        6666,
        6667,
        6668,
        6669,
        6679,
        6697,
    }
    | {10080}
)


def literal(host: str) -> Address | None:
    """The address that a host is by itself, in any spelling that a resolver would take for one; None for a name.

    Besides `127.0.0.1` and `::1` those are C's: `2130706433`, `0x7f000001`, `0177.0.0.1`, `127.1`.
    """
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        # it stops at white space, which no host has
        return IPv4Address(socket.inet_aton(host.rstrip("."))) if host.split() == [host] else None
    except (OSError, UnicodeError):
        return None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its address or by one of its own names."""
    address = literal(host)
    return address.is_loopback if address else host in LOOPBACK_NAMES


@dataclass(frozen=True)
class Policy:
    """Which receivers this installation sends webhooks to: by itself, only https and only the public internet."""

    allow_http: bool = False
    allowed: Sequence[Network] = ()
    """Networks that may be reached though they are denied, such as a company's own."""
    denied: Sequence[Network] = ()
    """Networks that may not be reached though they are public."""

    @classmethod
    def of(cls, *, allow_http: bool, allowed: str, denied: str) -> Self:
        """The policy of settings: networks with commas between them. ValueError where one is none."""
        return cls(allow_http, networks(allowed), networks(denied))

    def denial(self, address: Address) -> str | None:
        """What kind of address this is, if nothing may be sent to it; None if it may."""
        if isinstance(address, IPv6Address) and address.scope_id:
            return "link-local"
        if _within(address, self.denied):
            return "denied by this service"
        if _within(address, self.allowed):
            return None
        for network, what in DENIED.items():
            if address.version == network.version and address in network:
                return what
        if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST:
            return "not on the public internet"
        return None

    def objection(self, url: str) -> str | None:
        """What is wrong with a receiver's URL as it is written, in a sentence; None if nothing shows yet.

        Where a name leads is only known when it is resolved, right before something is sent there.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "it is not a valid address"
        return self._scheme_objection(parts) or _port_objection(port) or self._host_objection(parts)

    def _scheme_objection(self, parts: SplitResult) -> str | None:
        if parts.scheme == "https" or (parts.scheme == "http" and self.allow_http):
            return None
        return "it must begin with https://, so that nobody on the way reads or changes what is sent"

    def _host_objection(self, parts: SplitResult) -> str | None:
        if parts.username is not None or parts.password is not None:
            return "a user name or password in the address is not allowed"
        host = (parts.hostname or "").rstrip(".")
        if not host:
            return "it names no host"
        if host in LOOPBACK_NAMES or host.endswith(".localhost"):
            address: Address | None = IPv4Address("127.0.0.1")
        else:
            address = literal(host)
        what = self.denial(address) if address else None
        return f"webhooks are not sent to {host} ({what}); give a public address" if what else None


def networks(text: str) -> tuple[Network, ...]:
    """Networks written with commas between them; ValueError where one is none."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def _within(address: Address, wanted: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in wanted)


def _port_objection(port: int | None) -> str | None:
    if port is None or port in WEB_PORTS or (port >= FIRST_FREE_PORT and port not in BLOCKED_PORTS):
        return None
    return f"port {port} is not one for webhooks; use 443, or one from {FIRST_FREE_PORT} upwards"
