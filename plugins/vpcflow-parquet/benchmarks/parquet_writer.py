"""Parquet as the sink writes it against pyarrow's defaults: same records, same row groups.

    python plugins/vpcflow-parquet/benchmarks/parquet_writer.py [--lines 200000] [--kind ipv6]

First each file is read back and compared with the records. Then all are written in turns, from
batches of 16,384 records, and the least processor time of each counts. Up to 200,000 lines no
generated flow occurs twice, so that dictionaries find no more to save than in a real log.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from vpcflow_parquet.writer import ParquetFormat

import vpcflow
from vpcflow.bench.generate import KINDS, generate

ROW_GROUP = 250_000
TURNS = 5

Write = Callable[[list[pa.RecordBatch]], bytes]


class Memory(io.BytesIO):
    """Stands for a file; prepare and abort are what places do with theirs."""

    name = "memory"

    def prepare(self) -> Any:
        raise NotImplementedError("there is no place")

    abort = prepare


def as_the_sink(compression: Any, level: int | None) -> Write:
    def write(batches: list[pa.RecordBatch]) -> bytes:
        out = Memory()
        writer = ParquetFormat(compression, level, ROW_GROUP).open(out, batches[0].schema)
        for batch in batches:
            writer.write(batch)
        writer.close()
        return out.getvalue()

    return write


def as_pyarrow(compression: str, level: int | None) -> Write:
    def write(batches: list[pa.RecordBatch]) -> bytes:
        out = io.BytesIO()
        table = pa.Table.from_batches(batches)
        pq.write_table(
            table,
            out,
            row_group_size=ROW_GROUP,
            compression=compression,
            compression_level=level,
        )
        return out.getvalue()

    return write


WRITERS: dict[str, Write] = {
    "vpcflow, zstd (default)": as_the_sink("zstd", 1),
    "vpcflow, snappy": as_the_sink("snappy", None),
    "pyarrow defaults, zstd": as_pyarrow("zstd", 1),
    "pyarrow defaults, snappy": as_pyarrow("snappy", None),
}


def records(kind: str, lines: int) -> list[pa.RecordBatch]:
    """As the sink gets them with times=epoch."""
    batches = []
    with vpcflow.scan(generate(kind, lines=lines).data, text="utf8", threads=1) as stream:
        for batch in stream:
            one = pa.record_batch(batch)
            columns = [
                column.cast(pa.timestamp("s", "UTC"), safe=False).cast(pa.int64())
                if pa.types.is_timestamp(column.type)
                else column
                for column in one.columns
            ]
            batches.append(pa.RecordBatch.from_arrays(columns, one.schema.names))
    return batches


def seconds(write: Write, batches: list[pa.RecordBatch]) -> float:
    start = time.process_time()
    write(batches)
    return time.process_time() - start


def measure(kind: str, lines: int) -> None:
    """Prints the rows of one kind of log."""
    batches = records(kind, lines)
    wanted = pa.Table.from_batches(batches)
    sizes = {}
    for name, write in WRITERS.items():
        data = write(batches)
        if not pq.ParquetFile(io.BytesIO(data)).read().equals(wanted):
            raise SystemExit(f"{kind}, {name}: the file does not hold the records")
        sizes[name] = len(data)
    times: dict[str, float] = dict.fromkeys(WRITERS, float("inf"))
    for _ in range(TURNS):
        for name, write in WRITERS.items():
            times[name] = min(times[name], seconds(write, batches))
    base = "pyarrow defaults, zstd"
    for name in WRITERS:
        rows = wanted.num_rows
        print(
            f"| {kind} | {name} | {sizes[name] / rows:.1f} | {sizes[name] / sizes[base]:.2f} "
            f"| {times[name] / rows * 1e9:.0f} | {times[name] / times[base]:.2f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--kind", choices=KINDS, nargs="+", default=["default", "custom-v5"])
    chosen = parser.parse_args()
    print(f"{chosen.lines:,} lines of each kind; equal in all files\n")
    print("| log | written by | bytes a record | size | ns a record | time |")
    print("|---|---|---|---|---|---|")
    for kind in chosen.kind:
        measure(kind, chosen.lines)


if __name__ == "__main__":
    main()
