"""How each column is written: as a dictionary where values repeat, as differences, or plain.

A dictionary costs a look-up for every value, and pays only where values repeat; for ids, action and
the like that is known beforehand, for addresses and columns that enrichers add it depends on the
traffic, and the first rows of a file decide. Times hardly differ from row to row, so their
differences are packed (DELTA_BINARY_PACKED). Statistics are kept for times alone: by them readers
skip row groups, while addresses and ports of any row group span everything. What this gains is
measured by benchmarks/encodings.py.
https://parquet.apache.org/docs/file-format/data-pages/encodings/
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.compute as pc  # type: ignore[import-untyped, unused-ignore]
from attrs import frozen

from vpcflow.fields import FIELDS

_SAMPLE = 16_384  # rows
_REPEATS = 0.4
"""Distinct values per row of the sample up to which a dictionary is smaller than plain values:
measured with addresses of all kinds of traffic."""

_FEW_VALUES = {"version", "protocol", "flags", "code"}


@frozen
class Encodings:
    """dictionary, statistics: columns that have them. differences: columns of packed differences.
    The other columns are plain."""

    dictionary: tuple[str, ...]
    differences: tuple[str, ...]
    statistics: tuple[str, ...]

    def as_arguments(self) -> dict[str, Any]:
        """Keyword arguments of pyarrow.parquet.ParquetWriter."""
        return {
            "use_dictionary": list(self.dictionary),
            "column_encoding": dict.fromkeys(self.differences, "DELTA_BINARY_PACKED"),
            "write_statistics": list(self.statistics),
        }


def choose(table: pa.Table) -> Encodings:
    """Encodings for a file that begins with these rows."""
    times = tuple(column.name for column in table.schema if _is_time(column))
    return Encodings(
        dictionary=tuple(
            column.name
            for column in table.schema
            if column.name not in times and _pays(column, table)
        ),
        differences=times,
        statistics=times,
    )


def few_repeat(column: pa.ChunkedArray) -> bool:
    """Whether a dictionary array has so many values that plain text is written faster."""
    values = sum(len(chunk.dictionary) for chunk in column.chunks[:1])
    return bool(values > _REPEATS * max(len(column), 1))


def _is_time(column: pa.Field) -> bool:
    known = FIELDS.get(column.name)
    return (known is not None and known.kind == "time") or pa.types.is_timestamp(column.type)


def _pays(column: pa.Field, table: pa.Table) -> bool:
    if pa.types.is_boolean(column.type):
        return False
    known = FIELDS.get(column.name)
    if pa.types.is_dictionary(column.type) or (
        known is not None and (known.dictionary or known.kind in _FEW_VALUES)
    ):
        return True
    sample = table[column.name].slice(0, _SAMPLE)
    return bool(pc.count_distinct(sample, mode="all").as_py() <= _REPEATS * len(sample))
