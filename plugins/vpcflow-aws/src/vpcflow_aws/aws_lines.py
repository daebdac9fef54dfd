"""Records as the lines that AWS writes: values in the columns' order, one blank between them.

`-` for null, integers in decimal digits, times in epoch seconds (in milliseconds, 13 digits, where
a time has a fraction of a second), tag values of version 11 percent-encoded, `-` in them as %2D.
https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from vpcflow import FIELDS, UsageError
from vpcflow.errors import printable

_NOT_IN_A_LINE = r"[ \t\r\n]|^$"


def check_columns(names: Sequence[str], sink: str) -> None:
    """Raises UsageError for columns that AWS does not write: enrichers' and unknown ones."""
    others = [name for name in names if name not in FIELDS]
    if others:
        shown = ", ".join(printable(name) for name in others[:5])
        raise UsageError(
            f"{sink}: as=line writes AWS's fields alone, and the records also have {shown}",
            hint="as=json takes all columns; or leave the enrichers out, or name --columns",
        )


def lines(batch: pa.RecordBatch) -> list[bytes]:
    """One line for each record, without newlines. Columns are those of `check_columns`."""
    texts = [
        pc.fill_null(_text(name, column), "-")
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    joined = pc.binary_join_element_wise(*texts, " ") if texts else pa.array([], pa.utf8())
    return [line.encode() for line in joined.to_pylist()]


def unfit(batch: pa.RecordBatch) -> dict[int, str]:
    """The rows that no line can hold, and why: a text that is empty or has a blank in it would
    shift all fields behind it. AWS writes none; other files may."""
    found: dict[int, str] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if FIELDS[name].type != "utf8":
            continue
        pattern = "^$" if FIELDS[name].kind == "tag" else _NOT_IN_A_LINE
        matches = pc.match_substring_regex(column.cast(pa.utf8()), pattern)
        for row in pc.indices_nonzero(pc.fill_null(matches, False)).to_pylist():
            found.setdefault(row, f"{name} is empty or has a blank in it, which no line can hold")
    return found


def _text(name: str, column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        return _epoch(column)
    if FIELDS[name].kind == "tag":
        values = column.cast(pa.utf8()).dictionary_encode()
        encoded = [_encoded(value) for value in values.dictionary.to_pylist()]
        return pa.array(encoded, pa.utf8()).take(values.indices)
    return column.cast(pa.utf8())


def _epoch(column: pa.Array) -> pa.Array:
    milliseconds = column.cast(pa.timestamp("ms", "UTC"), safe=False).cast(pa.int64())
    seconds = pc.divide(milliseconds, 1000)
    whole = pc.equal(pc.multiply(seconds, 1000), milliseconds)
    return pc.if_else(whole, seconds, milliseconds).cast(pa.utf8())


def _encoded(value: str | None) -> str:
    return quote(value or "", safe="").replace("-", "%2D")
