"""A Parquet file, opened: its columns as fields of flow logs, its row groups, its damage."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.parquet as pq  # type: ignore[import-untyped, unused-ignore]
from attrs import define, frozen

from vpcflow.errors import ContainerError, FormatError, nearest, printable
from vpcflow.fields import FIELDS, Field, text_field
from vpcflow.flow_format import FlowFormat
from vpcflow.source_files import SourceFile
from vpcflow_parquet.mark import is_marked
from vpcflow_parquet.ranges import RangeReader

NAME = "parquet"
BATCH_ROWS = 16_384

_MAGIC = b"PAR1"
_ENCRYPTED = b"PARE"
_SMALLEST = 12  # bytes: the magic at both ends, and the length of the footer
_STREAM_BUFFER = 1 << 20
"""Bytes of a column chunk that are read at a time: what bounds memory when row groups are large."""
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@frozen
class Column:
    """A column of a file. path: its name there. field: what it is. type: its Arrow type as read.
    leaf: its number among the file's leaf columns."""

    path: str
    field: Field
    type: Any
    leaf: int


@define(eq=False)
class Opened:
    """A file whose footer has been read.

    columns: by the name that `FIELDS` has; nested columns and those whose names no field could have
    (`__index_level_0__`) are not among them. exact: written by this package (`mark.py`).
    """

    source: str
    ranges: RangeReader
    parquet: Any
    columns: Mapping[str, Column]
    exact: bool

    @classmethod
    def of(cls, file: SourceFile, footer: Any = None) -> Opened:
        """footer: of the same file, if it has been read before. Raises ContainerError for a file
        whose footer is damaged, FormatError for one that holds no flow logs."""
        ranges = RangeReader(file)
        try:
            parquet = _open(ranges, footer)
        except ContainerError as error:
            raise _explained(ranges, error) from error
        with damage(file.name, "the footer is damaged"):
            schema, metadata = parquet.schema_arrow, parquet.metadata
            leaves = {parquet.schema.column(i).path: i for i in range(metadata.num_columns)}
            exact = is_marked(metadata.metadata)
        return cls(file.name, ranges, parquet, _columns(schema, leaves, file.name), exact)

    @property
    def format(self) -> FlowFormat:
        return FlowFormat(column.field for column in self.columns.values())

    @property
    def footer(self) -> Any:
        return self.parquet.metadata

    def row_groups(self) -> Sequence[int]:
        """How many rows each has."""
        footer = self.footer
        rows = [footer.row_group(i).num_rows for i in range(footer.num_row_groups)]
        if any(count < 0 for count in rows):
            raise self.damaged("a row group has fewer than no rows")
        return rows

    def decode(self, group: int, rows: int, columns: Sequence[Column]) -> Iterator[pa.RecordBatch]:
        """The columns of a row group as the file has them, about 16,000 rows at a time. rows: how
        many it has. Raises ContainerError for damage, after the batches before it."""
        if not columns:
            for at in range(0, rows, BATCH_ROWS):
                yield pa.record_batch([pa.nulls(min(BATCH_ROWS, rows - at))], names=[""])
            return
        found = 0
        where = f"row group {group + 1} of {self.footer.num_row_groups} is damaged"
        with damage(self.source, where):
            batches = self.parquet.iter_batches(
                BATCH_ROWS, [group], [column.path for column in columns], use_threads=False
            )
        while True:
            with damage(self.source, f"{where} after {found:,} of its {rows:,} rows"):
                batch = next(batches, None)
            if batch is None:
                break
            found += batch.num_rows
            yield batch
        if found != rows:
            raise self.damaged(f"{where}: it has {found:,} rows where the footer says {rows:,}")

    def damaged(self, what: str, hint: str | None = None) -> ContainerError:
        return ContainerError(what, source=self.source, container=NAME, hint=hint)


@contextmanager
def damage(source: str, what: str) -> Iterator[None]:
    """What pyarrow raises over damaged bytes, in our words."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = printable(str(error).strip().split("\n")[0], 200)
        raise ContainerError(f"{what}: {reason}", source=source, container=NAME) from error


def _open(ranges: RangeReader, footer: Any) -> Any:
    with damage(ranges.file.name, "the footer is damaged"):
        return pq.ParquetFile(
            ranges,
            metadata=footer,
            pre_buffer=False,
            buffer_size=_STREAM_BUFFER,
            coerce_int96_timestamp_unit="ms",
            page_checksum_verification=True,
        )


def _explained(ranges: RangeReader, error: ContainerError) -> ContainerError:
    """The commonest damage, a file that is not all there, in plain words."""
    ranges.seek(max(0, ranges.size - 4))
    tail = ranges.read(4)
    if tail == _MAGIC and ranges.size >= _SMALLEST:
        return error
    if tail == _ENCRYPTED:
        reason, hint = "the file is encrypted, and is not read", None
    else:
        reason = "the file's end is missing, and with it the footer, without which nothing is read"
        hint = "fetch it again; a file that is still being written has no end yet"
    return ContainerError(reason, source=error.source, container=NAME, hint=hint)


def _columns(schema: pa.Schema, leaves: Mapping[str, int], source: str) -> dict[str, Column]:
    flat = [f for f in schema if f.name in leaves and _COLUMN.fullmatch(f.name)]
    names = [one.name.replace("-", "_") for one in flat]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise FormatError(f"the column {twice[0]!r} is there twice", source=source)
    if "class_uid" in names:
        raise FormatError(
            "these are OCSF records (Security Lake), whose columns are others than AWS's flow logs",
            source=source,
            hint="read the flow logs themselves",
        )
    if not any(name in FIELDS for name in names):
        raise _no_flow_logs(schema, source)
    return {
        name: Column(one.name, FIELDS.get(name) or text_field(name), one.type, leaves[one.name])
        for name, one in zip(names, flat, strict=True)
    }


def _no_flow_logs(schema: pa.Schema, source: str) -> FormatError:
    shown = ", ".join(printable(name, 40) for name in schema.names[:8]) or "none"
    close = next((n for name in schema.names[:100] if (n := nearest(name, FIELDS))), None)
    return FormatError(
        f"none of the columns is a field of flow logs; it has {shown}",
        source=source,
        hint=f"rename the columns as AWS writes them, such as {close!r}" if close else None,
    )
