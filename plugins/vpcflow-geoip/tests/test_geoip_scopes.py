"""Special-purpose ranges: IANA's registries, and where `ipaddress` says the same."""

from __future__ import annotations

import ipaddress
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vpcflow_geoip._native import _core
from vpcflow_geoip.enricher import SCOPES

RANGES = {
    "10.0.0.0/8": "private",
    "172.16.0.0/12": "private",
    "192.168.0.0/16": "private",
    "fc00::/7": "private",
    "fec0::/10": "private",
    "64:ff9b:1::/48": "private",
    "100.64.0.0/10": "shared",
    "127.0.0.0/8": "loopback",
    "::1/128": "loopback",
    "169.254.0.0/16": "link-local",
    "fe80::/10": "link-local",
    "224.0.0.0/4": "multicast",
    "ff00::/8": "multicast",
    "192.0.2.0/24": "documentation",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "2001:db8::/32": "documentation",
    "3fff::/20": "documentation",
    "198.18.0.0/15": "benchmarking",
    "2001:2::/48": "benchmarking",
    "0.0.0.0/8": "reserved",
    "240.0.0.0/4": "reserved",
    "::/128": "reserved",
    "100::/64": "reserved",
    "100:0:0:1::/64": "reserved",
    "5f00::/16": "reserved",
    "2001::/32": "reserved",
    "192.0.0.9/32": "public",
    "192.0.0.10/32": "public",
    "2001:1::1/128": "public",
    "2001:1::3/128": "public",
    "2001:3::/32": "public",
    "2001:4:112::/48": "public",
    "2001:20::/28": "public",
    "2001:30::/28": "public",
    "192.31.196.0/24": "public",
    "192.88.99.0/24": "public",
    "2002::/16": "public",
    "2620:4f:8000::/48": "public",
}


def scopes(texts: list[str]) -> list[str]:
    values, validity = _core.scopes(_core.addresses(texts))
    assert validity is None
    return [SCOPES[n] for n in memoryview(values).cast("i")]


@pytest.mark.parametrize(("text", "scope"), RANGES.items())
def test_both_ends_of_a_range_have_its_scope(text: str, scope: str) -> None:
    network = ipaddress.ip_network(text)
    assert scopes([str(network[0]), str(network[-1])]) == [scope, scope]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("9.255.255.255", "11.0.0.0"),
        ("172.15.255.255", "172.32.0.0"),
        ("192.167.255.255", "192.169.0.0"),
        ("100.63.255.255", "100.128.0.0"),
        ("126.255.255.255", "128.0.0.0"),
        ("169.253.255.255", "169.255.0.0"),
        ("198.17.255.255", "198.20.0.0"),
        ("192.0.1.255", "192.0.3.0"),
        ("203.0.112.255", "203.0.114.0"),
        ("fbff:ffff::", "fe00::"),
        ("2001:db7:ffff::", "2001:db9::"),
        ("3fff:1000::", "2001:200::"),
        ("::2", "64:ff9b:2::"),
    ],
)
def test_neighbours_of_a_range_are_public(before: str, after: str) -> None:
    assert scopes([before, after]) == ["public", "public"]


def test_ipv4_inside_of_ipv6_has_the_scope_of_the_ipv4_address() -> None:
    texts = ["::ffff:10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::169.254.0.1", "64:ff9b::808:808"]
    assert scopes(texts) == ["private", "public", "link-local", "public"]


# ipaddress calls 6to4 and what it wraps private, site-local addresses not, multicast by rules of
# its own, and its list of the others depends on the version of Python
KNOWN_TO_DIFFER = [
    ipaddress.ip_network(text)
    for text in (
        *("2002::/16", "fec0::/10", "ff00::/8", "224.0.0.0/4", "64:ff9b::/96", "::ffff:0:0/96"),
        *("100.64.0.0/10", "192.0.0.0/24", "2001::/23", "3fff::/20", "5f00::/16"),
        *("100:0:0:1::/64", "64:ff9b:1::/48"),
    )
]


def known_to_differ(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in network for network in KNOWN_TO_DIFFER)


@given(st.ip_addresses())
def test_random_addresses_are_public_where_ipaddress_says_so(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if known_to_differ(address):
        return
    (scope,) = scopes([str(address)])
    assert (scope == "public") == (not address.is_private)
    assert (scope == "loopback") == address.is_loopback
    assert (scope == "link-local") == address.is_link_local


def test_many_random_ipv4_addresses_are_public_where_ipaddress_says_so() -> None:
    dice = random.Random(1)
    addresses = [ipaddress.IPv4Address(dice.getrandbits(32)) for _ in range(20_000)]
    agreed = [a for a in addresses if not known_to_differ(a)]
    found = scopes([str(a) for a in agreed])
    assert len(agreed) > 16_000
    assert [s == "public" for s in found] == [not a.is_private for a in agreed]


def test_what_is_no_address_has_no_scope() -> None:
    values, validity = _core.scopes(_core.addresses(["10.0.0.1", "x", None]))
    assert len(values) == 12
    assert validity == b"\x01"
