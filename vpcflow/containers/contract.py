"""What a plugin's container offers: lines in a wrapping, or columns that were columns already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Protocol

from attrs import frozen

from vpcflow.flow_format import FlowFormat
from vpcflow.source_files import SourceFile
from vpcflow.where import Condition


class LineContainer(Protocol):
    """A wrapping around text: another compression, another envelope."""

    def sniff(self, head: bytes) -> bool:
        """Whether a stream that begins so (up to 64 KiB) is one of these."""
        ...

    def blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        """The lines, in blocks of any size up to about 1 MiB. A damaged stream: first all that can
        be read, then ContainerError."""
        ...


@frozen
class ColumnBatch:
    """Records of a column file.

    data: a pyarrow.RecordBatch with the columns that were asked for, of the types that
    `Field.type` says (unknown ones utf8), null where the file has none. rows: how many of the
    file's rows were read for it, those that `where` left out included. bytes_in: how many of the
    file's bytes were read for it, about.
    """

    data: Any
    rows: int
    bytes_in: int = 0


class ColumnContainer(Protocol):
    """A file of columns, such as Parquet. It is read by ranges: `file.read_range`, `file.size`."""

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins so (up to 64 KiB) is one of these."""
        ...

    def format(self, file: SourceFile) -> FlowFormat:
        """The file's columns, by AWS's names. Raises ContainerError for a damaged file."""
        ...

    def batches(
        self,
        file: SourceFile,
        columns: Sequence[str],
        where: Sequence[Condition],
        start: int = 0,
    ) -> Iterator[ColumnBatch]:
        """The rows from number `start` (from 0) on, in the file's order, about 16,000 at a time.

        columns: column names, in order; a name that the file does not have is a null column (of
        `FIELDS[name].type`). where: conditions that all must hold; rows that fail are left out, and
        row groups that cannot hold any are not read. Raises ContainerError for damage, after what
        can be read.
        """
        ...
