"""Deliveries in which several things come together: damage and resuming, counts over many runs,
options and files that are one of a kind."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import lines
import pyarrow as pa
import pytest
from delivered import HEADER, Rows, rows_of

import vpcflow
from vpcflow import UsageError, _native
from vpcflow.enrich import KeyedEnricher
from vpcflow.enriching import Enrichment
from vpcflow.pipeline import Pipeline
from vpcflow.report import Run
from vpcflow.sinks import Sink
from vpcflow.source_files import LocalFile


def records(count: int) -> list[bytes]:
    """Lines of the default format, each of its own: `bytes` counts."""
    line = lines.DEFAULT_LINE.split(b" ")
    place = vpcflow.FlowFormat.default().names.index("bytes")
    return [b" ".join([*line[:place], b"%d" % n, *line[place + 1 :]]) for n in range(count)]


def numbers(rows: Rows) -> list[int]:
    return [row["bytes"] for row in rows]


def delivering(source: object, tmp_path: Path, **settings: Any) -> Pipeline:
    sources = source if isinstance(source, list) else [source]
    usual: dict[str, Any] = {"to": [f"jsonl:{tmp_path}/out/"], "state": tmp_path / "state.db"}
    return Pipeline(sources=sources, **(usual | settings))


class Breaking(LocalFile):
    """A file whose store breaks off after so many bytes."""

    broken_at = 0

    def open(self) -> Any:
        stream = super().open()
        left = [self.broken_at]

        class Broken:
            def read(self, size: int = -1) -> bytes:
                if left[0] <= 0:
                    raise OSError("connection reset")
                data = stream.read(min(size, left[0]))
                left[0] -= len(data)
                return data

            def seekable(self) -> bool:
                return False

            def close(self) -> None:
                stream.close()

        return Broken()


def breaking(path: Path, at: int) -> Breaking:
    file = Breaking(str(path))
    object.__setattr__(file, "broken_at", at)
    return file


class Stopping(Sink):
    """Stops its pipeline at the first batch."""

    name = "stopping"
    pipeline: Pipeline

    def open(self, schema: pa.Schema, run: Run) -> None:
        pass

    def write(self, batch: pa.RecordBatch) -> None:
        self.pipeline.stop()


def stopped_after_a_batch(source: object, tmp_path: Path, **settings: Any) -> Pipeline:
    sink = Stopping()
    pipeline = delivering(source, tmp_path, **settings)
    pipeline.to = [*pipeline.to, sink]
    sink.pipeline = pipeline
    return pipeline


# ---- damage, and going on behind it --------------------------------------------------------------


def test_a_store_that_breaks_off_before_the_place_to_go_on_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(lines.text([HEADER, *records(60_000)]))
    assert stopped_after_a_batch(path, tmp_path).run().interrupted
    broken = stopped_after_a_batch(breaking(path, 500_000), tmp_path).run()
    assert "connection reset" in broken.damaged[str(path)]
    whole = stopped_after_a_batch(path, tmp_path)
    while whole.run().interrupted:
        whole = stopped_after_a_batch(path, tmp_path)
    assert sorted(numbers(rows_of(tmp_path / "out"))) == list(range(60_000))


def test_a_file_that_is_damaged_before_the_place_to_go_on_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.log.gz"
    whole = gzip.compress(lines.text([HEADER, *records(30_000)]))
    path.write_bytes(whole[: len(whole) // 2])
    delivering(path, tmp_path).run()
    path.write_bytes(whole[: len(whole) // 3])
    assert str(path) in delivering(path, tmp_path).run().damaged
    path.write_bytes(whole)
    assert delivering(path, tmp_path).run().exit_code == 0
    assert sorted(numbers(rows_of(tmp_path / "out"))) == list(range(30_000))


@pytest.mark.parametrize("before", [b"\n\n\n", b"", HEADER[:20], b"\n" + HEADER[:20]])
def test_a_file_that_was_damaged_before_its_first_line_is_read_once_it_is_whole(
    tmp_path: Path, before: bytes
) -> None:
    path = tmp_path / "a.log.gz"
    text = before.removesuffix(HEADER[:20]) + lines.text([HEADER, *records(100)])
    path.write_bytes(gzip.compress(before)[:-8])
    delivering(path, tmp_path).run()
    path.write_bytes(gzip.compress(text))
    report = delivering(path, tmp_path).run()
    assert (report.exit_code, numbers(rows_of(tmp_path / "out"))) == (0, list(range(100)))


@pytest.mark.parametrize("at", [0, 1, 20, len(HEADER), len(HEADER) + 1, len(HEADER) + 50])
def test_a_store_that_breaks_off_at_once_is_read_by_the_next_run(tmp_path: Path, at: int) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(lines.text([HEADER, *records(100)]))
    other = tmp_path / "b.log"
    other.write_bytes(lines.text([HEADER, *records(1)]))
    delivering([breaking(path, at), other], tmp_path).run()
    report = delivering([path, other], tmp_path).run()
    assert report.exit_code == 0
    assert sorted(numbers(rows_of(tmp_path / "out"))) == [0, *range(100)]


# ---- counts over runs ----------------------------------------------------------------------------


class Missing(KeyedEnricher):
    name = "missing"
    on = {"src": ("srcaddr",)}
    adds = {"{role}_country": "utf8"}

    def lookup(self, key: str, epoch: int = 0) -> tuple[str]:
        raise LookupError(key)


def test_enricher_errors_are_counted_over_all_runs_of_a_state(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(lines.text([HEADER, *records(60_000)]))
    runs, report = 0, None
    while report is None or report.interrupted:
        report = stopped_after_a_batch(
            path, tmp_path, enrich=[Missing()], on_enricher_error="null"
        ).run()
        runs += 1
    assert runs > 2
    assert report.enricher_errors["missing"] >= runs - 1


# ---- files and options that are one of a kind ----------------------------------------------------


def test_the_only_file_of_a_directory_is_read_only_if_it_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    name = "222222222222_vpcflowlogs_eu-west-1_fl-0a_20260914T1000Z_abcdef01.log"
    (tmp_path / "logs" / name).write_bytes(lines.text([HEADER, *records(3)]))
    for source in (tmp_path / "logs", f"{tmp_path}/logs/*.log"):
        report = Pipeline(sources=[source], to=["null:"], accounts=["111111111111"]).run()
        assert (report.files, report.counts["lines"]) == (0, 0)
    named = Pipeline(sources=[tmp_path / "logs" / name], to=["null:"], accounts=["111111111111"])
    assert named.run().files == 1


def test_a_file_named_in_two_ways_is_delivered_once(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(lines.text([HEADER, *records(3)]))
    report = Pipeline(sources=["logs", "./logs/a.log", str(tmp_path / "logs")], to=["null:"]).run()
    assert report.counts["records"] == 3


@pytest.mark.parametrize("partition", ["account_id", "date"])
def test_nothing_to_read_is_nothing_wrong(tmp_path: Path, partition: str) -> None:
    (tmp_path / "a.log").write_bytes(b"\n\n")
    to = [f"jsonl:{tmp_path}/out/?partition={partition}"]
    assert delivering(tmp_path / "a.log", tmp_path, to=to).run().exit_code == 0


def test_an_empty_name_of_a_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(lines.text([HEADER]))
    with pytest.raises(UsageError, match="state"):
        delivering(tmp_path / "a.log", tmp_path, state="").run()


def test_the_order_of_a_set_is_no_other_setting(tmp_path: Path) -> None:
    regions = {f"r{n}" for n in range(20)}
    pipeline = delivering(tmp_path / "a.log", tmp_path, where={"region": regions})
    assert pipeline.described()["where"] == {"region": sorted(regions)}


class Watched(LocalFile):
    """Keeps the streams that were opened."""

    streams: list[Any] = []

    def open(self) -> Any:
        stream = super().open()
        self.streams.append(stream)
        return stream


def test_a_target_that_cannot_be_opened_leaves_no_source_open(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(lines.text([HEADER, *records(3)]))
    Watched.streams.clear()
    with pytest.raises(UsageError, match="no column 'nothing' to partition by"):
        Pipeline(
            sources=[Watched(str(tmp_path / "a.log"))],
            to=[f"jsonl:{tmp_path}/out/?partition=nothing"],
        ).run()
    assert Watched.streams
    assert all(stream.closed for stream in Watched.streams)


# ---- Ctrl-C --------------------------------------------------------------------------------------


def test_ctrl_c_delivers_what_came_while_standard_input_says_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vpcflow", "run", "-", "--to", f"jsonl:{tmp_path}/out.jsonl"]
    command += ["--rejects", f"{tmp_path}/rejects.jsonl"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(lines.text([HEADER, *records(60_000)]))
        process.stdin.flush()
        while not list(tmp_path.glob(".out.jsonl*")):  # until the first batch
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
        assert process.wait(timeout=30) == 130, said
    assert "stopped by Ctrl-C" in said
    delivered = numbers(rows_of(tmp_path / "out.jsonl"))
    assert delivered == list(range(len(delivered)))
    assert len(delivered) > 16_000


class Interrupted(Sink):
    """Gets Ctrl-C in its last checkpoint."""

    name = "interrupted"

    def open(self, schema: pa.Schema, run: Run) -> None:
        self.calls: list[str] = []

    def write(self, batch: pa.RecordBatch) -> None:
        pass

    def prepare(self) -> list[Any]:
        signal.raise_signal(signal.SIGINT)
        self.calls.append("prepare")
        return [1]

    def commit(self, receipts: Any) -> None:
        self.calls.append("commit")


def test_ctrl_c_in_the_last_checkpoint_lets_it_end(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(lines.text([HEADER, *records(3)]))
    sink = Interrupted()
    report = delivering(tmp_path / "a.log", tmp_path, to=[sink]).run()
    assert (sink.calls, report.exit_code) == (["prepare", "commit"], 0)


# ---- memory --------------------------------------------------------------------------------------


class Counting(KeyedEnricher):
    """Answers with the key, as text."""

    name = "counting"
    adds = {"{role}_was": "utf8"}
    cache = 100

    def __init__(self, **on: tuple[str, ...]) -> None:
        self.on = on

    def lookup(self, key: Any, epoch: int = 0) -> tuple[str]:
        return (str(key),)


@pytest.mark.parametrize("key", [("bytes",), ("srcaddr", "bytes", "dstport")])
def test_keys_that_never_come_again_do_not_pile_up(key: tuple[str, ...]) -> None:
    schema = pa.schema([("srcaddr", pa.utf8()), ("bytes", pa.int64()), ("dstport", pa.int32())])
    enrichment = Enrichment([Counting(a=key), Counting(b=("srcaddr",))], schema)
    enrichment._codes._most = 1000
    held = []
    for number in range(60):
        rows = range(500 * number, 500 * number + 500)
        columns = [[f"10.0.0.{row % 50}" for row in rows], list(rows), [443] * len(rows)]
        batch = enrichment.apply(pa.record_batch(columns, schema=schema))
        for row in batch.to_pylist():
            wanted = tuple(row[name] for name in key)
            assert row["a_was"] == str(wanted[0] if len(key) == 1 else wanted)
            assert row["b_was"] == row["srcaddr"]
        sets = [enrichment._codes._integers, *_levels(enrichment)]
        held.append(sum(map(_native.key_count, sets)))
    assert max(held) <= 5000


def _levels(enrichment: Enrichment) -> list[Any]:
    return [
        level for engine in enrichment._engines for level in getattr(engine._keys, "_levels", ())
    ]


def test_a_column_that_is_only_filtered_by_is_known_without_new_files(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"srcaddr bytes foo-bar\n10.0.0.1 5 x\n10.0.0.2 6 y\n")
    for records_of_run in (1, 0):
        report = delivering(
            tmp_path / "a.log", tmp_path, columns=["bytes"], where={"foo_bar": "x"}
        ).run()
        assert report.counts["records"] == records_of_run
    assert rows_of(tmp_path / "out") == [{"bytes": 5}]


def test_rejects_go_to_one_file_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(lines.text([HEADER, *records(1), b"bad"]))
    for runs in (1, 2):
        Pipeline(sources=[tmp_path / "a.log"], to=["null:"], rejects=tmp_path / "bad.txt").run()
        assert [row["text"] for row in rows_of(tmp_path / "bad.txt")] == ["bad"] * runs


@pytest.mark.parametrize("option", ["rejects", "dead_letter"])
def test_a_device_takes_no_rejects(tmp_path: Path, option: str) -> None:
    (tmp_path / "a.log").write_bytes(lines.text([HEADER, b"bad"]))
    settings: dict[str, Any] = {option: "/dev/null"}
    with pytest.raises(UsageError, match="device or pipe"):
        Pipeline(sources=[tmp_path / "a.log"], to=["null:"], **settings).run()


# ---- what is left behind -------------------------------------------------------------------------


class FailsToCommit(Sink):
    name = "second"

    def open(self, schema: pa.Schema, run: Run) -> None:
        pass

    def write(self, batch: pa.RecordBatch) -> None:
        pass

    def commit(self, receipts: Any) -> None:
        raise vpcflow.PluginError("no", plugin=self.name)

    def prepare(self) -> list[Any]:
        return [1]


@pytest.mark.parametrize("stage", ["prepare", "commit"])
def test_without_a_state_a_run_that_fails_leaves_nothing(tmp_path: Path, stage: str) -> None:
    """Nobody would come back for what was prepared."""
    (tmp_path / "a.log").write_bytes(lines.text([HEADER, *records(10)]))
    failing = FailsToCommit()
    if stage == "prepare":
        failing.prepare = lambda: failing.commit([])  # type: ignore[method-assign,assignment]
    with pytest.raises(vpcflow.PluginError, match="second: no"):
        Pipeline(sources=[tmp_path / "a.log"], to=[f"jsonl:{tmp_path}/out/", failing]).run()
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_enrichers_are_closed_whatever_happens(tmp_path: Path) -> None:
    closed = []

    class Closing(KeyedEnricher):
        on = {"src": ("srcaddr",)}

        def __init__(self, name: str, adds: dict[str, str]) -> None:
            self.name, self.adds = name, adds

        def close(self) -> None:
            closed.append(self.name)

    (tmp_path / "a.log").write_bytes(lines.text([HEADER, *records(10)]))
    enrichers = [Closing("one", {"x": "utf8"}), Closing("two", {"y": "no type"})]
    with pytest.raises(vpcflow.PluginError, match="which is not one of"):
        Pipeline(sources=[tmp_path / "a.log"], to=["null:"], enrich=enrichers).run()
    assert closed == ["one", "two"]
