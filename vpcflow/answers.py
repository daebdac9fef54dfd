"""What an enricher has answered, by the number of the key: a table for each column that it adds."""

from __future__ import annotations

import secrets
from functools import cached_property
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from vpcflow import _native
from vpcflow.codes import handle_of, rows_of


class NumberColumn:
    """The number of each row's key, -1 where there is none. raw: as int32."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def __len__(self) -> int:
        return len(self.raw) // 4

    @cached_property
    def indices(self) -> pa.Array:
        """The same as an Arrow array, null for -1."""
        indices = pa.Array.from_buffers(pa.int32(), len(self), [None, pa.py_buffer(self.raw)])
        known = pc.greater_equal(indices, 0)
        return indices if pc.all(known).as_py() else pc.if_else(known, indices, None)


class Answers(Protocol):
    """The answers for one column."""

    def append(self, array: pa.Array) -> None:
        """Those for the next numbers."""
        ...

    def gather(self, numbers: NumberColumn) -> pa.Array:
        """The answer for each row; null for the number -1."""
        ...

    def keep(self, kept: bytes) -> None:
        """Only these numbers stay, and are numbered anew in this order."""
        ...


class RepeatedTexts:
    """dictionary<int32, utf8>: for each key the place of its text among those that occur."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._texts = _native.keys(secrets.randbits(64))
        self._values = pa.array([], pa.utf8())
        self._places = bytearray()

    def append(self, array: pa.Array) -> None:
        places, new = _native.encode(self._texts, handle_of(array))
        self._places += places
        if new:
            self._values = pa.concat_arrays(
                [self._values, array.take(rows_of(new)).cast(pa.utf8())]
            )

    def gather(self, numbers: NumberColumn) -> pa.Array:
        places, validity = _native.gather(numbers.raw, self._places)
        buffers = [None if validity is None else pa.py_buffer(validity), pa.py_buffer(places)]
        indices = pa.Array.from_buffers(pa.int32(), len(numbers), buffers)
        return pa.DictionaryArray.from_arrays(indices, self._values, safe=False)

    def keep(self, kept: bytes) -> None:
        stay = self.gather(NumberColumn(kept)).cast(pa.utf8())
        self._clear()
        self.append(stay)


class Values:
    """Anything else: the values themselves."""

    def __init__(self, type_: pa.DataType) -> None:
        self._values = pa.array([], type_)
        plain = not pa.types.is_boolean(type_) and not pa.types.is_string(type_)
        self._width = type_.bit_width // 8 if plain and type_.bit_width in (32, 64) else None
        self._new: list[pa.Array] = []

    def append(self, array: pa.Array) -> None:
        self._new.append(array)

    def gather(self, numbers: NumberColumn) -> pa.Array:
        if self._new:
            self._values = pa.concat_arrays([self._values, *self._new])
            self._new = []
        if self._width is None:
            return self._values.take(numbers.indices)
        known, table = self._values.buffers()
        values, validity = _native.gather_values(
            numbers.raw, table, known if self._values.null_count else None, self._width
        )
        buffers = [None if validity is None else pa.py_buffer(validity), pa.py_buffer(values)]
        return pa.Array.from_buffers(self._values.type, len(numbers), buffers)

    def keep(self, kept: bytes) -> None:
        self._values = self.gather(NumberColumn(kept))


def answers_of(type_: pa.DataType) -> Answers:
    """An empty table for a column of that type."""
    return RepeatedTexts() if pa.types.is_dictionary(type_) else Values(type_)
