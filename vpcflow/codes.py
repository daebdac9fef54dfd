"""Codes of key columns: each value of a column has a number, the same for all enrichers of a run.

Several enrichers ask about the same addresses. So a batch's column is hashed once (`ColumnCodes`),
and what each enricher keeps (`Numbers` for keys of one column, `Pairs` for more) goes by the codes.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vpcflow import _native

if TYPE_CHECKING:
    from typing_extensions import CapsuleType

_MOST_CODES = 1 << 20


class ColumnCodes:
    """For the batches of one run, one after the other.

    epoch: counts how often codes were given anew; what goes by older ones must be recoded with
    `kept`, the former codes of those that stayed.
    """

    def __init__(self, most: int = _MOST_CODES) -> None:
        self._most = most
        self._texts = _native.keys(secrets.randbits(64))
        self._integers = _native.keys(secrets.randbits(64))
        self._of_batch: dict[str, bytes] = {}
        self.epoch = 0
        self.kept = b""

    def begin(self) -> None:
        """Another batch follows."""
        self._of_batch.clear()
        if _native.key_count(self._texts) > self._most:
            self.kept = _native.forget(self._texts)
            self.epoch += 1
        if _native.key_count(self._integers) > self._most:  # counters, which hardly come again
            self._integers = _native.keys(secrets.randbits(64))
            self.epoch += 2  # there is no way from the former codes to new ones

    @property
    def most(self) -> int:
        """So many codes are kept, and may be pairs of codes."""
        return self._most

    def of(self, batch: pa.RecordBatch, name: str) -> bytes:
        """The codes of a column: int32, -1 for null. Text and integer columns have codes of their
        own, which must not be mixed."""
        codes = self._of_batch.get(name)
        if codes is None:
            column = batch.column(name)
            codes, _ = _native.encode(
                self._texts if is_text(column.type) else self._integers, handle_of(column)
            )
            self._of_batch[name] = codes
        return codes


class Numbers:
    """One enricher's keys of one column, numbered without gaps."""

    def __init__(self, column_codes: ColumnCodes, *, text: bool) -> None:
        self._column_codes = column_codes
        self._text = text
        self._numbers = _native.numbers()
        self._epoch = column_codes.epoch

    @property
    def stale(self) -> bool:
        """Whether codes were given anew more than once since: all numbers are void then."""
        return self._epoch + 1 < self._column_codes.epoch

    def find(self, codes: Sequence[bytes]) -> tuple[bytes, bytes]:
        """Numbers by row, and the rows of new ones."""
        if self._epoch != self._column_codes.epoch:
            if self._text:  # integers keep their codes
                _native.recode(self._numbers, self._column_codes.kept)
            self._epoch = self._column_codes.epoch
        return _native.find(self._numbers, codes[0])

    def __len__(self) -> int:
        return _native.key_count(self._numbers)

    def forget(self) -> bytes:
        """Half of them; the former numbers of those that stay."""
        return _native.forget(self._numbers)


class Pairs:
    """One enricher's keys of several columns: pairs of codes, pairs of these and codes, ..."""

    def __init__(self, column_codes: ColumnCodes, columns: int) -> None:
        self._column_codes = column_codes
        self._levels = [_native.keys(secrets.randbits(64)) for _ in range(columns - 1)]
        self._epoch = column_codes.epoch

    @property
    def stale(self) -> bool:
        """Whether codes were given anew since: all numbers are void then. So they are, too, when
        there are too many pairs that longer keys begin with: `forget` forgets whole keys only."""
        most = self._column_codes.most
        return self._epoch != self._column_codes.epoch or any(
            _native.key_count(level) > most for level in self._levels[:-1]
        )

    def find(self, codes: Sequence[bytes]) -> tuple[bytes, bytes]:
        found, new = codes[0], b""
        for level, column in zip(self._levels, codes[1:], strict=True):
            found, new = _native.pair(level, found, column)
        return found, new

    def __len__(self) -> int:
        return _native.key_count(self._levels[-1])

    def forget(self) -> bytes:
        return _native.forget(self._levels[-1])


def handle_of(column: pa.Array) -> CapsuleType:
    """The kernel's handle for one column."""
    batch = pa.RecordBatch.from_arrays([column], names=["key"])
    return _native.import_batch(*batch.__arrow_c_array__())


def is_text(type_: pa.DataType) -> bool:
    plain = type_.value_type if pa.types.is_dictionary(type_) else type_
    return bool(
        pa.types.is_string(plain)
        or pa.types.is_string_view(plain)
        or pa.types.is_large_string(plain)
    )


def rows_of(rows: bytes) -> pa.Array:
    """Row numbers from the kernel as an Arrow array."""
    return pa.Array.from_buffers(pa.int32(), len(rows) // 4, [None, pa.py_buffer(rows)])


def can_be_key(type_: pa.DataType) -> bool:
    """Whether values of a type have codes: texts, integers, times."""
    plain = pa.types.is_integer(type_) or pa.types.is_timestamp(type_)
    return bool(plain or is_text(type_))


def values_at(column: pa.Array, rows: bytes) -> list[Any]:
    """The values in those rows as Python objects."""
    if pa.types.is_timestamp(column.type):
        return list(column.take(rows_of(rows)).to_pylist())
    return _native.values_at(handle_of(column), rows)
