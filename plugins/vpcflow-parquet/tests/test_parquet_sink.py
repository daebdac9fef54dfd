"""The sink `parquet`: AWS's schema, encodings by column, and files that other readers read."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from vpcflow_parquet.sink import ParquetOptions, parquet_format, sink

import vpcflow
from vpcflow.bench.generate import generate
from vpcflow.errors import PluginError, UsageError
from vpcflow.fields import FIELDS
from vpcflow.plugins import plugins
from vpcflow.report import Run
from vpcflow.sinks import Sink

Deliver = Callable[[Sink, Iterable[pa.RecordBatch]], list[int]]
Written = Callable[..., bytes]

NULL = "__HIVE_DEFAULT_PARTITION__"


def files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def seconds(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records as they are written with times=epoch."""
    return [
        {n: int(v.timestamp()) if n in ("start", "end") and v else v for n, v in row.items()}
        for row in rows
    ]


def footer(data: bytes) -> Any:
    return pq.ParquetFile(io.BytesIO(data)).metadata


def columns_of(data: bytes, group: int = 0) -> dict[str, Any]:
    found = footer(data).row_group(group)
    return {found.column(i).path_in_schema: found.column(i) for i in range(found.num_columns)}


# Schema


def test_the_schema_is_that_of_aws(batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver) -> None:
    """AWS's table of fields has INT_32, INT_64 and STRING; `start` and `end` are INT_64."""
    deliver(sink(str(tmp_path / "flow.parquet"), {}), [batch])
    schema = pq.ParquetFile(tmp_path / "flow.parquet").schema
    written = {schema.column(i).name: schema.column(i) for i in range(len(schema))}
    assert list(written) == list(FIELDS)
    for name, field in FIELDS.items():
        column = written[name]
        assert column.max_definition_level == 1, "every column may be null"
        if field.type == "utf8":
            kind = ("BYTE_ARRAY", "UTF8")
        else:
            kind = ("INT32" if field.type == "int32" else "INT64", "NONE")
        assert (column.physical_type, column.converted_type) == kind, name


def test_times_as_timestamps_are_utc_milliseconds(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver
) -> None:
    deliver(sink(str(tmp_path / "flow.parquet"), {"times": "timestamp"}), [batch])
    found = pq.ParquetFile(tmp_path / "flow.parquet").schema_arrow
    assert found.field("start").type == pa.timestamp("ms", "UTC")


def test_columns_of_enrichers_keep_their_types(written: Written) -> None:
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
    data = written([batch])
    read = pq.ParquetFile(io.BytesIO(data)).read()
    assert read.to_pylist() == batch.to_pylist()
    assert read.schema.field("src_country").type == pa.utf8()
    assert polars.read_parquet(io.BytesIO(data)).to_dicts() == batch.to_pylist()


# Readers


@pytest.mark.parametrize("times", ["epoch", "timestamp"])
def test_pyarrow_polars_and_duckdb_read_the_records(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver, times: str
) -> None:
    path = tmp_path / "flow.parquet"
    deliver(sink(str(path), {"times": times, "row-group": "1000"}), [batch])
    wanted = seconds(batch.to_pylist()) if times == "epoch" else batch.to_pylist()
    assert pq.ParquetFile(path).read().to_pylist() == wanted
    assert polars.read_parquet(path).to_dicts() == wanted
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        found = database.sql("from read_parquet($1)", params=[str(path)]).to_arrow_table()
    assert found.to_pylist() == wanted


@pytest.mark.parametrize(
    ("options", "codec"),
    [
        ({}, "ZSTD"),
        ({"level": "19"}, "ZSTD"),
        ({"compression": "snappy"}, "SNAPPY"),
        ({"compression": "gzip"}, "GZIP"),
        ({"compression": "gzip", "level": "9"}, "GZIP"),
        ({"compression": "none"}, "UNCOMPRESSED"),
    ],
    ids=str,
)
def test_compression(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver, options: dict[str, str], codec: str
) -> None:
    path = tmp_path / "flow.parquet"
    deliver(sink(str(path), options), [batch])
    assert {column.compression for column in columns_of(path.read_bytes()).values()} == {codec}
    assert polars.read_parquet(path).to_dicts() == seconds(batch.to_pylist())


def test_levels_count(batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver) -> None:
    for level in ("1", "19"):
        deliver(sink(str(tmp_path / f"{level}.parquet"), {"level": level}), [batch])
    sizes = [(tmp_path / f"{level}.parquet").stat().st_size for level in ("1", "19")]
    assert sizes[0] > sizes[1]


# Encodings


