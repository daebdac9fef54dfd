"""Peak memory of whole runs: bounded, however many files there are and partitions are open.

`VPCFLOW_FILES` says how many files of 75 MB gzip are read: 1 by default, 50 with `make memory`.
They are links to one file. Its records go to some 50 partitions, all of them open.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers

import vpcflow
from vpcflow.bench.generate import write

MOST = 400  # MB over the imports
FILES = int(os.environ.get("VPCFLOW_FILES", "1"))
BYTES = 75_000_000
PARTITIONS = "subnet_id,action,flow_direction"
SCRIPT = Path(__file__).parents[1] / "memory_run.py"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """small/: a few records. large/: the links."""
    directory = tmp_path_factory.mktemp("memory")
    for name in ("small", "large"):
        (directory / name).mkdir()
    write(directory / "small" / "0.log.gz", "custom-v5", lines=5_000)
    piece = directory / "piece.log.gz"
    write(piece, "custom-v5", lines=200_000, level=1)
    once = piece.read_bytes()
    first = directory / "large" / "00.log.gz"
    first.write_bytes(once * (BYTES // len(once) + 1))  # members one behind the other
    for number in range(1, FILES):
        os.link(first, directory / "large" / f"{number:02}.log.gz")
    return directory


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    root = tmp_path_factory.mktemp("s3")
    (root / "lake").mkdir()
    with servers.rclone_s3(root) as url:
        yield servers.environment(url)


def run(environment: dict[str, str], *arguments: str | Path) -> str:
    command = [sys.executable, SCRIPT, *arguments]
    ran = subprocess.run(
        list(map(str, command)), env=os.environ | environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def measure(logs: Path, target: str, environment: dict[str, str], tmp_path: Path) -> None:
    where, mark, options = target.partition("?")
    modules = tmp_path / "modules.json"
    modules.write_text(run(environment, "modules", logs / "small", f"{where}first{mark}{options}"))
    told = run(environment, "peak", logs / "large", f"{where}second{mark}{options}", modules)
    found = json.loads(told)
    print(
        f"\n{target.partition(':')[0]}: {found['over']:.0f} MB over {found['before']:.0f}, "
        f"{found['records']:,} records, {found['bytes_in'] / 1e6:,.0f} MB, {found['seconds']:.0f} s"
    )
    assert found["bytes_in"] == sum(p.stat().st_size for p in (logs / "large").iterdir())
    assert found["over"] < MOST


@pytest.mark.parametrize("sink", ["jsonl", "parquet", "avro"])
def test_files_in_partitions(sink: str, logs: Path, tmp_path: Path) -> None:
    with vpcflow.scan(logs / "small", columns=PARTITIONS.split(",")) as stream:
        kinds = {(r.subnet_id, r.action, r.flow_direction) for r in stream.records()}
    assert 40 < len(kinds) <= 64
    target = f"{sink}:{tmp_path}/out/?size=20MB&partition={PARTITIONS}"
    measure(logs, target, {}, tmp_path)


@pytest.mark.parametrize("sink", ["parquet"])
def test_files_in_partitions_of_a_bucket(
    sink: str, logs: Path, s3: dict[str, str], tmp_path: Path
) -> None:
    target = f"{sink}:s3://lake/{sink}/?size=20MB&partition={PARTITIONS}"
    measure(logs, target, s3, tmp_path)


def test_one_large_file(logs: Path, tmp_path: Path) -> None:
    measure(logs, f"parquet:{tmp_path}/out/", {}, tmp_path)
