"""The suite for sinks: the two-phase protocol of `vpcflow.sinks`, with crashes in between."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa

from vpcflow.report import Run
from vpcflow.sinks import Sink
from vpcflow.testing.promise import broken, check_options, first_difference, keeping, require
from vpcflow.testing.samples import FORMATS, sample_batch

Row = dict[str, Any]
_ALL = "every record that was written and committed can be read back, once, with its values"
_HIDDEN = "what was written is not visible before commit"
_AGAIN = "commit(receipts) may be repeated"
_JSON = "receipts are small JSON values"
_CRASH = "after a crash a new sink commits the stored receipts, before it is opened"
_RECEIPT_LIMIT = 1 << 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_RUNS = count(1)


class SinkSuite:
    """Subclass it in your tests, name the subclass Test..., and write `make_sink` and `read_back`.

    make_sink(folder): a new sink; all that are made with one `folder` (of the test's own) deliver
    to the same target. read_back(folder): all rows that a user of the target sees, as dicts by
    column name; nulls as None or left out, times as aware datetimes, or whole seconds with
    times = "epoch". factory, target, options: what your plugin registers, and what it is called
    with; only for the test of a wrong option. keeps_records: False if nothing can be read back.
    """

    factory: ClassVar[Callable[..., Any] | None] = None
    target: str = ""
    options: Mapping[str, str] = {}
    times: Literal["timestamp", "epoch"] = "timestamp"
    keeps_records: bool = True

    def make_sink(self, folder: Path) -> Sink:
        raise NotImplementedError("write make_sink(folder)")

    def read_back(self, folder: Path) -> Iterable[Mapping[str, Any]]:
        raise NotImplementedError("write read_back(folder)")

    def sample(self, kind: str = "default") -> pa.RecordBatch:
        """The records that the tests write, of a kind of `FORMATS`. They are of November 2023:
        override it for a target that refuses what is old, with
        `return sample_batch(kind, since=an_hour_ago)`, where `an_hour_ago` stays the same."""
        return sample_batch(kind)

    # ---- what is written comes back --------------------------------------------------------------

    def test_every_kind_of_record_comes_back(self, tmp_path: Path) -> None:
        for kind in FORMATS:
            batch = self.sample(kind)
            folder = tmp_path / kind
            folder.mkdir()
            sink = self._opened(folder, batch.schema)
            self._write(sink, batch)
            self._checkpoint(sink)
            sink.close()
            self._holds(folder, [batch], f"the {kind} sample")

    def test_columns_of_enrichers_come_back(self, tmp_path: Path) -> None:
        batch = _enriched(self.sample("v5"))
        sink = self._opened(tmp_path, batch.schema)
        self._write(sink, batch)
        self._checkpoint(sink)
        sink.close()
        self._holds(tmp_path, [batch], "a batch with columns of enrichers")

    def test_several_batches_and_checkpoints(self, tmp_path: Path) -> None:
        batches = _parts(self.sample())
        sink = self._opened(tmp_path, batches[0].schema)
        for batch in batches:
            self._write(sink, batch)
            self._write(sink, batch.slice(0, 0))
            if not sink.whole:
                self._checkpoint(sink)
        self._checkpoint(sink)
        sink.close()
        self._holds(tmp_path, batches, "batches of three checkpoints")

    def test_nothing_written(self, tmp_path: Path) -> None:
        promise = "a run without records is a run like any other"
        with keeping(promise, "a checkpoint before the first record"):
            sink = self._opened(tmp_path, self.sample().schema)
            require(not sink.due(), promise, "due() asks for a checkpoint of nothing")
            sink.commit(sink.prepare())
            sink.commit([])
            sink.close()
        self._holds(tmp_path, [], "nothing")

    # ---- the two phases --------------------------------------------------------------------------

    def test_nothing_is_visible_before_commit(self, tmp_path: Path) -> None:
        batch = self.sample()
        sink = self._opened(tmp_path, batch.schema)
        if sink.delivery == "at-least-once":
            return
        self._write(sink, batch)
        self._shows_nothing(tmp_path, "write()", _HIDDEN)
        receipts = sink.prepare()
        self._shows_nothing(tmp_path, "prepare()", _HIDDEN)
        sink.commit(receipts)
        self._holds(tmp_path, [batch], "what commit made visible")

    def test_receipts_are_small_json(self, tmp_path: Path) -> None:
        batch = self.sample()
        sink = self._opened(tmp_path, batch.schema)
        self._write(sink, batch)
        receipts = sink.prepare()
        if sink.delivery == "at-least-once":
            require(not receipts, "at-least-once sinks give no receipts", f"prepare(): {receipts}")
        for receipt in receipts:
            size = len(_as_json(receipt))
            require(size <= _RECEIPT_LIMIT, _JSON, f"prepare() gave a receipt of {size} bytes")
        sink.commit(receipts)

    def test_commit_may_be_repeated(self, tmp_path: Path) -> None:
        batch = self.sample()
        sink = self._opened(tmp_path, batch.schema)
        if sink.delivery == "at-least-once":
            return
        self._write(sink, batch)
        receipts = sink.prepare()
        sink.commit(receipts)
        for sinks_, who in ((sink, "the same sink"), (self._made(tmp_path), "a new sink")):
            with keeping(_AGAIN, f"commit(receipts) is not idempotent: the second call, of {who},"):
                sinks_.commit(_stored(receipts))
            self._holds(tmp_path, [batch], f"what {who} committed twice", _AGAIN)

    def test_a_crash_between_prepare_and_commit(self, tmp_path: Path) -> None:
        batches = _parts(self.sample())
        sink = self._opened(tmp_path, batches[0].schema)
        if sink.delivery == "at-least-once" or not sink.resumable:
            return
        self._write(sink, batches[0])
        receipts = _stored(sink.prepare())
        if not sink.whole:
            self._write(sink, batches[1])  # and is killed: nobody calls abort() or close()
        after = self._made(tmp_path)
        with keeping(_CRASH, "commit(receipts) of a new sink"):
            after.commit(receipts)
        self._open(after, batches[0].schema)
        after.discard_leftovers()
        self._holds(tmp_path, batches[:1], "what was prepared before the crash", _CRASH)
        if not after.whole:
            self._write(after, batches[1])
            self._checkpoint(after)
            self._holds(tmp_path, batches[:2], "what was delivered before and after a crash")
        after.close()
        sink.abort()  # only now: it frees what the killed one held

    def test_a_crash_before_the_receipts_are_stored(self, tmp_path: Path) -> None:
        batch = self.sample()
        sink = self._opened(tmp_path, batch.schema)
        if sink.delivery == "at-least-once" or not sink.resumable:
            return
        self._write(sink, batch)
        sink.prepare()
        after = self._opened(tmp_path, batch.schema)
        promise = "discard_leftovers() removes what has no stored receipt; its records come again"
        with keeping(promise, "discard_leftovers()"):
            after.discard_leftovers()
        self._write(after, batch)
        self._checkpoint(after)
        after.close()
        self._holds(tmp_path, [batch], "what was delivered again after a crash", promise)

    def test_leftovers_of_others_stay(self, tmp_path: Path) -> None:
        batch = self.sample()
        sink = self._opened(tmp_path, batch.schema)
        if sink.delivery == "at-least-once" or not sink.resumable:
            return
        self._write(sink, batch)
        receipts = sink.prepare()
        stranger = self._made(tmp_path)
        stranger.open(batch.schema, Run(owner="0123456789ab", number=next(_RUNS)))
        stranger.discard_leftovers()
        promise = "discard_leftovers() removes leftovers of its own run.owner, and no others"
        with keeping(promise, "commit(receipts), after discard_leftovers() of another owner,"):
            sink.commit(receipts)
        self._holds(tmp_path, [batch], "what another owner's run left alone", promise)

    def test_withdraw(self, tmp_path: Path) -> None:
        batch = self.sample()
        promise = "withdraw(receipts) removes what they stand for, whether visible or not"
        for committed in (False, True):
            folder = tmp_path / str(committed)
            folder.mkdir()
            sink = self._opened(folder, batch.schema)
            if sink.delivery == "at-least-once" or not sink.resumable:
                return
            self._write(sink, batch)
            receipts = sink.prepare()
            if committed:
                sink.commit(receipts)
            with keeping(promise, "withdraw(receipts) of a new sink"):
                self._made(folder).withdraw(_stored(receipts))
            self._shows_nothing(folder, "withdraw()", promise)

    def test_abort(self, tmp_path: Path) -> None:
        batches = _parts(self.sample())
        sink = self._opened(tmp_path, batches[0].schema)
        promise = "abort() drops what was not prepared; what was prepared stays"
        receipts: Any = []
        if not sink.whole:
            self._write(sink, batches[0])
            receipts = sink.prepare()
            sink.commit(receipts if sink.delivery == "at-least-once" else [])
        self._write(sink, batches[1])
        with keeping(promise, "abort()"):
            sink.abort()
        if sink.delivery == "at-least-once":
            return
        self._shows_nothing(tmp_path, "abort()", promise)
        if receipts:
            with keeping(promise, "commit(receipts) after abort()"):
                self._made(tmp_path).commit(_stored(receipts))
            self._holds(tmp_path, batches[:1], "what was prepared before abort()", promise)

    # ---- settings --------------------------------------------------------------------------------

    def test_nothing_happens_before_open(self, tmp_path: Path) -> None:
        self._made(tmp_path)
        made = sorted(path.name for path in tmp_path.rglob("*"))
        promise = "nothing is created or contacted before open()"
        require(not made, promise, f"making the sink created {made}")

    def test_a_wrong_option(self) -> None:
        check_options(type(self).factory, self.target, self.options, "sink")

    # ---- helpers ---------------------------------------------------------------------------------

    def _made(self, folder: Path) -> Sink:
        sink = self.make_sink(folder)
        kind = type(sink).__name__
        require(isinstance(sink, Sink), "a sink is a vpcflow.sinks.Sink", f"it is a {kind}")
        return sink

    def _opened(self, folder: Path, schema: pa.Schema) -> Sink:
        return self._open(self._made(folder), schema)

    def _open(self, sink: Sink, schema: pa.Schema) -> Sink:
        run = Run(owner="abcdef012345", number=next(_RUNS), resumable=sink.resumable)
        sink.open(schema, run)
        return sink

    def _write(self, sink: Sink, batch: pa.RecordBatch) -> None:
        with keeping("write(batch) takes every record that can be parsed", "write(batch)"):
            sink.write(batch)

    def _checkpoint(self, sink: Sink) -> None:
        with keeping("prepare() and commit() deliver what was written", "a checkpoint"):
            sink.commit(_stored(sink.prepare()))

    def _rows(self, folder: Path) -> list[Row]:
        if not self.keeps_records:
            return []
        rows = self.read_back(folder)
        return [{k: v for k, v in sorted(row.items()) if v is not None} for row in rows]

    def _shows_nothing(self, folder: Path, after: str, promise: str) -> None:
        rows = self._rows(folder)
        require(not rows, promise, f"{after} made {len(rows)} records visible before commit")

    def _holds(
        self, folder: Path, batches: Iterable[pa.RecordBatch], what: str, promise: str = _ALL
    ) -> None:
        """Files and services keep no order: rows are compared sorted."""
        if not self.keeps_records:
            return
        wanted = [self._expected(row) for batch in batches for row in batch.to_pylist()]
        seen = self._rows(folder)
        different = first_difference(sorted(wanted, key=repr), sorted(seen, key=repr), "rows")
        if different:
            broken(promise, f"{what}: read_back gave {different}")

    def _expected(self, row: Mapping[str, Any]) -> Row:
        times = self.times == "epoch"
        return {
            name: (value - _EPOCH) // timedelta(seconds=1)
            if times and isinstance(value, datetime)
            else value
            for name, value in sorted(row.items())
            if value is not None
        }


def _stored(receipts: Any) -> Any:
    """Receipts as they come back from where the pipeline stores them."""
    return json.loads(_as_json(list(receipts)))


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        broken(_JSON, f"prepare() gave {value!r}: {error}")


def _parts(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    return [batch.slice(0, 1), batch.slice(1, 1), batch.slice(2)]


def _enriched(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with columns as enrichers add them: a repeated text, a number, a yes or no."""
    rows = range(batch.num_rows)
    columns = {
        "src_country": pa.array([None if n else "日本" for n in rows]).dictionary_encode(),
        "src_asn": pa.array([None if n else 2**32 - 1 for n in rows], pa.uint32()),
        "src_latitude": pa.array([None if n else 35.5 for n in rows], pa.float64()),
        "src_is_ours": pa.array([not n for n in rows], pa.bool_()),
    }
    for name, column in columns.items():
        batch = batch.append_column(name, column)
    return batch
