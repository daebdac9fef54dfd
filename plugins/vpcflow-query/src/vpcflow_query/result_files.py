"""Results for programs: JSON lines, CSV and Parquet, a batch at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from attrs import define, field

import vpcflow
from vpcflow_query.result_values import fitted, is_plain, json_value, pylist, text_value, unique

if TYPE_CHECKING:
    import pyarrow as pa


class Writer(Protocol):
    """Gets every batch of a result, then `close`."""

    def write(self, batch: pa.RecordBatch) -> None: ...
    def close(self) -> None: ...


def writer(form: str, stream: BinaryIO, schema: pa.Schema) -> Writer:
    """form: "jsonl", "csv" or "parquet". stream: stays open."""
    if form == "parquet":
        return ParquetWriter(stream, schema)
    return LineWriter(stream, schema, csv=form == "csv")


@define
class LineWriter:
    """JSON lines or CSV."""

    stream: BinaryIO
    schema: pa.Schema
    csv: bool = field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.csv:
            self.stream.write(csv_heading(self.schema))

    def write(self, batch: pa.RecordBatch) -> None:
        self.stream.write(csv_rows(batch) if self.csv else jsonl(batch))

    def close(self) -> None:
        self.stream.flush()


@define
class ParquetWriter:
    """One Parquet file; nothing that can be read stands in the stream before `close`."""

    stream: BinaryIO
    schema: pa.Schema
    _writer: Any = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        fields = zip(unique(self.schema.names), self.schema.types, strict=True)
        self.schema = pa.schema(list(fields))
        self._writer = pq.ParquetWriter(self.stream, self.schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> None:
        import pyarrow as pa

        self._writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=self.schema))

    def close(self) -> None:
        self._writer.close()


def jsonl(batch: pa.RecordBatch) -> bytes:
    """One JSON object a line: nulls left out, times in RFC 3339 UTC, as `vpcflow read` has it."""
    batch = fitted(batch)
    if all(map(is_plain, batch.schema.types)):
        return vpcflow.FlowBatch.from_arrow(batch).to_jsonl()
    names = batch.schema.names
    columns = [[json_value(value) for value in pylist(column)] for column in batch.columns]
    rows = (
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in zip(*columns, strict=True)
    )
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")


def csv_heading(schema: pa.Schema) -> bytes:
    """The names, as a line of CSV."""
    import pyarrow as pa

    row = [pa.array([name]) for name in schema.names]
    names = [str(number) for number in range(len(row))]
    return csv_rows(pa.RecordBatch.from_arrays(row, names))


def csv_rows(batch: pa.RecordBatch) -> bytes:
    """RFC 4180, without a heading: null is empty."""
    import pyarrow as pa

    batch = fitted(batch)
    columns = [
        column if is_plain(column.type) else pa.array(_texts(column), pa.string())
        for column in batch.columns
    ]
    plain = pa.RecordBatch.from_arrays(columns, batch.schema.names)
    return vpcflow.FlowBatch.from_arrow(plain).to_csv(header=False)


def _texts(column: pa.Array) -> list[str | None]:
    return [None if value is None else text_value(value) for value in pylist(column)]
