"""What a statement cannot touch, and what ends one: memory, Ctrl-C, SIGTERM."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import lines
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from vpcflow_query import duck, sql_command
from vpcflow_query.flows import Flows
from vpcflow_query.reading import Reading
from vpcflow_query.running import running

from vpcflow.cli.app import Program
from vpcflow.flow_format import FlowFormat

LOGS = Path(__file__).parents[3] / "tests" / "data" / "samples" / "AWSLogs"
PROGRAM = Program(commands=[sql_command.sql])
DEFAULT = FlowFormat.default()


def sql(*arguments: object) -> Result:
    return CliRunner().invoke(PROGRAM, ["sql", *map(str, arguments)])


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('{file}')",
        "select * from read_text('{file}')",
        "select * from read_blob('{file}')",
        "from read_json('{file}')",
        "select * from '{file}'",
        "select * from '{file}.csv'",
        "select * from glob('{folder}/*')",
        "select getenv('HOME')",
        "copy flows to '{folder}/out.csv'",
        "copy (select 1) to '{folder}/out.parquet'",
        "attach '{folder}/new.db'",
        "install httpfs",
        "load httpfs",
        "pragma database_list",
        "pragma enable_profiling",
        "set enable_external_access = true",
        "set memory_limit = '64GB'",
        "reset memory_limit",
        "export database '{folder}/all'",
        "import database '{folder}/all'",
        "explain copy flows to '{folder}/out.csv'",
        "explain analyze copy flows to '{folder}/out.csv'",
        "explain (analyze) copy flows to '{folder}/out.csv'",
        "/* */ explain -- \n analyze copy flows to '{folder}/out.csv'",
        "create table t as select 1",
        "insert into flows select * from flows",
        "delete from flows",
        "drop view flows",
        "prepare x as select 1",
        "call pragma_version()",
        "checkpoint",
        "use main",
        "begin",
        "select 1; copy flows to '{folder}/out.csv'",
        "select * from sqlite_scan('{file}', 't')",
        "select * from secret_table",
        "from read_csv('https://example.com/x.csv')",
        "select * from parquet_metadata('{file}')",
        "select * from sniff_csv('{file}')",
        "select * from query('copy flows to ''{folder}/out.csv''')",
    ],
)
def test_a_statement_sees_the_flows_and_nothing_else(tmp_path: Path, statement: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    secret_table = pa.table({"secret": ["hunter2"]})  # what DuckDB's Python would find by its name
    assert secret_table.num_rows == 1
    result = sql(statement.format(file=secret, folder=tmp_path), LOGS)
    assert result.exit_code == 2, result.output
    assert "hunter2" not in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_settings_cannot_be_changed_by_functions() -> None:
    row = json.loads(sql("select current_setting('enable_external_access') as e", LOGS).stdout)
    assert row == {"e": False}


def test_files_can_be_allowed(tmp_path: Path) -> None:
    names = tmp_path / "names.csv"
    names.write_text("address,name\n10.0.0.31,web-1\n")
    statement = (
        f"select name, count(*) as n from flows join read_csv('{names}') on srcaddr = address "
        "group by 1"
    )
    assert "--allow-files" in sql(statement, LOGS).stderr
    assert json.loads(sql(statement, LOGS, "--allow-files").stdout) == {"name": "web-1", "n": 112}
    assert sql("attach ':memory:' as x", LOGS, "--allow-files").exit_code == 2


# ---- memory --------------------------------------------------------------------------------------


def test_a_sort_that_does_not_fit_spills_and_is_right() -> None:
    block = lines.records(5, DEFAULT, 3_000)
    data = lines.text([lines.header(DEFAULT), *block * 100])
    with duck.connect(memory="48MB", threads=2) as connection:
        flows = Flows.of(Reading([data]))
        flows.register(connection)
        folder = Path(duck.spill_folder(connection))
        statement = (
            "select bytes, srcaddr, dstaddr, interface_id, account_id, start from flows "
            "order by bytes, srcaddr, dstaddr"
        )
        with running(connection, statement) as result:
            batches = iter(result)
            first = next(batches)
            assert any(path.stat().st_size for path in folder.iterdir())
            table = pa.Table.from_batches([first, *batches])
    assert not folder.exists()
    found = table.column("bytes").to_pylist()
    numbers = [int(text) for line in block if (text := line.split()[9]) != b"-"]
    assert found == sorted(number for number in numbers for _ in range(100)) + [None] * (
        (3_000 - len(numbers)) * 100
    )


def test_rows_come_before_all_is_read() -> None:
    data = lines.text([lines.header(DEFAULT), *lines.records(6, DEFAULT, 2_000) * 300])
    with duck.connect() as connection:
        flows = Flows.of(Reading([data]))
        flows.register(connection)
        with running(connection, "select srcaddr from flows") as result:
            next(iter(result))
            assert flows.summary.found < 600_000


def test_the_folder_goes_after_an_error() -> None:
    with contextlib.suppress(ZeroDivisionError), duck.connect() as connection:
        folder = Path(duck.spill_folder(connection))
        assert folder.exists()
        raise ZeroDivisionError
    assert not folder.exists()


# ---- signals -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.log"
    block = lines.text(lines.records(7, DEFAULT, 2_000))
    path.write_bytes(lines.text([lines.header(DEFAULT)]) + block * 500)
    return path


@pytest.mark.parametrize(
    ("signal_", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
@pytest.mark.parametrize("what", ["a sort", "a join without an end", "a silent pipe"])
def test_a_signal_ends_it_at_once_and_nothing_is_left(
    tmp_path: Path, large: Path, signal_: signal.Signals, code: int, what: str
) -> None:
    statement = {
        "a sort": "select * from flows order by bytes desc, srcaddr, dstaddr, start",
        "a join without an end": "select count(*) from range(1000000000) a, flows "
        "where a.range % 7 = bytes % 13",
        "a silent pipe": "select count(*) from flows a, flows b",
    }[what]
    source = "-" if what == "a silent pipe" else str(large)
    command = [sys.executable, "-m", "vpcflow", "sql", statement, source, "--memory", "64MB"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env={**os.environ, "TMPDIR": str(tmp_path)}
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(lines.text([lines.header(DEFAULT), lines.DEFAULT_LINE]))
        process.stdin.flush()
        deadline = time.monotonic() + 20
        while not list(tmp_path.iterdir()):  # until it has begun
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.3)
        began = time.monotonic()
        process.send_signal(signal_)
        assert process.wait(timeout=30) == code, process.stderr.read()
        assert time.monotonic() - began < 4
        assert process.stderr.read() == b""
    assert list(tmp_path.iterdir()) == []
