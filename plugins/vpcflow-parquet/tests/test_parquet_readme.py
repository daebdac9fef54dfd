"""What the README shows is true: its examples run, its options are all there are."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pyarrow.parquet as pq
import pytest
from vpcflow_parquet.sink import ParquetOptions

import vpcflow

PLUGIN = Path(__file__).parents[1]
README = (PLUGIN / "README.md").read_text()
SAMPLE = PLUGIN.parents[1] / "tests" / "data" / "samples" / "custom-v5.log"
EXAMPLE = r"<!-- example: run by tests -->\n```{}\n(.*?)```"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "logs").mkdir()
    shutil.copy(SAMPLE, tmp_path / "logs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def count(path: Path) -> int:
    return pq.ParquetFile(path).metadata.num_rows  # type: ignore[no-any-return]


def test_the_commands_run(directory: Path) -> None:
    (commands,) = re.findall(EXAMPLE.format("sh"), README, re.DOTALL)
    for command in commands.splitlines():
        program, *words = shlex.split(command)
        assert program == "vpcflow"
        done = subprocess.run([sys.executable, "-m", program, *words], capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
    records = sum(len(batch) for batch in vpcflow.scan("logs/"))
    rejected = sum(len(batch) for batch in vpcflow.scan("logs/", where={"action": "REJECT"}))
    assert sum(map(count, directory.glob("out/*.parquet"))) == records
    assert count(directory / "rejects.parquet") == rejected
    assert sum(map(count, directory.glob("by-day/date=*/*.parquet"))) == records
    assert done.stdout.count(b"\n") >= rejected > 0


def test_the_python_example_runs(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(EXAMPLE.format("python"), README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    records = sum(len(batch) for batch in vpcflow.scan("logs/"))
    rejected = sum(len(batch) for batch in vpcflow.scan("logs/", where={"action": "REJECT"}))
    assert capsys.readouterr().out == f"{records} records, {rejected} of them rejected\n"


def test_every_option_stands_in_the_table() -> None:
    (table,) = re.findall(r"## Options of the sink\n(.*?)\n## ", README, re.DOTALL)
    first_cells = "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", first_cells)) == {
        a.name for a in attrs.fields(ParquetOptions)
    }


def test_the_benchmark_runs_and_checks_equality_first() -> None:
    script = PLUGIN / "benchmarks" / "parquet_writer.py"
    done = subprocess.run(
        [sys.executable, script, "--lines", "2000"], capture_output=True, text=True, check=True
    )
    assert "2,000 lines of each kind; equal in all files" in done.stdout
    named = r"^\| ([\w-]+ \| (?:vpcflow|pyarrow)[^|]*) \|"
    rows = re.findall(named, done.stdout, re.MULTILINE)
    assert rows == re.findall(named, README, re.MULTILINE) != []
