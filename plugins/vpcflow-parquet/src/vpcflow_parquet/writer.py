"""Parquet files: batches wait until they make a row group, which is then written as a whole.

Columns have AWS's published types: int32, int64 and strings (UTF8), `start` and `end` int64 seconds
unless timestamps were asked for. Columns that enrichers add follow with the types they came with,
dictionaries as strings. Missing values are null.
https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3.html
"""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.parquet as pq  # type: ignore[import-untyped, unused-ignore]
from attrs import define, field, frozen

from vpcflow.errors import PluginError
from vpcflow.file_sink import FileWriter
from vpcflow.places import PendingFile
from vpcflow_parquet.encodings import choose, few_repeat
from vpcflow_parquet.mark import MARK

Compression = Literal["zstd", "snappy", "gzip", "none"]

_LARGEST_ROW_GROUP = 64 << 20
"""Bytes in memory: about 100,000 rows of all 54 fields."""


@frozen
class ParquetFormat:
    """Parquet files. level: of the compression, None for one that has none. row_group: rows of a
    row group, at most."""

    compression: Compression = "zstd"
    level: int | None = 1
    row_group: int = 250_000
    suffix: str = ".parquet"
    appendable: bool = False

    def open(self, stream: PendingFile, schema: pa.Schema) -> FileWriter:
        return _Writer(_Output(stream), schema, self)


@define(eq=False)
class _Writer:
    """Keeps batches until they make a row group."""

    _output: _Output
    _schema: pa.Schema
    _format: ParquetFormat
    _batches: list[pa.RecordBatch] = field(factory=list, init=False)
    _rows: int = field(default=0, init=False)
    _bytes: int = field(default=0, init=False)
    _parquet: Any = field(default=None, init=False)

    def write(self, batch: pa.RecordBatch) -> None:
        if batch.schema.names != self._schema.names or batch.schema.types != self._schema.types:
            raise PluginError("a batch has other columns than the file", plugin="parquet")
        done = 0
        while done < batch.num_rows:
            part = _alone(batch.slice(done, self._format.row_group - self._rows))
            self._batches.append(part)
            self._rows += part.num_rows
            self._bytes += part.nbytes
            done += part.num_rows
            if self._rows >= self._format.row_group or self._bytes >= _LARGEST_ROW_GROUP:
                self.flush()

    def buffered(self) -> int:
        return self._bytes

    def flush(self) -> None:
        """Write what waits as one row group."""
        if not self._batches:
            return
        table = pa.Table.from_batches(self._batches).unify_dictionaries()
        self._batches, self._rows, self._bytes = [], 0, 0
        self._write(table)

    def close(self) -> None:
        self.flush()
        if self._parquet is None:
            self._write(pa.Table.from_batches([], self._schema))
        self._parquet.add_key_value_metadata(MARK)
        self._parquet.close()
        self._output.flush()

    def _write(self, table: pa.Table) -> None:
        if self._parquet is None:
            table = _plain_where_few_repeat(table)
            self._parquet = self._begin(table)
        else:
            table = table.cast(self._parquet.schema)  # dictionaries, if they became plain text
        if table.num_rows:
            self._parquet.write_table(table, row_group_size=table.num_rows)

    def _begin(self, table: pa.Table) -> Any:
        return pq.ParquetWriter(
            self._output,
            table.schema,
            compression=self._format.compression,
            compression_level=self._format.level,
            write_page_checksum=True,  # Parquet's zstd has none: a flipped bit could pass
            store_schema=False,  # strings are strings for every reader, pyarrow included
            **choose(table).as_arguments(),
        )

    def __del__(self) -> None:
        self._output.dead = True


def _alone(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch, or a copy where it is a slice of a larger one, such as a partition's part: while
    it waits, it would keep the whole in memory."""
    columns = [_copy(column) if _keeps_more(column) else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _keeps_more(column: pa.Array) -> bool:
    if pa.types.is_dictionary(column.type) and len(column.dictionary) > len(column):
        return True
    return bool(column.get_total_buffer_size() > 2 * column.nbytes)


def _copy(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        return column.dictionary_decode().dictionary_encode().cast(column.type)
    return pa.concat_arrays([column])


def _plain_where_few_repeat(table: pa.Table) -> pa.Table:
    """The table as its file will have it: dictionaries (of enrichers) whose values hardly repeat
    become plain text."""
    columns = [
        pa.field(
            column.name,
            column.type.value_type
            if pa.types.is_dictionary(column.type) and few_repeat(table[column.name])
            else column.type,
        )
        for column in table.schema
    ]
    return table.cast(pa.schema(columns))


@define(eq=False)
class _Output:
    """A pending file as pyarrow writes to it.

    dead: nobody wants the file any more. pyarrow's writer, which is closed when it is collected,
    would write the file's end into what has been aborted.
    """

    _stream: PendingFile
    dead: bool = False
    closed: bool = False

    def write(self, data: Any) -> int:
        return memoryview(data).nbytes if self.dead else self._stream.write(data)

    def tell(self) -> int:
        return self._stream.tell()

    def flush(self) -> None:
        if not self.dead:
            self._stream.flush()

    def close(self) -> None:
        """The stream stays open: its owner prepares or aborts it."""
