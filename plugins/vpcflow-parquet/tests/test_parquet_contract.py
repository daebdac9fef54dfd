"""The contracts of file sinks and of containers of columns (vpcflow.testing)."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lines
import polars
import pyarrow as pa
import pyarrow.parquet as pq
from vpcflow_parquet.container import ParquetContainer
from vpcflow_parquet.sink import sink
from vpcflow_parquet.writer import ParquetFormat

import vpcflow
from vpcflow.containers.contract import ColumnContainer
from vpcflow.flow_format import FlowFormat
from vpcflow.testing import ColumnContainerSuite, FileSinkSuite


class TestParquet(FileSinkSuite):
    factory = staticmethod(sink)
    suffix = ".parquet"
    times = "epoch"

    def read_file(self, path: Path) -> Iterable[Mapping[str, Any]]:
        return pq.ParquetFile(path).read().to_pylist()  # type: ignore[no-any-return]


class TestParquetWithTimestampsAndSmallRowGroups(FileSinkSuite):
    factory = staticmethod(sink)
    suffix = ".parquet"
    times = "timestamp"
    options = {"times": "timestamp", "row-group": "2", "compression": "gzip", "level": "9"}

    def read_file(self, path: Path) -> Iterable[Mapping[str, Any]]:
        return polars.read_parquet(path).to_dicts()


FORMAT = FlowFormat(lines.EVERY_FIELD.fields[:-4])  # the suite wants some that are absent


@functools.cache
def _records() -> pa.Table:
    text = lines.text(lines.records(3, FORMAT, 500))
    return pa.table(vpcflow.parse(text, format=FORMAT, text="utf8"))


class ContainerOfRecords(ColumnContainerSuite):
    where = {"action": "REJECT", "protocol": [6, 17]}

    def make_container(self) -> ColumnContainer:
        return ParquetContainer()

    def rows(self) -> Sequence[dict[str, Any]]:
        return _records().to_pylist()  # type: ignore[no-any-return]


@functools.cache
def _by_the_sink() -> bytes:
    out = io.BytesIO()
    writer = ParquetFormat(row_group=200).open(out, _records().schema)  # type: ignore[arg-type]
    writer.write(_records().combine_chunks().to_batches()[0])
    writer.close()
    return out.getvalue()


class TestFilesOfTheSink(ContainerOfRecords):
    def wrapped(self) -> bytes:
        return _by_the_sink()


@functools.cache
def _as_aws() -> bytes:
    """Hyphens, `-` for missing text, seconds, gzip; no tags, as their spelling is not published."""
    table = pa.table(
        {
            name.replace("_", "-"): _plain(column)
            for name, column in zip(_records().column_names, _records().columns, strict=True)
            if "tag" not in name
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out, compression="gzip", row_group_size=200)
    return out.getvalue()


def _plain(column: Any) -> Any:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("s", "UTC"), safe=False).cast(pa.int64())
    return column.fill_null("-") if pa.types.is_string(column.type) else column


class TestFilesOfAws(ContainerOfRecords):
    def wrapped(self) -> bytes:
        return _as_aws()

    def rows(self) -> Sequence[dict[str, Any]]:
        tags = [name for name in _records().column_names if "tag" in name]
        return _records().drop_columns(tags).to_pylist()  # type: ignore[no-any-return]
