"""Columns that came as Arrow, in the types that a stream's `text=` promises. Needs pyarrow, which
the container that read them has brought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from vpcflow import _native
from vpcflow.fields import Field

if TYPE_CHECKING:
    from typing_extensions import CapsuleType

    from vpcflow.columns import Text

_DICTIONARY = pa.dictionary(pa.int32(), pa.utf8())


class Conform:
    """For the batches of one schema."""

    def __init__(self, schema: Sequence[Field], text: Text) -> None:
        self._fields = [pa.field(column.name, _type_of(column, text)) for column in schema]

    def batch(self, data: pa.RecordBatch) -> tuple[CapsuleType, int, int]:
        """The kernel's handle for the batch, and its numbers of NODATA and SKIPDATA records."""
        columns = [_cast(data.column(field.name), field.type) for field in self._fields]
        batch = pa.RecordBatch.from_arrays(columns, schema=pa.schema(self._fields))
        status = data.column("log_status") if "log_status" in data.schema.names else None
        return (
            _native.import_batch(*batch.__arrow_c_array__()),
            _count(status, "NODATA"),
            _count(status, "SKIPDATA"),
        )


def _type_of(column: Field, text: Text) -> pa.DataType:
    if column.type == "utf8":
        if text == "dictionary" or (text == "view" and column.dictionary):
            return _DICTIONARY
        return pa.string_view() if text == "view" else pa.utf8()
    if column.type == "timestamp[ms, tz=UTC]":
        return pa.timestamp("ms", "UTC")
    return pa.int32() if column.type == "int32" else pa.int64()


def _cast(array: Any, type_: pa.DataType) -> Any:
    if array.type == type_:
        return array
    if pa.types.is_dictionary(type_):
        return array.cast(pa.utf8()).dictionary_encode()
    return array.cast(type_)


def _count(status: Any, word: str) -> int:
    return 0 if status is None else pc.sum(pc.equal(status, word)).as_py() or 0
