"""Which addresses are denied, in every spelling."""

import ipaddress

import pytest

from worker.addresses import DENIED, Policy, literal

POLICY = Policy()

DENIED_ADDRESSES = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",  # Alibaba's metadata
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # Azure's
    "169.254.169.254",  # everybody else's
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",  # Oracle's
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # Amazon's metadata
    "fd20:ce::254",  # Google's
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]

PUBLIC_ADDRESSES = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "2001:4860:4860::8888",
]


@pytest.mark.parametrize("address", DENIED_ADDRESSES)
def test_an_address_that_is_not_public_is_denied(address: str) -> None:
    assert POLICY.denial(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_public_address_is_not(address: str) -> None:
    assert POLICY.denial(ipaddress.ip_address(address)) is None


def test_both_ends_of_every_denied_network_are_denied() -> None:
    for network in DENIED:
        assert POLICY.denial(network[0])
        assert POLICY.denial(network[-1])


def test_an_operator_may_allow_a_network_of_their_own() -> None:
    policy = Policy.of(allow_http=False, allowed="10.1.0.0/16, fd00:1::/64", denied="")
    assert policy.denial(ipaddress.ip_address("10.1.2.3")) is None
    assert policy.denial(ipaddress.ip_address("fd00:1::5")) is None
    assert policy.denial(ipaddress.ip_address("10.2.0.1")) == "private"
    assert policy.denial(ipaddress.ip_address("::ffff:10.1.2.3"))


def test_an_operator_may_deny_a_public_network_and_that_wins() -> None:
    policy = Policy.of(allow_http=False, allowed="8.0.0.0/8", denied="8.8.0.0/16")
    assert policy.denial(ipaddress.ip_address("8.8.8.8"))
    assert policy.denial(ipaddress.ip_address("8.9.8.8")) is None


@pytest.mark.parametrize("network", ["10.1.0.1/16", "example.com", "10.0.0.0/33"])
def test_a_network_that_is_none_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Policy.of(allow_http=False, allowed=network, denied="")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7F.1",
        "0177.0.0.1",
        "0x7f.0.0.0x1",
        "127.0.0.1.",
    ],
)
def test_every_spelling_of_loopback_is_understood(host: str) -> None:
    assert literal(host) == ipaddress.ip_address("127.0.0.1")


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1.example.com", "0x7f", "a b", "127.0.0.1 x", "", "1.2.3.4.5"]
)
def test_a_name_is_no_address(host: str) -> None:
    found = literal(host)
    assert found is None or POLICY.denial(found)  # 0x7f is 0.0.0.127


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "hooks.localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "10.0.0.1",
        "169.254.169.254",
        "2852039166",  # 169.254.169.254
        "0xa9fea9fe",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00:ec2::254]",
    ],
)
def test_a_url_of_a_denied_address_is_refused_in_every_spelling(host: str) -> None:
    assert "webhooks are not sent to" in (POLICY.objection(f"https://{host}/hook") or "")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/hook", "https://"),
        ("ftp://example.com/hook", "https://"),
        ("file:///etc/passwd", "https://"),
        ("https://me:secret@example.com/hook", "user name"),
        ("https://@example.com/hook", "user name"),
        ("https:///hook", "no host"),
        ("https://example.com:22/hook", "port 22"),
        ("https://example.com:25/hook", "port 25"),
        ("https://example.com:0/hook", "port 0"),
        ("https://example.com:6667/hook", "port 6667"),
        ("https://example.com:99999/hook", "not a valid address"),
        ("https://[::1/hook", "not a valid address"),
    ],
)
def test_a_url_that_is_none_for_webhooks_is_refused(url: str, said: str) -> None:
    assert said in (POLICY.objection(url) or "")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "https://example.com:443/",
        "https://example.com:8443/hook?a=b",
        "https://xn--bcher-kva.example/hook",
        "https://1.1.1.1/hook",
        "https://[2606:4700:4700::1111]/hook",
        "https://127.0.0.1.example.com/",  # only resolving it tells
    ],
)
def test_other_urls_are_looked_at_when_something_is_sent(url: str) -> None:
    assert POLICY.objection(url) is None


def test_http_is_for_those_who_allow_it() -> None:
    assert Policy(allow_http=True).objection("http://example.com/hook") is None
