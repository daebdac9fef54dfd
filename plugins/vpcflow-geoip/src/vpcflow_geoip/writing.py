"""Writing MaxMind DB files: for tests and benchmarks, and for databases of your own networks.

    write_database("sites.mmdb", {"10.1.0.0/16": {"site": "Hamburg"}}, database_type="Sites")

Format: https://maxmind.github.io/MaxMind-DB/ version 2.0. Values that occur more than once are
stored once and pointed to, as MaxMind's own writer does.
"""

from __future__ import annotations

import ipaddress
import os
import struct
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

Network = tuple[int, int, int]
"""IP version (4, 6), first address as a number, prefix length."""

_MARKER = b"\xab\xcd\xefMaxMind.com"
_UINT16, _UINT32, _INT32, _UINT64, _UINT128 = 5, 6, 8, 9, 10


def write_database(
    path: str | os.PathLike[str],
    networks: Mapping[str, Any] | Iterable[tuple[Network, Any]],
    *,
    database_type: str,
    languages: Iterable[str] = ("en",),
    description: str = "",
    ip_version: int = 6,
    record_size: int | None = None,
    build_epoch: int = 1_767_225_600,
) -> None:
    """networks: texts or `Network`s, none inside of another, and their records (dicts of dict,
    list, str, bytes, bool, float, int). record_size: 24, 28 or 32 bits; the smallest that fits if
    None.

    Raises ValueError for networks that overlap or do not fit ip_version, and for a record_size that
    is too small.
    """
    data = _Data()
    tree = _Tree(128 if ip_version == 6 else 32)
    given = _parsed(networks) if isinstance(networks, Mapping) else networks
    placed = sorted(
        (_top_bits(network, tree.bits), data.place(record)) for network, record in given
    )
    for (address, length), place in placed:
        tree.add(address, length, place)
    nodes, size = tree.packed(len(data.written), record_size)
    metadata = {
        "binary_format_major_version": _uint(2, _UINT16),
        "binary_format_minor_version": _uint(0, _UINT16),
        "build_epoch": _uint(build_epoch, _UINT64),
        "database_type": encode(database_type),
        "description": encode({"en": description or database_type}),
        "ip_version": _uint(ip_version, _UINT16),
        "languages": encode(list(languages)),
        "node_count": _uint(len(tree), _UINT32),
        "record_size": _uint(size, _UINT16),
    }
    said = _header(7, len(metadata)) + b"".join(encode(k) + v for k, v in metadata.items())
    Path(path).write_bytes(nodes + bytes(16) + data.written + _MARKER + said)


def _parsed(networks: Mapping[str, Any]) -> Iterable[tuple[Network, Any]]:
    for text, value in networks.items():
        network = ipaddress.ip_network(text)
        yield (network.version, int(network.network_address), network.prefixlen), value


def _top_bits(network: Network, bits: int) -> tuple[int, int]:
    """Address and length in the tree: IPv4 networks stand at ::/96 of an IPv6 tree."""
    version, address, length = network
    if version == 6 and bits == 32:
        raise ValueError("an IPv6 network does not fit a database of ip_version=4")
    return address, length + bits - (32 if version == 4 else 128)


# ---- the search tree -----------------------------------------------------------------------------


@define
class _Tree:
    """Records of both sides of each node: number of a node, -1 for nothing, -2 - place for data."""

    bits: int
    left: list[int] = field(factory=lambda: [-1])
    right: list[int] = field(factory=lambda: [-1])
    _path: list[int] = field(factory=lambda: [0])  # nodes on the way to the last network
    _last: tuple[int, int] = (0, -1)

    def __len__(self) -> int:
        return len(self.left)

    def add(self, address: int, length: int, place: int) -> None:
        """Networks come sorted, so each shares its way with the one before, up to some bit."""
        last, last_length = self._last
        shared = self.bits - (address ^ last).bit_length() if last_length >= 0 else 0
        if not 0 < length <= self.bits or (last_length >= 0 and shared >= min(length, last_length)):
            raise ValueError(f"a network of length {length} overlaps another, or is the whole tree")
        if address & ((1 << (self.bits - length)) - 1):
            raise ValueError(f"a network of length {length} has bits behind its length")
        del self._path[shared + 1 :]
        for depth in range(len(self._path) - 1, length - 1):
            self.left.append(-1)
            self.right.append(-1)
            self._set(self._path[depth], address, depth, len(self.left) - 1)
            self._path.append(len(self.left) - 1)
        self._set(self._path[length - 1], address, length - 1, -2 - place)
        self._last = (address, length)

    def _set(self, node: int, address: int, depth: int, record: int) -> None:
        side = self.right if address >> (self.bits - 1 - depth) & 1 else self.left
        side[node] = record

    def packed(self, data_size: int, wanted: int | None) -> tuple[bytes, int]:
        """The tree's bytes, and the record size."""
        count = len(self)
        needed = (count + 16 + data_size).bit_length()
        size = wanted or next(bits for bits in (24, 28, 32, 1 << 30) if bits >= needed)
        if size < needed or size > 32:
            raise ValueError(f"records of {size} bits are too small: {needed} are needed")
        return _interleave(self._words(self.left), self._words(self.right), size), size

    def _words(self, side: list[int]) -> bytes:
        count = len(self)
        numbers = [n if n >= 0 else count if n == -1 else count + 14 - n for n in side]
        words = array("I", numbers)
        words.byteswap()
        return words.tobytes()


