"""The sink for files of any format: rolling, partitions, bounds, receipts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from attrs import define, field, frozen

from vpcflow import file_sink as module
from vpcflow.errors import PluginError, UsageError
from vpcflow.file_sink import (
    MOST_OPEN,
    MOST_PARTITIONS,
    FileOptions,
    FileSink,
    file_sink,
    options_of,
)
from vpcflow.local_place import LocalPlace
from vpcflow.places import LostFile, PendingFile
from vpcflow.report import Run
from vpcflow.testing import sample_batch

OWNER = "abcdef012345"
MIB = 1 << 20


@define
class Writer:
    """Rows as Python writes them, with a buffer of its own. weight: bytes that a row counts for."""

    stream: PendingFile
    weight: int
    rows: list[Any] = field(factory=list)
    flushes: int = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self.rows += [[str(value) for value in row.values()] for row in batch.to_pylist()]

    def buffered(self) -> int:
        return len(self.rows) * self.weight

    def flush(self) -> None:
        self.flushes += 1
        for row in self.rows:
            self.stream.write(json.dumps(row).encode() + b"\n")
        self.rows = []

    def close(self) -> None:
        self.flush()
        self.stream.flush()


@frozen
class Rows:
    weight: int = 100
    suffix: str = ".rows"
    appendable: bool = False
    opened: list[Writer] = field(factory=list)

    def open(self, stream: PendingFile, schema: pa.Schema) -> Writer:
        self.opened.append(Writer(stream, self.weight))
        return self.opened[-1]


def rows_sink(target: Path | str, format: Rows | None = None, **options: str) -> FileSink:
    chosen = options_of(FileOptions, options, "rows")
    return file_sink("rows", format or Rows(), f"{target}/", chosen)


def opened(sink: FileSink, schema: pa.Schema | None = None, number: int = 1) -> FileSink:
    sink.open(schema or sample_batch().schema, Run(owner=OWNER, number=number, resumable=True))
    return sink


def visible(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )


def everything(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def many(values: range) -> pa.RecordBatch:
    """A record for each value of the column p."""
    return pa.record_batch(
        {"p": pa.array(list(values), pa.int64()), "x": pa.array(["y"] * len(values))}
    )


# ---- rolling -------------------------------------------------------------------------------------


def test_a_size_makes_a_checkpoint_due(tmp_path: Path) -> None:
    sink = opened(rows_sink(tmp_path, size="1kB"))
    batch = sample_batch()  # 4 rows, which count for 400 bytes
    due = []
    for _ in range(4):
        sink.write(batch)
        due.append(sink.due())
    assert due == [False, False, True, True]
    sink.commit(sink.prepare())
    assert not sink.due()
    assert visible(tmp_path) == [f"{OWNER}-0001-000001.rows"]
    sink.write(batch)
    assert not sink.due()
    sink.commit(sink.prepare())
    assert visible(tmp_path) == [f"{OWNER}-0001-000001.rows", f"{OWNER}-0001-000002.rows"]


def test_the_age_of_the_oldest_record_makes_a_checkpoint_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(module, "time", clock)
    now = 1000.0
    sink = opened(rows_sink(tmp_path, age="5m"))
    now = 5000.0
    assert not sink.due()  # nothing is waiting
    sink.write(sample_batch().slice(0, 0))
    now = 6000.0
    assert not sink.due()
    sink.write(sample_batch())
    now = 6200.0
    sink.write(sample_batch())
    assert not sink.due()
    now = 6300.0
    assert sink.due()
    sink.prepare()
    assert not sink.due()
    sink.abort()


def test_files_that_wait_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FINISHED", 3)
    sink = opened(rows_sink(tmp_path, partition="p"), many(range(1)).schema)
    sink.write(many(range(MOST_OPEN + 2)))
    assert not sink.due()
    sink.write(many(range(MOST_OPEN + 2, MOST_OPEN + 3)))
    assert sink.due()
    sink.abort()


def test_a_single_file_in_a_format_that_cannot_grow_waits_for_the_end(tmp_path: Path) -> None:
    sink = opened(file_sink("rows", Rows(), f"{tmp_path}/one.rows", FileOptions(size=1)))
    assert sink.whole
    sink.write(sample_batch())
    assert not sink.due()
    sink.commit(sink.prepare())
    assert visible(tmp_path) == ["one.rows"]


# ---- partitions ----------------------------------------------------------------------------------


def test_partitions_and_names(tmp_path: Path) -> None:
    sink = opened(rows_sink(tmp_path, partition="date,action"), number=7)
    sink.write(sample_batch())
    sink.write(sample_batch())
    sink.commit(sink.prepare())
    assert visible(tmp_path) == [
        f"date=2023-11-14/action=ACCEPT/{OWNER}-0007-000001.rows",
        f"date=2023-11-14/action=REJECT/{OWNER}-0007-000002.rows",
    ]
    rows = [(tmp_path / name).read_text().splitlines() for name in visible(tmp_path)]
    assert [len(each) for each in rows] == [6, 2]
    assert "ACCEPT" not in rows[0][0]  # the folder says it


def test_at_most_64_files_are_open_and_the_least_used_is_finished_first(tmp_path: Path) -> None:
    format = Rows()
    sink = opened(rows_sink(tmp_path, format, partition="p"), many(range(1)).schema)
    sink.write(many(range(MOST_OPEN)))
    sink.write(many(range(1)))  # partition 0 is used again, 1 is the oldest now
    sink.write(many(range(MOST_OPEN, MOST_OPEN + 1)))
    assert len(sink._files) == MOST_OPEN
    assert [receipt.name.split("/")[0] for receipt in sink._finished] == ["p=1"]
    sink.write(many(range(1, 2)))  # a second file of partition 1
    receipts = sink.prepare()
    assert len(receipts) == MOST_OPEN + 2
    assert not sink._files
    sink.commit(receipts)
    assert len([name for name in visible(tmp_path) if name.startswith("p=1/")]) == 2
    assert sum(len(path.read_text().splitlines()) for path in everything(tmp_path)) == MOST_OPEN + 3


def test_more_than_ten_thousand_partitions_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_PARTITIONS == 10_000
    monkeypatch.setattr(module, "MOST_PARTITIONS", 100)
    sink = opened(rows_sink(tmp_path, partition="p"), many(range(1)).schema)
    sink.write(many(range(60)))
    sink.commit(sink.prepare())
    sink.write(many(range(100)))  # those before the checkpoint count, and once
    with pytest.raises(PluginError) as error:
        sink.write(many(range(100, 101)))
    assert error.value.message == "more than 100 partitions in one run"
    assert error.value.hint is not None
    assert "partition by fewer columns" in error.value.hint
    sink.abort()
    assert len(everything(tmp_path)) == 60


def test_a_single_file_cannot_be_partitioned(tmp_path: Path) -> None:
    options = FileOptions(partition=("action",))
    with pytest.raises(UsageError, match="is one file, and cannot be partitioned"):
        file_sink("rows", Rows(), f"{tmp_path}/a.rows", options)


def test_two_sinks_of_one_run_may_share_a_directory(tmp_path: Path) -> None:
    run, batch = Run(owner=OWNER), sample_batch()
    for sink in (rows_sink(tmp_path), rows_sink(tmp_path / "." / ".." / tmp_path.name)):
        sink.open(batch.schema, run)
        sink.write(batch)
        sink.commit(sink.prepare())
    assert visible(tmp_path) == [f"{OWNER}-0001-000001.rows", f"{OWNER}-0001-000002.rows"]


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no column 'acton'"):
        opened(rows_sink(tmp_path, partition="acton"))
    assert everything(tmp_path) == []


# ---- memory --------------------------------------------------------------------------------------


def test_what_all_writers_buffer_is_bounded(tmp_path: Path) -> None:
    """The largest buffers are written out first."""
    format = Rows(weight=MIB)
    sink = opened(rows_sink(tmp_path, format, partition="p", size="1GB"), many(range(1)).schema)
    for count in (14, 10, 7, 3):
        sink.write(many(range(count)))
        assert sum(writer.buffered() for writer in format.opened) <= 32 * MIB
    flushed = [writer.flushes for writer in format.opened]
    assert 0 < sum(flushed) <= 10
    assert flushed[0] == 1  # it had four rows, the others fewer
    sink.abort()


# ---- receipts and crashes ------------------------------------------------------------------------


def two_files(tmp_path: Path) -> tuple[FileSink, list[dict[str, Any]]]:
    sink = opened(rows_sink(tmp_path, partition="action"))
    sink.write(sample_batch())
    receipts = json.loads(json.dumps(sink.prepare()))
    assert len(receipts) == 2
    return sink, receipts


def test_if_one_file_is_lost_none_stays_visible(tmp_path: Path) -> None:
    _, receipts = two_files(tmp_path)
    last = receipts[1]
    (tmp_path / last["name"]).with_name(last["token"]["temporary"]).unlink()
    with pytest.raises(LostFile):
        rows_sink(tmp_path, partition="action").commit(receipts)
    assert everything(tmp_path) == []


def test_withdrawing_before_and_after_commit(tmp_path: Path) -> None:
    for committed in (False, True):
        sink, receipts = two_files(tmp_path)
        if committed:
            sink.commit(receipts)
        rows_sink(tmp_path).withdraw(receipts)
        rows_sink(tmp_path).withdraw(receipts)
        assert everything(tmp_path) == []


def test_abort_leaves_nothing_but_what_was_prepared(tmp_path: Path) -> None:
    sink = opened(rows_sink(tmp_path, partition="p"), many(range(1)).schema)
    sink.write(many(range(3)))
    receipts = sink.prepare()
    sink.write(many(range(MOST_OPEN + 5)))  # some are finished and not prepared
    assert len(everything(tmp_path)) == 3 + MOST_OPEN + 5
    sink.abort()
    assert len(everything(tmp_path)) == 3
    assert visible(tmp_path) == []
    sink.commit(receipts)
    assert len(visible(tmp_path)) == 3


def test_leftovers_of_this_state_are_removed(tmp_path: Path) -> None:
    sink, _ = two_files(tmp_path)
    sink.write(sample_batch())
    after = opened(rows_sink(tmp_path, partition="action"), number=2)
    after.discard_leftovers()
    assert everything(tmp_path) == []
    sink.abort()


def test_a_file_that_cannot_be_removed_does_not_keep_the_others(tmp_path: Path) -> None:
    sink = opened(rows_sink(tmp_path, partition="p"), many(range(1)).schema)
    sink.write(many(range(3)))
    first = next(iter(sink._files.values()))
    name = first.pending.path.name  # type: ignore[attr-defined]
    path = tmp_path / "p=0" / name
    path.unlink()
    path.mkdir()
    with pytest.raises(PluginError, match="cannot remove"):
        sink.abort()
    assert everything(tmp_path) == []


# ---- times, errors, places -----------------------------------------------------------------------


def test_times_as_aws_writes_them(tmp_path: Path) -> None:
    sink = opened(rows_sink(tmp_path, times="epoch", partition="hour"))
    assert sink._schema.field("start").type == pa.int64()
    sink.write(sample_batch().slice(0, 1))
    sink.commit(sink.prepare())
    (path,) = everything(tmp_path)
    assert path.parent.name == "hour=22"
    assert {"1700000000", "1700000058"} <= set(json.loads(path.read_text()))


def test_an_error_of_the_stream_that_the_format_did_not_expect(tmp_path: Path) -> None:
    class Broken(Writer):
        def write(self, batch: pa.RecordBatch) -> None:
            raise OSError(28, "No space left on device")

    class Format(Rows):
        def open(self, stream: PendingFile, schema: pa.Schema) -> Writer:
            return Broken(stream, 1)

    sink = opened(rows_sink(tmp_path, Format()))
    with pytest.raises(PluginError, match="writing failed: No space left on device") as error:
        sink.write(sample_batch())
    assert error.value.plugin == f"rows:{tmp_path}/"
    sink.abort()
    assert everything(tmp_path) == []


def test_a_format_that_fails_to_open_leaves_no_file(tmp_path: Path) -> None:
    class Format(Rows):
        def open(self, stream: PendingFile, schema: pa.Schema) -> Writer:
            raise ValueError("no such codec")

    sink = opened(rows_sink(tmp_path, Format()))
    with pytest.raises(ValueError, match="no such codec"):
        sink.write(sample_batch())
    assert everything(tmp_path) == []


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Any]:
    """A registered place, as vpcflow-aws registers s3."""
    from vpcflow.hookspecs import hookimpl
    from vpcflow.plugins import plugins

    class Elsewhere:
        @hookimpl
        def vpcflow_register_places(self, register: Any) -> None:
            register("mem", lambda url: LocalPlace(tmp_path / url.removeprefix("mem://")))

    plugin = Elsewhere()
    plugins().register(plugin, "elsewhere")
    yield
    plugins().manager.unregister(plugin)
    plugins().loaded.pop()
    plugins()._registries.clear()


@pytest.mark.usefixtures("elsewhere")
def test_targets_with_a_scheme_go_to_the_place_of_a_plugin(tmp_path: Path) -> None:
    sink = opened(file_sink("rows", Rows(), "MEM://bucket/logs", FileOptions()))
    assert sink.name == "rows:MEM://bucket/logs"
    assert not sink.whole
    sink.write(sample_batch())
    sink.commit(sink.prepare())
    assert len(everything(tmp_path)) == 1
