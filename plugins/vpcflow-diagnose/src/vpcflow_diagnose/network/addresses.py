"""Addresses and blocks as integers: `ipaddress` is too slow for every conversation of a long log.

An IPv4 address is its number. An IPv6 address is its number with bit 128 set, so that the two
families never meet: no shift of one equals the same shift of the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_pton
from typing import Generic, TypeVar

from attrs import define, field, frozen

T = TypeVar("T")
SIX = 1 << 128


def parse(address: str) -> int | None:
    """The number of an address in text, None if it is none."""
    try:
        if ":" in address:
            return SIX | int.from_bytes(inet_pton(AF_INET6, address), "big")
        return int.from_bytes(inet_pton(AF_INET, address), "big")
    except (OSError, ValueError):  # ValueError: a NUL, or text that is not ASCII
        return None


@lru_cache(maxsize=1 << 16)
def number(address: str) -> int | None:
    """`parse`, remembered: the same addresses are asked about again and again."""
    return parse(address)


@frozen
class Block:
    """A CIDR block. shift: how many bits of an address do not count. head: the bits that do."""

    text: str
    shift: int
    head: int

    @property
    def six(self) -> bool:
        return (self.head << self.shift) >= SIX

    @property
    def length(self) -> int:
        """Of the prefix: 24 for a /24."""
        return (128 if self.six else 32) - self.shift

    @property
    def first(self) -> int:
        return self.head << self.shift

    @property
    def everybody(self) -> bool:
        """0.0.0.0/0 or ::/0."""
        return self.length == 0

    def holds(self, address: int) -> bool:
        return address >> self.shift == self.head


def block(cidr: object) -> Block | None:
    """A block in text; an address alone is a block of one. None for anything else. Bits behind the
    prefix do not count (AWS clears them too)."""
    if not isinstance(cidr, str):
        return None
    address, slash, length = cidr.partition("/")
    first = parse(address)
    if first is None or (slash and not (length.isascii() and length.isdigit() and len(length) < 4)):
        return None
    bits = 128 if first >= SIX else 32
    shift = bits - int(length) if slash else 0
    if shift < 0:
        return None
    return Block(cidr, shift, first >> shift)


@define(eq=False)
class PrefixTable(Generic[T]):
    """Values by block; a look-up costs one step for each prefix length in use."""

    _by_shift: dict[int, dict[int, T]] = field(factory=dict)
    _shifts: list[int] = field(factory=list)

    def setdefault(self, of: Block, value: T) -> T:
        """The value of a block: the first one that was given stays."""
        found = self._by_shift.get(of.shift)
        if found is None:
            found = self._by_shift[of.shift] = {}
            self._shifts = sorted(self._by_shift)
        return found.setdefault(of.head, value)

    def matches(self, address: int) -> Iterator[T]:
        """The values of all blocks that hold an address, the longest prefix first."""
        for shift in self._shifts:
            found = self._by_shift[shift].get(address >> shift)
            if found is not None:
                yield found

    def longest(self, address: int) -> T | None:
        return next(self.matches(address), None)

    def __bool__(self) -> bool:
        return bool(self._by_shift)
