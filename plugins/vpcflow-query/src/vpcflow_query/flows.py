"""The table `flows`: DuckDB asks for the columns that it needs, and only those are decoded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

import vpcflow
from vpcflow.cli.progress import Position
from vpcflow.cli.summary import Summary
from vpcflow_query.duck import spill_folder
from vpcflow_query.once import Once, repeatable
from vpcflow_query.reading import Reading

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

TABLE = "flows"
NOWHERE = Position(0, None, 0, None, 0)


@define(eq=False)
class Flows:
    """Flow logs as a table that is read when a statement runs, every time that it is scanned.

    schema: of all columns. where: more conditions on what is read, beside the reading's. summary:
    of the first scan. failure: what else than damaged input ended a scan.
    """

    reading: Reading
    schema: pa.Schema
    where: Mapping[str, object] = field(factory=dict)
    summary: Summary = field(factory=Summary)
    failure: BaseException | None = field(init=False, default=None)
    scans: list[Sequence[str]] = field(init=False, factory=list)
    """The columns of each scan so far."""
    _stop: threading.Event = field(init=False, factory=threading.Event)
    _stream: vpcflow.FlowStream | None = field(init=False, default=None)

    @classmethod
    def of(cls, reading: Reading) -> Flows:
        """Looks at the first lines of the sources; where there are none, the columns are those of
        the default format. Raises InputError and UsageError."""
        import pyarrow as pa

        reading = evolve(reading, sources=[repeatable(source) for source in reading.sources])
        with reading.scan() as stream:
            schema = pa.schema(stream.schema)
        if not schema.names:
            return cls.of(evolve(reading, format=vpcflow.FlowFormat.default()))
        reading.check(schema.names)
        return cls(reading, schema)

    def register(self, connection: duckdb.DuckDBPyConnection, *, scans: int = 1) -> None:
        """Make it the connection's table `flows`. scans: how often a statement will read it. What
        can be read only once is copied into the spill folder first if that is more than once."""
        for source in self.reading.sources:
            if isinstance(source, Once) and scans > 1:
                source.copy(Path(spill_folder(connection)))
            elif isinstance(source, Once):
                source.settle()
        self.announce(connection)

    def announce(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Only so that statements can be bound; they cannot run before `register`."""
        connection.register(TABLE, _dataset(self.schema, self.scan))

    def scan(self, columns: Sequence[str]) -> pa.RecordBatchReader:
        """One pass over the sources. What is wrong with them goes to the summary."""
        import pyarrow as pa

        first, self.scans = not self.scans, [*self.scans, columns]
        where = {**self.where, **self.reading.where}
        stream = evolve(self.reading, where=where).scan(columns)
        if first:
            self._stream = stream
        summary = self.summary if first else Summary()
        schema = pa.schema([self.schema.field(name) for name in columns])
        return pa.RecordBatchReader.from_batches(schema, self._batches(stream, summary))

    def _batches(self, stream: vpcflow.FlowStream, summary: Summary) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        summary.complete = False
        try:
            for batch in self.reading.batches(stream, summary, self._stop.is_set):
                yield pa.record_batch(batch)
        except GeneratorExit:
            raise
        except BaseException as error:
            self.failure = error
            raise
        finally:
            summary.finish(stream)
            summary.errors[:] = self.reading.errors

    def stop(self) -> None:
        """End all scans: nobody wants more."""
        self._stop.set()

    def position(self) -> Position:
        """How far the first scan has come, for a line of progress."""
        if self._stream is None:
            return NOWHERE
        at = self._stream.progress
        records = self._stream.counts["records"]
        return Position(at.files_done, at.files, at.bytes_done, at.bytes, records)


def _dataset(schema: pa.Schema, scan: Callable[[Sequence[str]], pa.RecordBatchReader]) -> Any:
    """What DuckDB scans: it takes any dataset of pyarrow, and asks `scanner` for columns.

    A subclass made here, so that pyarrow is not imported before it is needed.
    """
    import pyarrow.dataset as ds

    class Table(ds.Dataset):  # type: ignore[misc]
        def __init__(self) -> None:
            """pyarrow's own wants to be given a dataset of its own."""

        @property
        def schema(self) -> pa.Schema:
            return schema

        def scanner(
            self, columns: Sequence[str] | None = None, filter: Any = None, **_: object
        ) -> _Scanner:
            return _Scanner(scan, schema.names if columns is None else columns, filter)

    return Table()


@define
class _Scanner:
    """What a dataset gives for one scan. filter: an expression, if DuckDB relies on its scans to
    apply one (2.0 never does)."""

    _scan: Callable[[Sequence[str]], pa.RecordBatchReader]
    _columns: Sequence[str]
    _filter: Any

    def to_reader(self) -> pa.RecordBatchReader:
        import pyarrow.dataset as ds

        if self._filter is None:
            return self._scan(self._columns)
        everything = self._scan(self._columns)
        return ds.Scanner.from_batches(everything, filter=self._filter).to_reader()
