"""Memory stays bounded: 64 partitions open, and row groups of any size read piece by piece."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import vpcflow
from vpcflow.bench.generate import generate

PEAK = """
import sys
import pyarrow as pa
import vpcflow
from vpcflow.bench.generate import generate
from vpcflow.report import Run
from vpcflow.source_files import LocalFile
from vpcflow.where import parse_where
from vpcflow_parquet.container import ParquetContainer
from vpcflow_parquet.sink import sink

def peak():  # getrusage counts what the parent had at the fork
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) >> 10
"""

WRITING = (
    PEAK
    + """
log = generate("default", lines=16_384)
batch = pa.record_batch(vpcflow.parse(log.data, text="utf8"))
names = pa.array([f"nat-{row % 64:02}" for row in range(batch.num_rows)])
batch = batch.append_column("resource_id", names)
out = sink(sys.argv[1], {"partition": "resource_id"})
out.open(batch.schema, Run())
before = peak()
for _ in range(120):
    out.write(batch)
out.commit(out.prepare())
out.close()
print(peak() - before)
"""
)

READING = (
    PEAK
    + """
file = LocalFile(sys.argv[1])
container = ParquetContainer()
names = container.format(file).names
before = peak()
where = parse_where({"action": "REJECT"} if "where" in sys.argv else None)
print(sum(found.rows for found in container.batches(file, names, where)), peak() - before)
"""
)


def measured(program: str, *arguments: str) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


def test_with_64_partitions_open(tmp_path: Path) -> None:
    """Two million records, 270 MB of them, in 64 files at a time."""
    (used,) = measured(WRITING, f"{tmp_path}/")
    files = [pq.ParquetFile(path).metadata for path in tmp_path.rglob("*.parquet")]
    assert len(files) == 64
    assert sum(file.num_rows for file in files) == 120 * 16_384
    assert used < 170, f"{used} MiB"


def test_reading_row_groups_of_any_size(tmp_path: Path) -> None:
    """One row group of 150 MB, as some writers make them."""
    path = tmp_path / "flow.parquet"
    batch = pa.record_batch(vpcflow.parse(generate("default", lines=16_384).data, text="utf8"))
    table = pa.Table.from_batches([batch] * 80)
    pq.write_table(table, path, row_group_size=len(table), compression="none", use_dictionary=False)
    assert path.stat().st_size > 140 << 20
    for words in ([], ["where"]):
        rows, used = measured(READING, str(path), *words)
        assert rows == len(table)
        assert used < 110, f"{used} MiB"
