"""Batches to partitions: Hive folders `column=value` from columns, or from the record's time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from vpcflow.errors import UsageError, nearest

if TYPE_CHECKING:
    import pyarrow as pa

NULL = "__HIVE_DEFAULT_PARTITION__"
TIME_PARTS = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "date": "%Y-%m-%d"}
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_LONGEST = 120


def folder(column: str, value: object) -> str:
    """ "region=eu-west-1": one folder for each value, and never anything but one folder.

    Whatever is not a letter, digit, `_`, `-` or an inner `.` is percent-encoded, so that a value
    from a log cannot lead out of the target. A long one is cut, and a digest of the whole takes the
    rest's place. Null is Hive's name for it.
    """
    if value is None:
        return f"{_encoded(column)}={NULL}"
    text = _encoded(str(value))
    if text == NULL:  # a text that reads like null is none
        text = f"%5F{NULL[1:]}"
    if len(text) > _LONGEST:
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        text = f"{_beginning(str(value))}~{digest}"
    return f"{_encoded(column)}={text}"


def _beginning(text: str) -> str:
    """As much of the encoded text as may be kept, in whole characters: readers decode it."""
    kept = ""
    for character in text:
        kept += _encoded(character)
        if len(kept) > _LONGEST - len("%F0%9F%92%A9"):
            break
    return kept


def _encoded(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return "".join(
        chr(byte) if _PLAIN.fullmatch(chr(byte)) else f"%{byte:02X}"
        for byte in text.encode("utf-8", "surrogatepass")
    )


class Partitioning:
    """Splits batches of one schema. schema: what is left in the files: columns that became folders
    are not repeated there."""

    def __init__(self, by: Sequence[str], schema: pa.Schema) -> None:
        self.by = tuple(name.replace("-", "_") for name in by)
        columns = set(schema.names)
        for name in self.by:
            if name not in columns and name not in TIME_PARTS:
                close = nearest(name, [*schema.names, *TIME_PARTS])
                raise UsageError(
                    f"there is no column {name!r} to partition by",
                    hint=f"did you mean {close!r}?" if close else "vpcflow fields lists all",
                )
        self._time_parts = [n for n in self.by if n not in columns]
        if self._time_parts and "start" not in columns:
            raise UsageError(f"to partition by {self._time_parts[0]} takes the column start")
        if twice := [name for i, name in enumerate(self.by) if name in self.by[:i]]:
            raise UsageError(f"partition= names {twice[0]!r} twice")
        self._kept = [name for name in schema.names if name not in self.by]
        if not self._kept:
            raise UsageError("partition= takes every column, and leaves none for the files")
        self.schema = (
            schema if len(self._kept) == len(schema.names) else _select(schema, self._kept)
        )
        self._folders: dict[tuple[Any, ...], str] = {}

    def split(self, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The folder (a relative path, "" without partitions) and the records of each, in their
        order; every record once."""
        if not self.by:
            yield "", batch
            return
        import pyarrow as pa
        import pyarrow.compute as pc

        keys = [self._key(batch, name).dictionary_encode() for name in self.by]
        code = pa.repeat(pa.scalar(0, pa.int64()), batch.num_rows)
        for key in keys:  # a number for each combination of values that occurs
            index = pc.fill_null(key.indices.cast(pa.int64()), len(key.dictionary))
            combined = pc.add(pc.multiply(code, len(key.dictionary) + 1), index)
            code = combined.dictionary_encode().indices.cast(pa.int64())
        rest = batch.select(self._kept) if len(self._kept) < batch.num_columns else batch
        order = pc.array_sort_indices(code)  # stable: records of a partition keep their order
        runs = pc.run_end_encode(code.take(order))
        if len(runs.values) > 1:
            rest = rest.take(order)
        begin = 0
        for end in runs.run_ends.to_pylist():
            first = order[begin].as_py()
            path = self._path(tuple(key[first].as_py() for key in keys))
            yield path, rest.slice(begin, end - begin)
            begin = end

    def _key(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        if name in self._time_parts:  # batches span few hours: only those are written as text
            start = batch.column("start").cast(pa.timestamp("ms"))
            hours = pc.floor_temporal(start, unit="hour").dictionary_encode()
            return pc.strftime(hours.dictionary, format=TIME_PARTS[name]).take(hours.indices)
        column = batch.column(name)
        return (
            column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        )

    def _path(self, values: tuple[Any, ...]) -> str:
        path = self._folders.get(values)
        if path is None:
            path = "/".join(folder(*pair) for pair in zip(self.by, values, strict=True))
            if len(self._folders) >= 1 << 16:
                self._folders.clear()
            self._folders[values] = path
        return path


def _select(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([schema.field(name) for name in names], metadata=schema.metadata)
