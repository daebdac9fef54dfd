"""Avro object container files: a header, then blocks of records, each followed by a sync marker.

The layout is that of "Object Container Files" in the Avro specification. fastavro writes the
header; the records of a block are encoded from columns by the C module beside this one.
"""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from vpcflow.errors import PluginError, printable
from vpcflow.file_sink import FileWriter
from vpcflow.places import PendingFile
from vpcflow_avro._native import encode
from vpcflow_avro.codecs import Codec, Compress
from vpcflow_avro.schema import avro_schema

if TYPE_CHECKING:
    import pyarrow as pa

_SYNC_MARKER = 16  # bytes


@frozen
class AvroFormat:
    """Object container files. codec: as the header names it; compress: does it to a block.
    block: bytes of a block's records before compression, at most, unless one record has more."""

    codec: Codec
    compress: Compress
    block: int
    suffix: str = ".avro"
    appendable: bool = False

    def open(self, stream: PendingFile, schema: pa.Schema) -> FileWriter:
        """Writes the header. Raises PluginError for a column that Avro files cannot hold."""
        marker = os.urandom(_SYNC_MARKER)
        stream.write(_header(schema, self.codec, marker))
        return _Writer(stream, schema, self.compress, marker, self.block)


def _header(schema: pa.Schema, codec: Codec, marker: bytes) -> bytes:
    import fastavro

    out = BytesIO()
    fastavro.writer(out, avro_schema(schema), [], codec=codec, sync_marker=marker)
    return out.getvalue()


@define(eq=False)
class _Writer:
    """Collects records in `_block`, encoded, until it is full. It has `_size` bytes, and more only
    while it holds a record that takes more."""

    _stream: PendingFile
    _schema: pa.Schema
    _compress: Compress
    _marker: bytes
    _size: int
    _block: bytearray = field(init=False)
    _used: int = field(default=0, init=False)
    _records: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._block = bytearray(self._size)

    def write(self, batch: pa.RecordBatch) -> None:
        if batch.schema.names != self._schema.names or batch.schema.types != self._schema.types:
            raise PluginError("a batch has other columns than the file", plugin="avro")
        schema, array = batch.__arrow_c_array__()
        first = 0
        while first < batch.num_rows:
            try:
                rows, self._used, needed = encode(schema, array, first, self._block, self._used)
            except ValueError as error:
                raise self._refused(*error.args) from error
            first += rows
            self._records += rows
            if needed:
                self.flush()
                if needed > len(self._block):
                    self._block = bytearray(needed)

    def buffered(self) -> int:
        return self._used

    def flush(self) -> None:
        """Write the block that has been begun, if there is one."""
        if not self._records:
            return
        data = self._compress(memoryview(self._block)[: self._used])
        counts = _long(self._records) + _long(len(data))
        self._stream.write(b"".join((counts, data, self._marker)))
        self._used = self._records = 0
        if len(self._block) > self._size:
            self._block = bytearray(self._size)

    def close(self) -> None:
        self.flush()
        self._stream.flush()

    def _refused(self, column: int, row: int, reason: str) -> PluginError:
        name = printable(self._schema.names[column])
        return PluginError(f"column {name!r}, row {row} of a batch: {reason}", plugin="avro")


def _long(number: int) -> bytes:
    """A count as Avro writes a long: zigzag, then seven bits a byte, the lowest first."""
    number *= 2
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