def _interleave(left: bytes, right: bytes, size: int) -> bytes:
    """Big-endian words of both sides to nodes (little-endian machines only)."""
    width = size // 4
    nodes = bytearray(len(left) // 4 * width)
    if size == 28:
        for i in range(3):
            nodes[i::7] = left[i + 1 :: 4]
            nodes[4 + i :: 7] = right[i + 1 :: 4]
        high = int.from_bytes(left[0::4]) << 4 | int.from_bytes(right[0::4])
        nodes[3::7] = high.to_bytes(len(left) // 4)
        return bytes(nodes)
    first = 4 - size // 8
    for i in range(size // 8):
        nodes[i::width] = left[first + i :: 4]
        nodes[width // 2 + i :: width] = right[first + i :: 4]
    return bytes(nodes)


# ---- the data section ----------------------------------------------------------------------------


@define
class _Data:
    """Each distinct value once. written: the section so far. _by_id holds the objects too, so that
    their ids stay theirs."""

    written: bytearray = field(factory=bytearray)
    _places: dict[bytes, int] = field(factory=dict)
    _by_id: dict[int, tuple[Any, int]] = field(factory=dict)
    _by_text: dict[str, bytes] = field(factory=dict)

    def place(self, value: Any) -> int:
        """Where a dict or list stands. The same object again is found at once."""
        known = self._by_id.get(id(value))
        if known is None:
            known = self._by_id[id(value)] = (value, self._store(self._encode(value)))
        return known[1]

    def _store(self, encoded: bytes) -> int:
        place = self._places.get(encoded)
        if place is None:
            place = self._places[encoded] = len(self.written)
            self.written += encoded
        return place

    def _encode(self, value: Any) -> bytes:
        if isinstance(value, dict):
            inner = b"".join(self._refer(k) + self._refer(v) for k, v in value.items())
            return _header(7, len(value)) + inner
        if isinstance(value, list):
            return _header(11, len(value)) + b"".join(map(self._refer, value))
        return encode(value)

    def _refer(self, value: Any) -> bytes:
        if isinstance(value, dict | list):
            return _pointer(self.place(value))
        if not isinstance(value, str):
            return self._encode(value)
        known = self._by_text.get(value)
        if known is None:
            encoded = self._encode(value)
            known = encoded if len(encoded) < 5 else _pointer(self._store(encoded))
            self._by_text[value] = known
        return known


def _pointer(place: int) -> bytes:
    for size, base in enumerate((0, 2048, 526336)):
        bits = 11 + 8 * size
        if place - base < 1 << bits:
            word = (0x20 | size << 3) << (8 * (size + 1)) | (place - base)
            return word.to_bytes(size + 2)
    return b"\x38" + place.to_bytes(4)


def _header(kind: int, size: int) -> bytes:
    """Control bytes: type and size."""
    low = size
    more = b""
    for code, base in ((31, 65821), (30, 285), (29, 29)):
        if size >= base:
            low, more = code, (size - base).to_bytes(code - 28)
            break
    return (bytes([kind << 5 | low]) if kind < 8 else bytes([low, kind - 7])) + more


def _uint(number: int, kind: int) -> bytes:
    written = number.to_bytes((number.bit_length() + 7) // 8)
    return _header(kind, len(written)) + written


def encode(value: Any) -> bytes:
    """A value without pointers. Whole numbers are uint32 if they fit; raises TypeError for a type
    that the format does not have."""
    if isinstance(value, dict):
        return _header(7, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())
    if isinstance(value, list):
        return _header(11, len(value)) + b"".join(map(encode, value))
    if isinstance(value, str):
        text = value.encode()
        return _header(2, len(text)) + text
    if isinstance(value, bytes):
        return _header(4, len(value)) + value
    if isinstance(value, bool):
        return _header(14, int(value))
    if isinstance(value, float):
        return _header(3, 8) + struct.pack(">d", value)
    if isinstance(value, int) and value < 0:
        return _header(_INT32, 4) + struct.pack(">i", value)
    if isinstance(value, int):
        kinds = ((32, _UINT32), (64, _UINT64), (128, _UINT128))
        return _uint(value, next(kind for bits, kind in kinds if value < 1 << bits))
    raise TypeError(f"the format has no type for a {type(value).__name__}")
