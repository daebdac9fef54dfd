"""The records of one database that were met so far, as Arrow columns."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

from vpcflow_geoip._native import _core
from vpcflow_geoip.columns import Column
from vpcflow_geoip.database import Database, damaged

_TYPES = {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}


def int32_array(column: _core.Column) -> pa.Array:
    values, validity = column
    return _array(pa.int32(), len(values) // 4, values, validity)


def _array(type_: pa.DataType, length: int, values: bytes, validity: bytes | None) -> pa.Array:
    bits = None if validity is None else pa.py_buffer(validity)
    return pa.Array.from_buffers(type_, length, [bits, pa.py_buffer(values)])


class Table:
    """Each record is decoded when it is first met, whatever number of addresses lead to it."""

    def __init__(self, database: Database, columns: Sequence[Column]) -> None:
        self._path = database.path
        self._places = database.places
        self._columns = columns
        wanted = tuple((column.kind, column.strict, column.paths) for column in columns)
        self._table = _core.table(database.handle, wanted)
        self._texts = [pa.array([], pa.utf8()) for _ in columns]

    def find(self, addresses: _core.Addresses, skip: int) -> bytes:
        """Rows for `column`. skip: bits of scopes that are not looked up. Raises InputError for a
        damaged file."""
        try:
            return _core.find(self._table, addresses, skip)
        except ValueError as error:
            raise damaged(self._path, str(error)) from None

    def filled(self) -> list[Column]:
        """The columns for which some of the records have a value that `Database.places` gives.
        Raises InputError for a damaged file."""
        places = array("I", self._places())
        try:
            rows = _core.rows(self._table, places.tobytes())
        except ValueError as error:
            raise damaged(self._path, str(error)) from None
        nulls = (self.column(number, rows).null_count for number in range(len(self._columns)))
        return [c for c, count in zip(self._columns, nulls, strict=True) if count < len(places)]

    def column(self, number: int, rows: bytes) -> pa.Array:
        """Texts as a dictionary array, in whose dictionary a text may stand twice."""
        values, validity = _core.values(self._table, number, rows)
        length = len(rows) // 4
        type_ = _TYPES.get(self._columns[number].arrow_type)
        if type_ is not None:
            return _array(type_, length, values, validity)
        indices = _array(pa.int32(), length, values, validity)
        return pa.DictionaryArray.from_arrays(indices, self._all_texts(number), safe=False)

    def _all_texts(self, number: int) -> pa.Array:
        count = _core.text_count(self._table, number)
        if len(self._texts[number]) < count:
            buffers = [None, *map(pa.py_buffer, _core.texts(self._table, number))]
            self._texts[number] = pa.Array.from_buffers(pa.utf8(), count, buffers)
        return self._texts[number]