def test_encodings_by_column(written: Written) -> None:
    log = generate("default", lines=20_000)
    columns = columns_of(written([pa.record_batch(vpcflow.parse(log.data, text="utf8"))]))
    dictionary = {n for n, column in columns.items() if "RLE_DICTIONARY" in column.encodings}
    assert {"account_id", "interface_id", "action", "log_status"} <= dictionary
    assert {"version", "protocol", "packets"} <= dictionary
    assert not {"srcport", "dstport", "bytes", "start", "end"} & dictionary
    assert "DELTA_BINARY_PACKED" in columns["start"].encodings
    with_statistics = {n for n, column in columns.items() if column.statistics is not None}
    assert with_statistics == {"start", "end"}


@pytest.mark.parametrize(("distinct", "repeats"), [(5000, False), (200, True)])
def test_addresses_get_a_dictionary_where_they_repeat(
    written: Written, distinct: int, repeats: bool
) -> None:
    texts = [f"10.0.{n % distinct // 256}.{n % distinct % 256}" for n in range(5000)]
    added = pa.array([f"host-{n % distinct}" for n in range(5000)])
    data = written(
        [
            pa.record_batch(
                {"srcaddr": texts, "src_name": added, "src_host": added.dictionary_encode()}
            )
        ]
    )
    for column in columns_of(data).values():
        assert ("RLE_DICTIONARY" in column.encodings) is repeats, column.path_in_schema


def test_dictionaries_that_differ_between_batches_are_one(written: Written) -> None:
    batches = [
        pa.record_batch({"src_country": pa.array(names * 100).dictionary_encode()})
        for names in (["DE", "FR"], ["FR", None], ["JP", "DE"])
    ]
    for rows in (600, 250):  # in one row group, and across several
        data = written(batches, row_group=rows)
        read = pq.ParquetFile(io.BytesIO(data)).read()
        assert read.to_pylist() == [row for one in batches for row in one.to_pylist()]
        encodings = columns_of(data)["src_country"].encodings
        assert "RLE_DICTIONARY" in encodings


# Row groups


def test_small_batches_make_full_row_groups(batch: pa.RecordBatch, written: Written) -> None:
    data = written([batch.slice(at, 170) for at in range(0, 3000, 170)], row_group=1000)
    groups = footer(data)
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [1000] * 3
    read = pq.ParquetFile(io.BytesIO(data)).read()
    assert read.cast(batch.schema).to_pylist() == batch.to_pylist()


def test_wide_rows_make_smaller_row_groups(written: Written) -> None:
    """64 MiB in memory are a row group, whatever `row_group` is."""
    wide = pa.record_batch({"instance_tag": ["x" * 100_000] * 100})
    groups = footer(written([wide] * 20))
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [700, 700, 600]


def test_buffered_is_what_flush_writes(batch: pa.RecordBatch) -> None:
    out = io.BytesIO()
    writer = parquet_format(ParquetOptions()).open(out, batch.schema)  # type: ignore[arg-type]
    assert writer.buffered() == 0
    writer.write(batch)
    assert (writer.buffered(), out.tell()) == (batch.nbytes, 0)
    writer.flush()
    assert writer.buffered() == 0
    assert out.tell() > 0
    before = out.tell()
    writer.flush()
    assert out.tell() == before
    writer.close()
    assert not out.closed
    assert footer(out.getvalue()).num_row_groups == 1


def test_a_file_without_records_has_the_columns(batch: pa.RecordBatch, written: Written) -> None:
    data = written([batch.slice(0, 0)])
    read = pq.ParquetFile(io.BytesIO(data)).read()
    assert (read.num_rows, read.schema.names) == (0, batch.schema.names)


# Files


def test_partitions_by_column_and_by_time(
    batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver
) -> None:
    few = batch.slice(0, 400).select(["srcaddr", "bytes", "action", "start", "end"])
    records = few.to_pylist()
    options = {"partition": "action,date", "times": "timestamp"}
    deliver(sink(f"{tmp_path}/", options), [few.slice(0, 150), few.slice(150)])
    found = 0
    for folder in {path.parent for path in files(tmp_path)}:
        action, date = (part.partition("=")[2] for part in folder.relative_to(tmp_path).parts)
        wanted = [
            {name: value for name, value in row.items() if name != "action"}
            for row in records
            if (row["action"] or NULL) == action
            and (f"{row['start']:%Y-%m-%d}" if row["start"] else NULL) == date
        ]
        read = [row for path in files(folder) for row in pq.ParquetFile(path).read().to_pylist()]
        assert read == wanted
        found += len(wanted)
    assert found == 400
    with duckdb.connect() as database:
        glob = f"{tmp_path}/*/*/*.parquet"
        counted = database.execute(
            "select action, count(*) from read_parquet(?, hive_partitioning=true) group by 1",
            [glob],
        ).fetchall()
    wanted_counts = {
        value: few["action"].to_pylist().count(value) for value in ("ACCEPT", "REJECT")
    }
    assert {a: n for a, n in counted if a in wanted_counts} == wanted_counts


