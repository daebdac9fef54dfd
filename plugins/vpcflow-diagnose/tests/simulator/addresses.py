"""Addresses and blocks, as numbers: parsed once."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


@lru_cache(maxsize=1 << 15)
def number(address: str) -> tuple[int, int]:
    """Version and value."""
    parsed = ip_address(address)
    return parsed.version, int(parsed)


@lru_cache(maxsize=1 << 12)
def block(cidr: str) -> tuple[int, int, int, int]:
    """Version, first value, last value, prefix length."""
    parsed = ip_network(cidr)
    return (
        parsed.version,
        int(parsed.network_address),
        int(parsed.broadcast_address),
        parsed.prefixlen,
    )


def within(address: str, cidr: str) -> bool:
    version, value = number(address)
    other, first, last, _ = block(cidr)
    return version == other and first <= value <= last


def is_six(address: str) -> bool:
    return ":" in address


@lru_cache(maxsize=1 << 12)
def is_private(address: str) -> bool:
    """RFC 1918, RFC 6598 and unique local addresses: what an internet gateway does not carry."""
    blocks = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
    return any(within(address, cidr) for cidr in blocks)


def host(cidr: str, offset: int) -> str:
    """The address `offset` after the first of a block."""
    version, first, _, _ = block(cidr)
    return str(IPv4Address(first + offset) if version == 4 else IPv6Address(first + offset))


def single(address: str) -> str:
    """The block that holds one address."""
    return f"{address}/{128 if is_six(address) else 32}"


def everywhere_of(address: str) -> str:
    return "::/0" if is_six(address) else "0.0.0.0/0"
