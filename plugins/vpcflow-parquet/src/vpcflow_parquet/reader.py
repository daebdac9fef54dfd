"""Row groups to batches of records: which rows are wanted is decided first, on few columns.

A row group whose statistics rule it out is not read. Otherwise the columns that `where` compares
are read first; if no row passes, the other columns of the row group are not read either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.compute as pc  # type: ignore[import-untyped, unused-ignore]
from attrs import frozen

from vpcflow.containers.contract import ColumnBatch
from vpcflow.errors import ContainerError, printable
from vpcflow.fields import FIELDS, text_field
from vpcflow.where import Condition
from vpcflow_parquet.conditions import make_test
from vpcflow_parquet.opened import Column, Opened
from vpcflow_parquet.pruning import may_hold
from vpcflow_parquet.values import BadValueError, arrow_type, misfit, to_field


@frozen
class _Chosen:
    """Rows of a row group. mask: which of the first `rows` are wanted; None for all. error: what
    ended it there, if it has more."""

    mask: Any
    rows: int
    error: ContainerError | None = None


@frozen
class _Converted:
    """The first `rows` of a raw batch as fields have them, by column name. bad: the value that
    ended it there."""

    values: Mapping[str, Any]
    rows: int
    bad: BadValueError | None


class GroupReader:
    """Reads row groups of one file. Raises ContainerError for a column of a type that its field
    cannot be."""

    def __init__(self, opened: Opened, columns: Sequence[str], where: Sequence[Condition]) -> None:
        self._opened = opened
        self._where = where
        fields = [FIELDS.get(name) or text_field(name) for name in columns]
        self._schema = pa.schema([pa.field(f.name, arrow_type(f)) for f in fields])
        self._tests = {condition.column: make_test(condition) for condition in where}
        self._tested = [opened.columns[c.column] for c in where if c.column in opened.columns]
        self._wanted = [opened.columns[name] for name in columns if name in opened.columns]
        for column in (*self._tested, *self._wanted):
            if wrong := misfit(column):
                raise opened.damaged(
                    f"column {printable(column.path)!r} {wrong}",
                    "leave the column out with columns=, or convert the file",
                )

    def read(self, group: int, first: int, skip: int) -> Iterator[ColumnBatch]:
        """The rows of a row group from its `skip`-th on. first: the number of its first row in the
        file, from 0."""
        footer, columns = self._opened.footer.row_group(group), self._opened.columns
        rows = footer.num_rows
        possible = (may_hold(footer, columns.get(c.column), c) for c in self._where)
        chosen = self._choose(group, first, rows) if all(possible) else _Chosen(_none(rows), rows)
        if chosen.mask is None or chosen.mask.true_count:
            yield from self._take(group, first, skip, rows, chosen)
        elif chosen.rows > skip:
            yield self._batch({}, 0, chosen.rows - skip)
        if chosen.error is not None:
            raise chosen.error

    def _choose(self, group: int, first: int, rows: int) -> _Chosen:
        """Compare the columns that `where` names, in all rows of a row group."""
        if not self._tests:
            return _Chosen(None, rows)
        masks: list[Any] = []
        done = 0
        error = None
        try:
            for raw in self._opened.decode(group, rows, self._tested):
                found = self._converted(raw, self._tested)
                masks.append(self._mask(found))
                done += found.rows
                if found.bad is not None:
                    raise self._refused(found.bad, first + done)
        except ContainerError as stopped:
            error = stopped
        return _Chosen(pa.concat_arrays(masks) if masks else _none(0), done, error)

    def _mask(self, found: _Converted) -> Any:
        mask = None
        for name, test in self._tests.items():
            passed = test(found.values.get(name), found.rows)
            mask = passed if mask is None else pc.and_(mask, passed)
        return mask

    def _take(
        self, group: int, first: int, skip: int, rows: int, chosen: _Chosen
    ) -> Iterator[ColumnBatch]:
        """Read the columns that are wanted, of the rows that were chosen."""
        at = passed_over = 0
        error = None
        batches = self._opened.decode(group, rows, self._wanted)
        while error is None and at < chosen.rows:
            try:
                raw = next(batches)
            except ContainerError as damaged:
                error = damaged
                break
            low, high = max(at, skip), min(at + raw.num_rows, chosen.rows)
            part = raw.slice(low - at, max(0, high - low))
            at += raw.num_rows
            mask = None if chosen.mask is None else chosen.mask.slice(low, part.num_rows)
            kept = part if mask is None else part.filter(mask)
            if kept.num_rows == 0:
                passed_over += part.num_rows
                continue
            found = self._converted(kept, self._wanted)
            read = part.num_rows if found.bad is None else _row_of(found.rows, mask)
            yield self._batch(found.values, found.rows, passed_over + read)
            passed_over = 0
            if found.bad is not None:
                error = self._refused(found.bad, first + low + read)
        if passed_over:
            yield self._batch({}, 0, passed_over)
        if error is not None:
            raise error

    def _converted(self, raw: pa.RecordBatch, columns: Sequence[Column]) -> _Converted:
        bad = None
        while True:
            try:
                values = {
                    column.field.name: to_field(raw.column(i), column.field, self._opened.exact)
                    for i, column in enumerate(columns)
                }
            except BadValueError as found:  # what stands before it is good, in this column
                bad = found
                raw = raw.slice(0, found.row)
            else:
                return _Converted(values, raw.num_rows, bad)

    def _batch(self, values: Mapping[str, Any], rows: int, read: int) -> ColumnBatch:
        """rows: of the values. read: rows of the file that they were chosen from."""
        columns = [
            values[field.name] if field.name in values else pa.nulls(rows, field.type)
            for field in self._schema
        ]
        data = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        return ColumnBatch(data, read, self._opened.ranges.bytes_read())

    def _refused(self, bad: BadValueError, row: int) -> ContainerError:
        return self._opened.damaged(
            f"row {row + 1:,}: {printable(bad.field)} is {bad.value}: {bad.reason}",
            "leave the column out with columns=, or mend the file; the rows before it were read",
        )


def _none(rows: int) -> Any:
    return pa.repeat(False, rows)


def _row_of(kept: int, mask: Any) -> int:
    """Where the row stands that is number `kept` of those that the mask lets pass."""
    return kept if mask is None else pc.indices_nonzero(mask)[kept].as_py()
