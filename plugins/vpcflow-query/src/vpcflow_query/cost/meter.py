"""Measuring flow logs while they pass by: one pass, bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import vpcflow
from vpcflow.fields import FIELDS
from vpcflow.sources import flow_log_id
from vpcflow_query.cost import queries
from vpcflow_query.cost.distinct import Distinct
from vpcflow_query.cost.line_length import typical
from vpcflow_query.cost.origin import destination_of, region_of
from vpcflow_query.cost.volume import (
    Distincts,
    FieldVolume,
    InterfaceVolume,
    Share,
    Volume,
)
from vpcflow_query.duck import connect
from vpcflow_query.prices import is_region

if TYPE_CHECKING:
    import duckdb

    from vpcflow_query.reading import Reading

STRIDE = 16
PIECE = 1 << 17
"""Records that are measured at a time: enough to make a query's own cost vanish."""
MOST_INTERFACES = 50_000
MOST_REGIONS = 100
MOST_SLOTS = 1 << 20
OTHERS = "(others)"
_SHARES = ("all", "nodata", "skipdata", "reject", "noise", "few")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def measure(reading: Reading) -> Volume:
    """Reads all that a `Reading` names and measures it. What is wrong with a source goes to
    `reading.errors`; the records before that are measured."""
    with reading.scan() as stream, Meter() as meter:
        for batch in reading.batches(stream):
            meter.add(batch)
        return meter.volume()


