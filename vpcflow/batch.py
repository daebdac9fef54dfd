"""Batches of records: columns of one format, handed over through Arrow's PyCapsule interface.

A batch owns its columns, or shares them: every Arrow export holds a reference, so a batch may go
while what was made of it lives on, in any thread. With `text="view"` and a read-only buffer, long
texts are views into that buffer, which stays alive as long as the batch or any export does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vpcflow import _native
from vpcflow.errors import REASONS, RejectedLine, UsageError
from vpcflow.flow_format import FlowFormat

if TYPE_CHECKING:
    from typing_extensions import CapsuleType

COUNTS = ("lines", "records", "filtered", "rejected", "blank", "header", "nodata", "skipdata")
"""What is counted; lines = records + filtered + rejected + blank + header, always."""

MOST_REJECTED = 1000


class FlowBatch:
    """Records of one format, as columns.

    format: of the lines; None before any line has been seen, and for imported batches.
    format_source: how the format was known: "given", "header", "container" or "assumed"; "" for
    None.
    rejected: the first 1,000 lines that were set aside. all_rejected: of a batch of a stream, all
    of them. counts: see `COUNTS`.
    rejected_by_reason: all of them, by reason.
    source: the name of the file or stream, "" if there is none. next_line: the number of the line
    (from 1; in a file of columns, the row) in that source with which what follows begins; 0 if
    there is no source. bytes_in: how much of the source, as stored, had been read for it and the
    batches before it.
    """

    __slots__ = (
        "__weakref__",
        "_handle",
        "all_rejected",
        "bytes_in",
        "counts",
        "format",
        "format_source",
        "next_line",
        "rejected_by_reason",
        "source",
    )

    def __init__(
        self,
        handle: CapsuleType,
        *,
        format: FlowFormat | None = None,
        format_source: str = "",
        counts: Mapping[str, int] | None = None,
        rejected: Sequence[RejectedLine] = (),
        rejected_by_reason: Mapping[str, int] | None = None,
        source: str = "",
        next_line: int = 0,
    ) -> None:
        self._handle = handle
        self.source = source
        self.next_line = next_line
        self.bytes_in = 0
        self.format = format
        self.format_source = format_source
        records = _native.length(handle)
        self.counts: Mapping[str, int] = MappingProxyType(
            dict(counts)
            if counts is not None
            else {**dict.fromkeys(COUNTS, 0), "lines": records, "records": records}
        )
        self.all_rejected = tuple(rejected)
        self.rejected_by_reason: Mapping[str, int] = MappingProxyType(
            dict(rejected_by_reason or {})
        )

    @classmethod
    def from_arrow(cls, obj: Any) -> FlowBatch:
        """A batch around columns that were Arrow already: an object with `__arrow_c_array__` (a
        record batch) or `__arrow_c_stream__` (a table in one piece). Nothing is copied.

        Raises UsageError when a stream brings more than one batch, or columns that records cannot
        hold (floats, binary, nested types).
        """
        handle = _import(obj)
        try:
            _native.records(handle)
        except TypeError as error:
            raise UsageError(str(error)) from None
        return cls(handle)

    @property
    def rejected(self) -> tuple[RejectedLine, ...]:
        return self.all_rejected[:MOST_REJECTED]

    def __len__(self) -> int:
        return _native.length(self._handle)

    @property
    def nbytes(self) -> int:
        """Memory that the batch's own buffers take; a caller's text that views point into is not
        counted."""
        return _native.nbytes(self._handle)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return _native.column_names(self._handle)

    def __iter__(self) -> Iterator[_native.FlowRecord]:
        return _native.records(self._handle)

    def __repr__(self) -> str:
        shown = ", ".join(self.column_names)
        return f"<FlowBatch: {len(self)} records, {len(self.column_names)} columns: {shown}>"

    def _repr_html_(self) -> str:
        """In a notebook: the first rows, and how many there are."""
        from vpcflow.html_table import batch_html

        return batch_html(self.column_names, self, len(self), self.counts)

    def __arrow_c_schema__(self) -> CapsuleType:
        return _native.export_schema(self._handle)

    def __arrow_c_array__(
        self, requested_schema: CapsuleType | None = None
    ) -> tuple[CapsuleType, CapsuleType]:
        """The batch as an Arrow struct array. A requested schema is a wish that is not granted: the
        columns come in the types that `text=` chose."""
        return _native.export_schema(self._handle), _native.export_array(self._handle)

    def __arrow_c_stream__(self, requested_schema: CapsuleType | None = None) -> CapsuleType:
        """The batch as an Arrow stream of one array."""
        rest = iter([self._handle])
        return _native.export_stream(self._handle, lambda: next(rest, None))

    def to_jsonl(self) -> bytes:
        """One JSON object a line: nulls left out, integers as numbers, times in RFC 3339 UTC.
        Control characters are escaped."""
        return _native.render(self._handle, False, False)

    def to_csv(self, header: bool = True) -> bytes:
        """RFC 4180 with CRLF: null is empty, times in RFC 3339 UTC. Texts are written as they are:
        a spreadsheet may take one that begins with = + - @ for a formula."""
        return _native.render(self._handle, True, header)


def _import(obj: Any) -> CapsuleType:
    if hasattr(obj, "__arrow_c_array__"):
        return _native.import_batch(*obj.__arrow_c_array__())
    if not hasattr(obj, "__arrow_c_stream__"):
        raise UsageError(
            f"{type(obj).__name__} does not speak Arrow",
            hint="from_arrow takes a pyarrow RecordBatch or Table, a polars DataFrame, or the like",
        )
    return _only_batch(obj)


def _only_batch(obj: Any) -> CapsuleType:
    """The single array of a stream, by way of pyarrow, which reads streams."""
    import pyarrow

    table = pyarrow.table(obj).combine_chunks()
    batches = table.to_batches()
    if len(batches) > 1:
        raise UsageError(f"the columns come in {len(batches)} batches", hint="pass them one by one")
    batch = batches[0] if batches else pyarrow.RecordBatch.from_pylist([], schema=table.schema)
    return _native.import_batch(*batch.__arrow_c_array__())


def reasons_of(counts: Sequence[int]) -> dict[str, int]:
    """Rejected lines by reason, those that occurred."""
    return {reason: count for reason, count in zip(REASONS, counts, strict=True) if count}
