"""Capsules hold C structures. Functions that look at many addresses release the GIL."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from typing_extensions import CapsuleType

Database: TypeAlias = CapsuleType
Addresses: TypeAlias = CapsuleType
Table: TypeAlias = CapsuleType
Column: TypeAlias = tuple[bytes, bytes | None]
"""Values and validity bits (None: no nulls), laid out as Arrow does."""

SCOPES: tuple[str, ...]

def decode(buffer: Any, begin: int, end: int, offset: int, /) -> Any:
    """The value at an offset of the section `buffer[begin:end]`. Raises ValueError: damaged."""

def open(
    buffer: Any,
    node_count: int,
    record_size: int,
    ip_version: int,
    data_begin: int,
    data_end: int,
    /,
) -> Database:
    """Keeps the buffer. Raises ValueError if it cannot hold such a tree."""

def places(database: Database, nodes: int, /) -> set[int]:
    """Offsets of records in the data section that so many nodes lead to, evenly spread."""

def addresses(texts: Iterable[str | None], /) -> Addresses: ...
def arrow_addresses(schema: CapsuleType, array: CapsuleType, /) -> Addresses:
    """Of a utf8 or large_utf8 array. Raises TypeError for another."""

def scopes(addresses: Addresses, /) -> Column:
    """int32: positions in SCOPES; null: no address."""

def packed(addresses: Addresses, /) -> list[bytes | None]:
    """What the texts were understood as: 4 or 16 bytes; None: no address."""

def table(
    database: Database,
    columns: tuple[tuple[int, bool, tuple[tuple[str, ...], ...]], ...],
    /,
) -> Table:
    """columns: kind (0 text, 1 int64, 2 float64, 3 bool, 4 AS number), strict, and paths: the first
    that a record has fills the column. strict: a value of another type is an error, not null."""

def find(table: Table, addresses: Addresses, skip: int, /) -> bytes:
    """int32 rows of the table, -1 for nothing known. skip: bit n: SCOPES[n] is not looked up.
    Raises ValueError: damaged."""

def rows(table: Table, places: bytes, /) -> bytes:
    """The rows of records at `places` (uint32) of the data section. Raises ValueError: damaged."""

def values(table: Table, column: int, rows: bytes, /) -> Column:
    """Of a text column: int32 positions in its texts."""

def text_count(table: Table, column: int, /) -> int: ...
def texts(table: Table, column: int, /) -> tuple[bytes, bytes]:
    """Offsets (int32) and bytes of all texts of a column so far. Two of them may be equal."""