class Meter:
    """Measures batches that somebody reads; a context manager.

        with Meter() as meter:
            for batch in stream:
                meter.add(batch)
                ...
            volume = meter.volume()

    All of a format's columns make the volume exact. Of those that a batch lacks (the stream was
    made with `columns=`), lengths are the usual ones, and what is told from them is left out: give
    at least interface_id, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, start, end,
    action and log_status.

    full: records after which one batch in `STRIDE` is measured and stands for the others, where
    speed matters more than the last digit; None: all are measured. What needs all records of a flow
    (`Volume.distinct`) is then told of the first `full` only.
    """

    def __init__(self, *, full: int | None = None) -> None:
        self._full = full
        self._batches = 0
        self._stack = ExitStack()
        self._db: duckdb.DuckDBPyConnection | None = None
        self._pending: list[tuple[vpcflow.FlowBatch, int]] = []
        self._rows = self._records = self._keyed = 0
        self._sampled = False
        self._shares = {name: Share() for name in _SHARES}
        self._fields: dict[str, FieldVolume] = {}
        self._interfaces: dict[str, InterfaceVolume] = {}
        self._partial = False
        self._distinct = {key: Distinct() for key in queries.KEYS}
        self._tracked = 0
        self._slots: set[int] = set()
        self._first: int | None = None
        self._last: int | None = None
        self._longest = 0
        self._long = 0
        self._stored: dict[str, int] = {}
        self._filtered = self._rejected = 0
        self._regions: dict[str, int] = {}
        self._flow_logs: dict[str, int] = {}
        self._destination: str | None = None

    def __enter__(self) -> Self:
        self._db = self._stack.enter_context(connect(memory="512MB"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pending.clear()
        self._stack.close()

    @property
    def records(self) -> int:
        """Records taken so far."""
        return self._records

    def add(self, batch: vpcflow.FlowBatch) -> None:
        """Take a batch, in the order of its stream. It is kept until a piece is full."""
        self._filtered += batch.counts.get("filtered", 0)
        self._rejected += batch.counts.get("rejected", 0)
        origin = self._origin(batch.source)
        self._stored[batch.source] = max(self._stored.get(batch.source, 0), batch.bytes_in)
        if not len(batch):
            return
        sampled = self._full is not None and self._records >= self._full
        self._records += len(batch)
        if sampled != self._sampled:
            self._flush()
            self._sampled = sampled
        self._batches += 1
        if sampled and self._batches % STRIDE:
            return
        if self._pending and _shape(self._pending[0][0]) != _shape(batch):
            self._flush()
        self._pending.append((batch, origin))
        self._rows += len(batch)
        if self._rows >= PIECE:
            self._flush()

    def volume(self) -> Volume:
        """What was measured so far."""
        self._flush()
        shares = self._shares
        ok = Share(
            *(
                getattr(shares["all"], part)
                - getattr(shares["nodata"], part)
                - getattr(shares["skipdata"], part)
                for part in ("records", "text_bytes")
            )
        )
        return Volume(
            **shares,
            ok=ok,
            fields=dict(self._fields),
            interfaces=dict(self._interfaces),
            distinct=self._distincts(),
            first=_time(self._first),
            last=_time(self._last),
            slots=len(self._slots),
            longest_window=self._longest / 1000,
            long_windows=self._long,
            stored_bytes=sum(self._stored.values()),
            filtered=self._filtered,
            rejected=self._rejected,
            region=max(self._regions, key=self._regions.__getitem__, default=None),
            flow_logs=tuple(self._flow_logs),
            destination=self._destination,
            partial_interfaces=self._partial,
        )

    def _origin(self, source: str) -> int:
        """The number of a source's flow log; looks at a source when it is met first."""
        if source not in self._stored:
            region = region_of(source)
            if region is not None:
                self._regions.setdefault(region, 0)
            if self._destination is None:
                self._destination = destination_of(source)
        flow_log = flow_log_id(source)
        if flow_log is None:
            return -1
        return self._flow_logs.setdefault(flow_log, len(self._flow_logs))

    # ---- a piece ---------------------------------------------------------------------------------

    def _flush(self) -> None:
        if not self._pending:
            return
        import pyarrow as pa

        if self._db is None:
            raise vpcflow.UsageError("a Meter is a context manager", hint="with Meter() as meter:")
        pending, self._pending, self._rows = self._pending, [], 0
        pieces = []
        for batch, origin in pending:
            columns = pa.record_batch(batch)
            numbers = pa.repeat(pa.scalar(origin, pa.int32()), len(batch))
            pieces.append(columns.append_column("origin_", numbers))
            self._tracked += len(batch) if origin >= 0 and not self._sampled else 0
        table = pa.Table.from_batches(pieces)
        self._db.register("piece", table)
        try:
            self._sum(self._db, pending[0][0], STRIDE if self._sampled else 1)
            self._slots_of(self._db, pending[0][0].column_names)
            if not self._sampled:
                self._collect(self._db, pending[0][0].column_names)
                self._keyed += table.num_rows
        finally:
            self._db.unregister("piece")

    def _sum(self, db: duckdb.DuckDBPyConnection, batch: vpcflow.FlowBatch, weight: int) -> None:
        """weight: how many times what is counted stands for."""
        columns = batch.column_names
        format = columns if batch.format is None else batch.format.names
        measured = [name for name in format if name in columns]
        others = {name: _usual(name, batch) for name in format if name not in columns}
        query = queries.totals(measured, columns, sum(others.values()))
        records = 0
        for row in db.execute(query).fetchall():
            values = iter(row)
            interface = str(next(values))
            shares = {n: Share(next(values) * weight, next(values) * weight) for n in _SHARES}
            self._interface(interface, shares, next(values))
            self._window(*(next(values) for _ in range(3)))
            self._long += next(values) * weight
            region = next(values)
            if region is not None:
                self._region(region, shares["all"].records)
            for name in measured:
                length, present = next(values) * weight, next(values) * weight
                text_bytes = length + shares["all"].records
                self._field(name, FieldVolume(text_bytes, present))
            records += shares["all"].records
        for name, length in others.items():
            self._field(name, FieldVolume(length * records, records, measured=False))

    def _interface(self, name: str, shares: dict[str, Share], nat: bool) -> None:
        for part, share in shares.items():
            self._shares[part] += share
        if name not in self._interfaces and len(self._interfaces) >= MOST_INTERFACES:
            name, self._partial = OTHERS, True
        was = self._interfaces.get(name, InterfaceVolume())
        self._interfaces[name] = InterfaceVolume(
            was.all + shares["all"],
            was.nodata + shares["nodata"],
            was.reject + shares["reject"],
            was.nat or nat,
        )

    def _field(self, name: str, more: FieldVolume) -> None:
        was = self._fields.get(name, FieldVolume(0, 0))
        self._fields[name] = FieldVolume(
            was.text_bytes + more.text_bytes,
            was.values + more.values,
            was.measured and more.measured,
        )

    def _window(self, first: int | None, last: int | None, longest: int) -> None:
        if first is not None:
            self._first = first if self._first is None else min(self._first, first)
        if last is not None:
            self._last = last if self._last is None else max(self._last, last)
        self._longest = max(self._longest, longest)

    def _region(self, region: str, records: int) -> None:
        if region in self._regions or (len(self._regions) < MOST_REGIONS and is_region(region)):
            self._regions[region] = self._regions.get(region, 0) + records

    # ---- distinct keys ---------------------------------------------------------------------------

    def _collect(self, db: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> None:
        db.execute(f"CREATE OR REPLACE TEMP TABLE keys_ AS {queries.keys(columns)}")
        bounds = [min(self._distinct[key].bound, (1 << 64) - 1) for key in queries.KEYS]
        found: list[list[int]] = [[] for _ in queries.KEYS]
        for number, one in _rows(db, queries.distinct("keys_"), bounds):
            found[number].append(one)
        for key, hashes in zip(queries.KEYS, found, strict=True):
            self._distinct[key].add(hashes)

    def _slots_of(self, db: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> None:
        if len(self._slots) < MOST_SLOTS:
            self._slots.update(slot for (slot,) in db.execute(queries.slots(columns)).fetchall())

    def _distincts(self) -> Distincts:
        counts = {key: counter.count for key, counter in self._distinct.items()}
        exact = all(counter.exact for counter in self._distinct.values())
        return Distincts(**counts, tracked=self._tracked, records=self._keyed, exact=exact)


def _rows(
    db: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any]
) -> Iterator[tuple[int, int]]:
    cursor = db.execute(query, list(parameters))
    while rows := cursor.fetchmany(10_000):
        yield from rows


def _shape(batch: vpcflow.FlowBatch) -> tuple[object, ...]:
    return batch.format, batch.column_names


def _usual(name: str, batch: vpcflow.FlowBatch) -> int:
    """Bytes of a field that was not read, with its blank."""
    field = FIELDS.get(name)
    return 2 if field is None else typical(field) + 1


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)
