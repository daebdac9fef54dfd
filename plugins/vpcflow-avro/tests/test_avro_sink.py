"""The sink `avro`: whole files, read back by readers that know nothing of this package."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import avro.datafile
import avro.io
import fastavro
import polars
import pyarrow as pa
import pytest
from vpcflow_avro.codecs import LEVELS
from vpcflow_avro.sink import sink

import vpcflow
from vpcflow.bench.generate import generate
from vpcflow.errors import PluginError, UsageError
from vpcflow.file_sink import FileSink
from vpcflow.plugins import plugins
from vpcflow.report import Run
from vpcflow.sinks import Sink

Deliver = Callable[[Sink, Iterable[pa.RecordBatch]], list[int]]
Read = Callable[[Path], list[dict[str, Any]]]
Records = list[dict[str, Any]]


def files(directory: Path) -> list[Path]:
    """What is visible, in the order in which it was written."""
    return sorted(path for path in directory.rglob("*") if path.is_file())


def all_records(directory: Path, read: Read) -> Records:
    return [record for path in files(directory) for record in read(path)]


def blocks(path: Path) -> list[Any]:
    with path.open("rb") as file:
        return list(fastavro.block_reader(file))


# Readers

CODECS = [
    {"codec": "null"},
    {"codec": "deflate"},
    {"codec": "deflate", "level": "1"},
    {"codec": "deflate", "level": "9"},
    {"codec": "zstandard"},
    {"codec": "zstandard", "level": "19"},
]


@pytest.mark.parametrize("options", CODECS, ids=str)
def test_fastavro_reads_the_records_that_were_written(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver, read: Read, options: dict[str, str]
) -> None:
    deliver(sink(f"{tmp_path}/", options), [batch])
    (path,) = files(tmp_path)
    assert path.suffix == ".avro"
    assert read(path) == batch.to_pylist()


@pytest.mark.parametrize("options", CODECS, ids=str)
def test_the_apache_reader_reads_the_same(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver, options: dict[str, str]
) -> None:
    few = batch.slice(100, 300)
    deliver(sink(str(tmp_path / "flow.avro"), options), [few])
    with avro.datafile.DataFileReader(
        (tmp_path / "flow.avro").open("rb"), avro.io.DatumReader()
    ) as reader:
        assert reader.get_meta("avro.codec") == options["codec"].encode()
        assert list(reader) == few.to_pylist()


@pytest.mark.parametrize("codec", ["null", "deflate"])  # Polars reads these
def test_polars_reads_the_same(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver, codec: str
) -> None:
    deliver(sink(str(tmp_path / "flow.avro"), {"codec": codec}), [batch])
    frame = polars.read_avro(tmp_path / "flow.avro")
    times = [polars.col(name).dt.replace_time_zone("UTC") for name in ("start", "end")]
    assert frame.with_columns(times).to_dicts() == batch.to_pylist()


def test_a_generated_log_comes_back_whole(tmp_path: Path, deliver: Deliver, read: Read) -> None:
    log = generate("default", lines=20_000)
    batches = [pa.record_batch(b) for b in vpcflow.scan(log.data, text="utf8")]
    deliver(sink(f"{tmp_path}/", {}), batches)
    records = all_records(tmp_path, read)
    assert len(records) == log.records
    assert records == [record for batch in batches for record in batch.to_pylist()]


def test_the_schema_in_the_file_keeps_defaults_and_documentation(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver
) -> None:
    deliver(sink(str(tmp_path / "flow.avro"), {}), [batch])
    with (tmp_path / "flow.avro").open("rb") as file:
        schema: Any = fastavro.reader(file).writer_schema
    assert schema["name"] == "vpcflow.FlowRecord"
    by_name = {field["name"]: field for field in schema["fields"]}
    assert by_name["srcport"] == {
        "name": "srcport",
        "type": ["null", "int"],
        "default": None,
        "doc": vpcflow.FIELDS["srcport"].description,
    }


def test_a_reader_with_a_wider_schema_gets_nulls(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver
) -> None:
    """What the defaults are for: files of different formats are read as one."""
    deliver(sink(str(tmp_path / "flow.avro"), {}), [batch.select(["srcaddr"])])
    deliver(sink(str(tmp_path / "wide.avro"), {}), [batch.select(["srcaddr", "bytes"])])
    with (tmp_path / "wide.avro").open("rb") as file:
        wide = fastavro.reader(file).writer_schema
    with (tmp_path / "flow.avro").open("rb") as file:
        records: Any = list(fastavro.reader(file, wide))
    assert records[0] == {"srcaddr": batch["srcaddr"][0].as_py(), "bytes": None}


def test_columns_of_enrichers_are_written(tmp_path: Path, deliver: Deliver, read: Read) -> None:
    batch = pa.record_batch(
        {
            "srcaddr": ["10.0.0.1", None, "::1"],
            "src_country": pa.array(["DE", None, "DE"]).dictionary_encode(),
            "src_asn": pa.array([None, 2**32 - 1, 0], pa.uint32()),
            "src_score": pa.array([0.5, None, -1.0]),
            "src_known": pa.array([True, False, None]),
            "src_since": pa.array([None, 0, 1_789_380_000_123], pa.timestamp("ms", "UTC")),
        }
    )
    deliver(sink(f"{tmp_path}/", {}), [batch])
    assert all_records(tmp_path, read) == batch.to_pylist()


def test_times_as_seconds(tmp_path: Path, deliver: Deliver, read: Read) -> None:
    batch = pa.record_batch(
        {"start": pa.array([1_789_380_000_999, None, 0], pa.timestamp("ms", "UTC"))}
    )
    deliver(sink(f"{tmp_path}/seconds/", {"times": "epoch"}), [batch])
    assert [r["start"] for r in all_records(tmp_path / "seconds", read)] == [
        1_789_380_000,
        None,
        0,
    ]
    deliver(sink(f"{tmp_path}/times/", {}), [batch])
    first = all_records(tmp_path / "times", read)[0]
    assert first["start"] == datetime(2026, 9, 14, 10, 0, 0, 999_000, UTC)


def test_hostile_text_stays_text(tmp_path: Path, deliver: Deliver, read: Read) -> None:
    texts = ["../../etc/passwd", "\x1b[31m", "a\0b", "'; DROP TABLE", "Obj\x01", "💩" * 9000, ""]
    hostile = pa.record_batch({"srcaddr": texts, "x.y\x00<b>": texts[::-1]})
    deliver(sink(f"{tmp_path}/", {"partition": "srcaddr", "codec": "null"}), [hostile])
    inside = {path.resolve().is_relative_to(tmp_path.resolve()) for path in files(tmp_path)}
    assert inside == {True}
    values = [record["x_x2Ey_x0_x3Cb_x3E"] for record in all_records(tmp_path, read)]
    assert sorted(values) == sorted(texts)


# Blocks


@pytest.mark.parametrize("size", [1024, 4096, 65536])
def test_a_block_has_the_bytes_that_were_asked_for(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver, size: int
) -> None:
    deliver(
        sink(str(tmp_path / "flow.avro"), {"block": str(size), "codec": "null"}),
        [batch.select(["srcaddr", "bytes", "start"])],
    )
    found = blocks(tmp_path / "flow.avro")
    lengths = [len(block.bytes_.getvalue()) for block in found]
    assert max(lengths) <= size
    assert min(lengths[:-1]) > size - 256
    assert sum(block.num_records for block in found) == batch.num_rows


def test_a_record_longer_than_a_block_is_written_in_one_of_its_size(
    tmp_path: Path, deliver: Deliver, read: Read
) -> None:
    texts = ["a" * 30, "b" * 100_000, *["c" * 30] * 500, "d" * 5000, "e"]
    batch = pa.record_batch({"srcaddr": texts})
    path = tmp_path / "flow.avro"
    deliver(sink(str(path), {"block": "1KiB"}), [batch])
    assert [record["srcaddr"] for record in read(path)] == texts
    lengths = [len(block.bytes_.getvalue()) for block in blocks(path)]
    assert [length > 1024 for length in lengths].count(True) == 2
    assert max(lengths) < 101_000


def test_small_batches_share_blocks(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver, read: Read
) -> None:
    path = tmp_path / "flow.avro"
    few = batch.select(["srcaddr", "bytes"])
    deliver(sink(str(path), {}), [few.slice(i, 7) for i in range(0, 700, 7)])
    assert [block.num_records for block in blocks(path)] == [700]
    assert read(path) == few.slice(0, 700).to_pylist()


def test_buffered_is_what_flush_writes(batch: pa.RecordBatch, tmp_path: Path) -> None:
    files = sink(f"{tmp_path}/", {"codec": "null"})
    assert isinstance(files, FileSink)
    pending = files.place.create("one.avro", "owner")
    writer = files.format.open(pending, batch.schema)
    header = pending.tell()
    assert (header > 0, writer.buffered()) == (True, 0)
    writer.flush()
    assert pending.tell() == header
    writer.write(batch.slice(0, 10))
    held = writer.buffered()
    assert (pending.tell(), held > 0) == (header, True)
    writer.flush()
    assert writer.buffered() == 0
    assert held < pending.tell() - header < held + 30  # two counts, a sync marker
    writer.write(batch.slice(10, 10))
    writer.close()
    files.place.publish(pending.prepare())
    assert [block.num_records for block in blocks(tmp_path / "one.avro")] == [10, 10]


def test_files_have_sync_markers_of_their_own(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver
) -> None:
    markers = set()
    for name in ("one", "two"):
        deliver(sink(str(tmp_path / f"{name}.avro"), {}), [batch])
        markers.add((tmp_path / f"{name}.avro").read_bytes()[-16:])
    assert len(markers) == 2


# Files


def test_partitions_are_folders(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver, read: Read
) -> None:
    deliver(sink(f"{tmp_path}/", {"partition": "action,date"}), [batch.slice(0, 500)])
    whole = batch.slice(0, 500).to_pylist()
    found = 0
    for path in files(tmp_path):
        action, date = (part.partition("=")[2] for part in path.relative_to(tmp_path).parts[:2])
        wanted = [
            {name: value for name, value in record.items() if name != "action"}
            for record in whole
            if (record["action"] or "__HIVE_DEFAULT_PARTITION__") == action
            and (f"{record['start']:%Y-%m-%d}" if record["start"] else "__HIVE_DEFAULT_PARTITION__")
            == date
        ]
        assert read(path) == wanted
        found += len(wanted)
    assert found == 500


def test_files_end_at_their_size(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver, read: Read
) -> None:
    options = {"size": "100kB", "block": "4KiB", "codec": "null"}
    batches = [batch.slice(i, 50) for i in range(0, 3000, 50)]
    checkpoints = deliver(sink(f"{tmp_path}/", options), batches)
    written = files(tmp_path)
    assert len(written) == sum(checkpoints) > 5
    assert all(100_000 <= path.stat().st_size < 200_000 for path in written[:-1])
    assert all_records(tmp_path, read) == batch.to_pylist()


def test_a_single_file_is_never_appended_to(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver
) -> None:
    target = str(tmp_path / "flow.avro")
    first = sink(target, {"size": "10kB"})
    assert first.whole
    assert deliver(first, [batch, batch.slice(0, 9)]) == [1]
    with pytest.raises(UsageError, match="exists, and a avro file cannot be appended to"):
        deliver(sink(target, {}), [batch])


def test_nothing_is_there_before_the_commit(batch: pa.RecordBatch, tmp_path: Path) -> None:
    files_of = sink(str(tmp_path / "out"), {})
    assert not (tmp_path / "out").exists()
    files_of.open(batch.schema, Run())
    files_of.write(batch)
    files_of.prepare()
    assert all(path.name.startswith(".") for path in files(tmp_path))
    files_of.abort()


# Errors


def test_a_number_above_avros_is_named(tmp_path: Path, deliver: Deliver) -> None:
    batch = pa.record_batch({"src_hash": pa.array([1, 2**64 - 1], pa.uint64())})
    with pytest.raises(PluginError, match=r"column 'src_hash', row 1 of a batch: .*2\^63"):
        deliver(sink(f"{tmp_path}/", {}), [batch])


def test_a_batch_with_other_columns_is_refused(tmp_path: Path) -> None:
    files_of = sink(f"{tmp_path}/", {})
    files_of.open(pa.schema([("srcport", pa.int32())]), Run())
    with pytest.raises(PluginError, match="other columns"):
        files_of.write(pa.record_batch({"srcport": pa.array([1], pa.int64())}))
    files_of.abort()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"codek": "null"}, "sink avro has no option 'codek'\n  to mend it: did you mean 'codec'?"),
        ({"codec": "zstd"}, "'zstd' is not one of null, deflate, zstandard"),
        ({"codec": "deflat"}, "did you mean 'deflate'?"),
        ({"level": "high"}, "level='high' is not a whole number"),
        ({"level": "10"}, "level=10: codec deflate takes level 1 to 9"),
        ({"codec": "zstandard", "level": "0"}, "codec zstandard takes level 1 to 22"),
        ({"codec": "null", "level": "1"}, "level=1: codec null has no levels"),
        ({"block": "100"}, "block=100: a block has 1KiB to 1MiB"),
        ({"block": "1GB"}, "block=1000000000: a block has 1KiB to 1MiB"),
        ({"times": "iso"}, "'iso' is not one of epoch, timestamp"),
    ],
)
def test_wrong_options_say_what_is_allowed(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        sink("out/", options)
    assert message in str(caught.value)


def test_levels_are_those_of_the_libraries() -> None:
    import zstandard

    assert LEVELS["zstandard"][-1] == zstandard.MAX_COMPRESSION_LEVEL


# The plugin


def test_it_is_found_by_its_entry_point() -> None:
    assert plugins().sinks.find("avro").distribution == "vpcflow-avro"


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    program = (
        "import sys, vpcflow_avro.plugin\n"
        "print(*{'pyarrow', 'fastavro', 'zstandard', 'vpcflow_avro._native'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == []
