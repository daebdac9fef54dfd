"""Avro from columns against fastavro.writer from dicts: same records, same codec.

    python plugins/vpcflow-avro/benchmarks/avro_writer.py [--lines 200000] [--kind default]

First both files are read back by fastavro and compared with the records. Then both are timed in
turns, and the best of each counts. fastavro gets what is fastest for it: the schema parsed, the
records as dicts that exist already, and times as integers (which it takes as they are).
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from typing import Any

import fastavro
import pyarrow as pa
from attrs import frozen
from vpcflow_avro.codecs import Codec, compressor
from vpcflow_avro.schema import avro_schema
from vpcflow_avro.writer import AvroFormat

import vpcflow
from vpcflow.bench.generate import KINDS, generate

BLOCK = 256 << 10
TURNS = 3


@frozen
class Case:
    """A codec, and the level for each of the two; None: what each takes by itself."""

    codec: Codec
    level: int | None = None
    fastavro_level: int | None = None

    def __str__(self) -> str:
        return f"{self.codec} level={self.level}" if self.level else self.codec


CASES = (
    Case("null"),
    Case("deflate"),
    Case("deflate", 1, 1),
    Case("deflate", 6, 6),
    Case("zstandard"),
    Case("zstandard", 1, 1),
)


class Memory(io.BytesIO):
    """Stands for a file; prepare and abort are what places do with theirs."""

    name = "memory"

    def prepare(self) -> Any:
        raise NotImplementedError("there is no place")

    abort = prepare


@frozen
class Inputs:
    """The same records, as each side takes them."""

    batch: pa.RecordBatch
    records: list[dict[str, Any]]
    schema: Any


def inputs(kind: str, lines: int) -> Inputs:
    log = generate(kind, lines=lines)
    batch = pa.record_batch(vpcflow.parse(log.data, text="utf8"))
    numbers = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        for column in batch.columns
    ]
    records = pa.RecordBatch.from_arrays(numbers, batch.schema.names).to_pylist()
    return Inputs(batch, records, fastavro.parse_schema(avro_schema(batch.schema)))


def from_columns(case: Case, data: Inputs) -> bytes:
    out = Memory()
    format = AvroFormat(case.codec, compressor(case.codec, case.level), BLOCK)
    writer = format.open(out, data.batch.schema)
    writer.write(data.batch)
    writer.close()
    return out.getvalue()


def from_dicts(case: Case, data: Inputs) -> bytes:
    out = io.BytesIO()
    level = case.fastavro_level
    fastavro.writer(out, data.schema, data.records, case.codec, codec_compression_level=level)
    return out.getvalue()


def check(case: Case, data: Inputs) -> tuple[int, int]:
    """Both files hold the records. Gives their sizes."""
    ours, theirs = from_columns(case, data), from_dicts(case, data)
    wanted = data.batch.to_pylist()
    for written in (ours, theirs):
        if list(fastavro.reader(io.BytesIO(written))) != wanted:
            raise SystemExit(f"{case}: a file does not hold the records")
    return len(ours), len(theirs)


def seconds(work: Callable[[Case, Inputs], bytes], case: Case, data: Inputs) -> float:
    start = time.perf_counter()
    work(case, data)
    return time.perf_counter() - start


def measure(case: Case, data: Inputs) -> str:
    """A row of the table."""
    size, their_size = check(case, data)
    turns = [
        (seconds(from_columns, case, data), seconds(from_dicts, case, data)) for _ in range(TURNS)
    ]
    best, their_best = (min(times) for times in zip(*turns, strict=True))
    rows = data.batch.num_rows
    return (
        f"| {case} | {rows / best / 1e6:.2f} | {rows / their_best / 1e6:.3f} "
        f"| {their_best / best:.1f} | {size / rows:.1f} | {size / their_size:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--kind", choices=KINDS, default="default")
    chosen = parser.parse_args()
    data = inputs(chosen.kind, chosen.lines)
    print(
        f"{data.batch.num_rows:,} records, {data.batch.num_columns} columns; equal in all files\n"
    )
    print("| codec | M records/s | fastavro.writer | times | bytes a record | size : fastavro's |")
    print("|---|---|---|---|---|---|")
    for case in CASES:
        print(measure(case, data), flush=True)


if __name__ == "__main__":
    main()
