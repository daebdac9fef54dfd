"""A stream of batches under one schema, for `for` loops and for Arrow consumers."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self

from vpcflow import _native
from vpcflow.batch import COUNTS, FlowBatch
from vpcflow.errors import RejectedLine, RejectedLinesWarning, UsageError
from vpcflow.fields import Field
from vpcflow.flow_format import FlowFormat

if TYPE_CHECKING:
    from typing_extensions import CapsuleType

    from vpcflow.columns import Text

_MOST_REJECTED = 1000


class Progress:
    """How far a stream has come; safe to read from any thread.

    files, bytes: in all (as stored, so compressed; None if a source cannot tell its size).
    files_done, bytes_done: so far.
    """

    def __init__(self, files: int, bytes: int | None) -> None:
        self.files = files
        self.bytes = bytes
        self.files_done = 0
        self.bytes_done = 0
        self._lock = threading.Lock()

    def file_done(self) -> None:
        with self._lock:
            self.files_done += 1

    def bytes_read(self, count: int) -> None:
        with self._lock:
            self.bytes_done += count


class FlowSchema:
    """The columns of a stream: `names`, `fields`, and Arrow's schema capsule."""

    def __init__(self, fields: Sequence[Field], text: Text) -> None:
        from vpcflow.columns import make_plan

        self.fields = tuple(fields)
        self._plan = make_plan(None, self.fields, (), text)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.fields)

    def __arrow_c_schema__(self) -> CapsuleType:
        return _native.export_schema(self._plan)

    def _repr_html_(self) -> str:
        """In a notebook: a row for each column."""
        from vpcflow.html_table import table_html

        rows = [(c.name, c.type, c.aws_name, c.description) for c in self.fields]
        return table_html(("column", "type", "AWS's name", "what it is"), rows)

    def __repr__(self) -> str:
        return f"<FlowSchema: {', '.join(f'{c.name}: {c.type}' for c in self.fields)}>"


class FlowStream:
    """Batches of records, in the order of the sources and their lines; a context manager.

    Iterating raises what is wrong with a source after the records before it; iterating on goes on
    with the next source. Every Arrow capsule is a new one over the same cursor: only fetching
    consumes. What has been fetched is gone; fetching from an exhausted stream is an error.

    schema: the columns. counts, rejected, rejected_by_reason: of the batches fetched so far (the
    first 1,000 rejected lines). error: the last one raised, here or to Arrow; else None.
    progress: files and bytes, done and in all.
    """

    def __init__(
        self,
        items: Iterator[FlowBatch | BaseException],
        fields: Sequence[Field],
        text: Text,
        *,
        progress: Progress | None = None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._items = items
        self._on_close = on_close
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(COUNTS, 0)
        self._reasons: dict[str, int] = {}
        self._rejected: list[RejectedLine] = []
        self._formats: list[tuple[FlowFormat, str]] = []
        self._looked_at_rejected = False
        self._exhausted = False
        self.schema = FlowSchema(fields, text)
        self.error: BaseException | None = None
        self.progress = progress or Progress(files=0, bytes=None)

    # ---- iterating -------------------------------------------------------------------------------

    def __iter__(self) -> Self:
        if self._exhausted:
            raise _exhausted()
        return self

    def __next__(self) -> FlowBatch:
        with self._lock:
            for item in self._items:
                if isinstance(item, BaseException):
                    self.error = item
                    raise item
                self._count(item)
                if item.counts["lines"]:
                    return item
            self._exhausted = True
            raise StopIteration

    def records(self) -> Iterator[_native.FlowRecord]:
        """The records of all batches, one by one."""
        for batch in self:
            yield from batch

    def _count(self, batch: FlowBatch) -> None:
        for name, count in batch.counts.items():
            self._counts[name] += count
        for reason, count in batch.rejected_by_reason.items():
            self._reasons[reason] = self._reasons.get(reason, 0) + count
        self._rejected.extend(batch.rejected[: _MOST_REJECTED - len(self._rejected)])
        if batch.format is not None and (batch.format, batch.format_source) not in self._formats:
            self._formats.append((batch.format, batch.format_source))

    # ---- what was counted ------------------------------------------------------------------------

    @property
    def counts(self) -> Mapping[str, int]:
        self._looked_at_rejected = True
        return MappingProxyType(self._counts)

    @property
    def rejected(self) -> tuple[RejectedLine, ...]:
        self._looked_at_rejected = True
        return tuple(self._rejected)

    @property
    def rejected_by_reason(self) -> Mapping[str, int]:
        self._looked_at_rejected = True
        return MappingProxyType(self._reasons)

    @property
    def formats(self) -> tuple[tuple[FlowFormat, str], ...]:
        """The formats of the batches fetched so far, each with how it was known."""
        return tuple(self._formats)

    # ---- Arrow -----------------------------------------------------------------------------------

    def __arrow_c_schema__(self) -> CapsuleType:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: CapsuleType | None = None) -> CapsuleType:
        """A capsule over this stream's cursor. A requested schema is a wish that is not granted."""
        ended = False
        failed: BaseException | None = None

        def fetch() -> CapsuleType | None:
            nonlocal ended, failed
            if ended:
                return None
            if failed is not None:
                raise failed
            try:
                if self._exhausted:
                    raise _exhausted()
                batch = next(self, None)
                ended = batch is None
                if ended:
                    self._warn_of_rejected()
            except BaseException as error:
                self.error = failed = error
                raise
            return None if batch is None else batch._handle

        return _native.export_stream(self.schema._plan, fetch)

    def _warn_of_rejected(self) -> None:
        if self._looked_at_rejected or not self._rejected:
            return
        reasons = ", ".join(f"{count} {reason}" for reason, count in self._reasons.items())
        warnings.warn(
            f"{self._counts['rejected']} of {self._counts['lines']} lines were rejected "
            f"({reasons}); stream.rejected has the first of them",
            RejectedLinesWarning,
            stacklevel=2,
        )

    # ---- life ------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop reading and close what is open. Batches that were fetched stay valid."""
        close = getattr(self._items, "close", None)
        if close is not None:
            close()
        self._on_close()
        self._exhausted = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _exhausted() -> UsageError:
    return UsageError(
        "this stream is exhausted: it has been read to its end",
        hint="call vpcflow.scan again, or keep the batches in a list",
    )
