"""Running a statement: rows come as they are found, and Ctrl-C is heard at once.

DuckDB looks for signals only between its tasks, and one task may take as long as a sort. So the
statement runs in a thread of its own, and the caller's thread waits where Python hears signals.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from attrs import define, field

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ROWS = 8_192  # in a batch of the result
_AHEAD = 4  # batches that wait for the caller
_LOOK = 0.1  # seconds between two looks at whether to stop
_PATIENCE = 5.0  # seconds for a statement that was interrupted to end in


class _Stopped(Exception):  # noqa: N818 (never leaves this module)
    """The caller wants no more rows."""


@define
class Result:
    """The rows of a statement: iterate once. schema: known before the first row."""

    schema: pa.Schema
    _batches: Iterator[pa.RecordBatch]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._batches


@define(eq=False)
class _Run:
    connection: duckdb.DuckDBPyConnection
    statement: str
    parameters: Sequence[object] | None
    items: queue.Queue[Any] = field(factory=lambda: queue.Queue(_AHEAD))
    stop: threading.Event = field(factory=threading.Event)

    def work(self) -> None:
        try:
            relation: Any = self.connection.sql(self.statement, params=self.parameters)
            if relation is None:  # it has no rows, and has been run
                self._put(None)
                return
            reader = relation.to_arrow_reader(ROWS)
            self._put(reader.schema)
            for batch in reader:
                self._put(batch)
            self._put(None)
        except _Stopped:
            pass
        except BaseException as error:
            self._put_last(error)

    def _put(self, item: object) -> None:
        while not self.stop.is_set():
            try:
                self.items.put(item, timeout=_LOOK)
                return
            except queue.Full:
                continue
        raise _Stopped

    def _put_last(self, error: BaseException) -> None:
        with suppress(_Stopped):
            self._put(error)

    def next(self) -> Any:
        """The next item, waited for in small steps: a lock that is waited for without an end hears
        no signal on some systems."""
        while True:
            try:
                item = self.items.get(timeout=_LOOK)
                break
            except queue.Empty:
                continue
        if isinstance(item, BaseException):
            raise item
        return item

    def batches(self) -> Iterator[pa.RecordBatch]:
        while (batch := self.next()) is not None:
            yield batch


@contextmanager
def running(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    parameters: Sequence[object] | None = None,
) -> Iterator[Result]:
    """The statement's rows, for this block; leaving it stops the statement.

    Raises what DuckDB raises, here or while rows are fetched.
    """
    run = _Run(connection, statement, parameters)
    worker = threading.Thread(target=run.work, name="vpcflow-sql", daemon=True)
    worker.start()
    try:
        yield Result(run.next(), run.batches())
    finally:
        run.stop.set()
        until = time.monotonic() + _PATIENCE
        while worker.is_alive() and time.monotonic() < until:
            connection.interrupt()  # again: it is not heard before the statement has begun
            worker.join(_LOOK)


def execute(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    parameters: Sequence[object] | None = None,
) -> None:
    """Run a statement that has no rows, such as CREATE TABLE. Raises what DuckDB raises."""
    with running(connection, statement, parameters):
        pass


def fetch(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    parameters: Sequence[object] | None = None,
) -> list[dict[str, Any]]:
    """All rows of a statement that has few. Raises what DuckDB raises."""
    with running(connection, statement, parameters) as result:
        return [row for batch in result for row in batch.to_pylist()]
