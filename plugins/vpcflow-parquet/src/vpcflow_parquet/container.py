"""The container `parquet`: AWS's own Parquet flow logs, and what others made of them, as records.

Column names are taken with `_` or `-`. What the values may look like is in `values.py`, which rows
are wanted in `conditions.py`, which row groups need not be read in `pruning.py`. Only the column
chunks of columns that are asked for are read, in ranges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import define, field

from vpcflow.containers.contract import ColumnBatch
from vpcflow.flow_format import FlowFormat
from vpcflow.source_files import SourceFile
from vpcflow.where import Condition
from vpcflow_parquet.opened import Opened
from vpcflow_parquet.reader import GroupReader


@define(eq=False)
class ParquetContainer:
    """A `vpcflow.containers.contract.ColumnContainer`. It remembers the footer of the last file
    that it was asked about."""

    _file: SourceFile | None = field(default=None, init=False)
    _footer: Any = field(default=None, init=False)

    def sniff(self, head: bytes) -> bool:
        return head[:4] in (b"PAR1", b"PARE")

    def format(self, file: SourceFile) -> FlowFormat:
        """Raises ContainerError for a damaged file, FormatError for one without flow logs."""
        opened = Opened.of(file)
        self._file, self._footer = file, opened.footer
        return opened.format

    def batches(
        self,
        file: SourceFile,
        columns: Sequence[str],
        where: Sequence[Condition],
        start: int = 0,
    ) -> Iterator[ColumnBatch]:
        """As the contract says.

        A value that its column cannot hold (port 70000, a time of 9 digits, text that is not UTF-8)
        ends the file with ContainerError, after the rows before it: nothing is rounded, cut or
        taken for null. That is so for columns that are asked for or compared, in row groups that
        are read.
        """
        opened = Opened.of(file, self._footer if file is self._file else None)
        reader = GroupReader(opened, columns, where)
        first = 0
        for group, rows in enumerate(opened.row_groups()):
            if first + rows > start:
                yield from reader.read(group, first, max(0, start - first))
            first += rows