def test_hostile_partition_values_are_folders_below_the_target(
    tmp_path: Path, deliver: Deliver
) -> None:
    texts = ["../../etc/passwd", "..", ".", "/", "\x1b[31m", "a\0b", "'; DROP TABLE", "PAR1", ""]
    texts += ["a/b", "a\\b", "C:", "💩" * 900, "%2F", "=", "x" * 5000]
    batch = pa.record_batch({"instance_tag": texts, "srcport": pa.array(range(len(texts)))})
    out = tmp_path / "deep" / "out"
    deliver(sink(f"{out}/", {"partition": "instance_tag"}), [batch])
    written = files(tmp_path)
    assert len(written) == len(texts)
    assert all(path.resolve().parent.parent == out.resolve() for path in written)
    ports = [p for path in written for p in pq.ParquetFile(path).read()["srcport"].to_pylist()]
    assert sorted(ports) == list(range(len(texts)))


def test_files_end_at_their_size(batch: pa.RecordBatch, tmp_path: Path, deliver: Deliver) -> None:
    options = {"size": "100kB", "row-group": "100"}
    few = batch.select(["srcaddr", "dstaddr", "bytes", "start"])
    batches = [few.slice(at, 100) for at in range(0, 3000, 100)] * 4
    checkpoints = deliver(sink(f"{tmp_path}/", options), batches)
    sizes = [path.stat().st_size for path in files(tmp_path)]
    assert len(sizes) == sum(checkpoints) > 1
    assert all(80_000 < size < 120_000 for size in sizes[:-1])


def test_an_aborted_file_leaves_nothing(batch: pa.RecordBatch, tmp_path: Path) -> None:
    """pyarrow's writer, when collected, would write its footer into the closed file."""
    files_of = sink(f"{tmp_path}/", {"row-group": "1000"})
    files_of.open(batch.schema, Run())
    files_of.write(batch)
    files_of.abort()
    del files_of
    gc.collect()
    assert files(tmp_path) == []


def test_what_a_place_raises_comes_through(batch: pa.RecordBatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise PluginError("no space left", plugin="place")

    writer = parquet_format(ParquetOptions()).open(Full(), batch.schema)  # type: ignore[arg-type]
    writer.write(batch)
    with pytest.raises(PluginError, match="no space left"):
        writer.flush()
    del writer
    gc.collect()


# Errors


def test_a_batch_with_other_columns_is_refused(tmp_path: Path) -> None:
    files_of = sink(f"{tmp_path}/", {"times": "timestamp"})
    files_of.open(pa.schema([("srcport", pa.int32())]), Run())
    with pytest.raises(PluginError, match="other columns"):
        files_of.write(pa.record_batch({"srcport": pa.array([1], pa.int64())}))
    files_of.abort()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compresion": "zstd"}, "did you mean 'compression'?"),
        ({"compression": "lz4"}, "'lz4' is not one of zstd, snappy, gzip, none"),
        ({"level": "high"}, "level='high' is not a whole number"),
        ({"level": "23"}, "level=23: compression zstd takes level 1 to 22"),
        ({"level": "0"}, "compression zstd takes level 1 to 22"),
        ({"compression": "gzip", "level": "10"}, "compression gzip takes level 1 to 9"),
        ({"compression": "snappy", "level": "1"}, "level=1: compression snappy has no levels"),
        ({"row_group": "0"}, "row_group=0: a row group has 1 to 10,000,000 rows"),
        ({"row-group": "10000001"}, "a row group has 1 to 10,000,000 rows"),
        ({"times": "iso"}, "'iso' is not one of epoch, timestamp"),
    ],
)
def test_wrong_options_say_what_is_allowed(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        sink("out/", options)
    assert message in str(caught.value)


# The plugin


def test_it_is_found_by_its_entry_point() -> None:
    assert plugins().sinks.find("parquet").distribution == "vpcflow-parquet"
    assert plugins().containers.find("parquet").distribution == "vpcflow-parquet"


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    program = (
        "import sys, vpcflow_parquet.plugin\n"
        "print(*{'pyarrow', 'vpcflow_parquet.sink', 'vpcflow_parquet.container'} "
        "& set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == []
