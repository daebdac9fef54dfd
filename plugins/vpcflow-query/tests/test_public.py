"""Every form of "public" says the same."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import duckdb
import pytest
from vpcflow_query.public import NOT_PUBLIC, is_public, public_blocks, public_sql


def _edges() -> Iterator[str]:
    """The first and last address of each block, and their neighbours outside."""
    for block in map(ipaddress.ip_network, NOT_PUBLIC):
        if isinstance(block, ipaddress.IPv4Network):
            for number in (int(block[0]) - 1, int(block[0]), int(block[-1]), int(block[-1]) + 1):
                if 0 <= number < 2**32:
                    yield str(ipaddress.IPv4Address(number))
    yield from ("2001:db8::1", "2a05:d018::1", "fd00::1", "fe80::1", "ff02::1", "::1")


@pytest.mark.parametrize("address", dict.fromkeys(_edges()))
def test_sql_python_and_blocks_agree(address: str) -> None:
    found = ipaddress.ip_address(address)
    special = [b for b in map(ipaddress.ip_network, NOT_PUBLIC) if b.version == found.version]
    expected = not any(found in block for block in special)
    assert is_public(address) is expected
    row = duckdb.execute(f"SELECT {public_sql('a')} FROM (SELECT ? AS a)", [address]).fetchone()
    assert row == (expected,)
    blocks = [b for b in public_blocks() if b.version == found.version]
    assert any(found in block for block in blocks) is expected


def test_what_is_no_address_is_not_public() -> None:
    assert not is_public("-")
