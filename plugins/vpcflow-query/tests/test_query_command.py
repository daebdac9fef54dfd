"""`vpcflow query`: list, run, print."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from click.testing import CliRunner, Result
from vpcflow_query.queries import named_queries
from vpcflow_query.query_command import query

import vpcflow
from vpcflow.cli.app import Program

SAMPLES = Path(__file__).parents[3] / "tests" / "data" / "samples"
V5 = str(SAMPLES / "custom-v5.log")


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(Program(commands=[query]), ["query", *arguments], input=stdin)


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_list_names_every_query_and_what_it_needs() -> None:
    result = run()
    assert result.exit_code == 0
    for one in named_queries().values():
        assert one.name in result.stdout
        assert one.answers in result.stdout
        assert one.aws_name is None or one.aws_name in result.stdout
    told = json.loads(run("--json").stdout)
    assert [one["name"] for one in told] == list(named_queries())
    (talkers,) = (one for one in told if one["name"] == "top-talkers")
    assert talkers["ways"][0]["needs"] == ["srcaddr", "dstaddr", "bytes"]


def test_the_list_fits_a_terminal_of_eighty_columns() -> None:
    from vpcflow_query.query_listing import _listing

    from vpcflow.cli.screen import Screen

    for line in _listing(Screen(True, 80, 24, lambda text, style: text)):
        assert len(line) <= 80


@pytest.mark.parametrize("name", ["accepted-traffic", "VpcFlowLogsAcceptedTraffic"])
def test_a_query_runs_over_the_records(name: str) -> None:
    found = rows(run(name, V5, "--json", "--param", "limit=10000"))
    with vpcflow.scan(V5) as stream:
        records = [record.asdict() for batch in stream for record in batch]
    wanted = [r for r in records if r["action"] == "ACCEPT" and r["protocol"] == 6]
    assert sum(row["total_bytes"] for row in found) == sum(r["bytes"] for r in wanted)
    assert sum(row["records"] for row in found) == len(wanted)
    sizes = [row["total_bytes"] for row in found]
    assert sizes == sorted(sizes, reverse=True)


def test_limit_since_and_where_narrow_the_answer() -> None:
    everything = rows(run("rejected-traffic", V5, "--json"))
    assert len(rows(run("rejected-traffic", V5, "--json", "--param", "limit=3"))) == 3
    late = ["--since", "2026-09-14T10:08:00Z"]
    found = rows(run("rejected-traffic", V5, "--json", *late))
    assert 0 < len(found) < len(everything)
    as_parameter = ["--param", "since=2026-09-14T10:08:00Z"]
    assert rows(run("rejected-traffic", V5, "--json", *as_parameter)) == found
    ssh = rows(run("rejected-traffic", V5, "--json", "--where", "dstport=22"))
    assert {row["dstport"] for row in ssh} == {22}


def test_standard_input_is_read_once() -> None:
    data = gzip.compress(Path(V5).read_bytes())
    piped = rows(run("top-talkers", "-", "--json", stdin=data))
    assert piped == rows(run("top-talkers", V5, "--json"))


def test_other_forms_of_output(tmp_path: Path) -> None:
    name = "total-bytes-transferred"
    wanted = rows(run(name, V5, "--json"))
    table = run(name, V5, "--output", "table")
    assert table.stdout.splitlines()[0].split() == list(wanted[0])
    path = tmp_path / "pairs.csv"
    assert run(name, V5, "-o", str(path)).exit_code == 0
    found = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [row["total_bytes"] for row in found] == [str(row["total_bytes"]) for row in wanted]


def test_an_empty_file_has_no_answer(tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    result = run("top-talkers", str(tmp_path / "empty.log"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing in these logs answers to that" in result.stderr


def test_what_to_know_of_the_answer_stands_on_stderr() -> None:
    result = run("top-talkers", V5)
    assert "two records, and its bytes count twice" in " ".join(result.stderr.split())
    assert "twice" not in run("top-talkers", V5, "--quiet").stderr
    nothing = run("ipv6-traffic", V5, "--where", "dstport=1")
    assert nothing.exit_code == 0


def test_a_damaged_file_gives_what_can_be_read_and_exit_code_1() -> None:
    result = run("top-talkers", str(SAMPLES / "damaged.log.gz"), "--output", "jsonl")
    assert result.exit_code == 1
    assert result.stdout.count("\n") > 3


@pytest.mark.parametrize("dialect", ["duckdb", "athena"])
@pytest.mark.parametrize("name", named_queries())
def test_printed_sql_parses(name: str, dialect: str) -> None:
    more = []
    if name in {"top-tcp-traffic", "traffic-from-src-addr", "traffic-to-dst-addr"}:
        more = ["--param", "address=2001:db8::/33"]
    result = run(name, "--print", dialect, "--since", "2026-09-14", *more)
    assert result.exit_code == 0, result.output
    (statement,) = sqlglot.parse(result.stdout, read=dialect)
    assert isinstance(statement, sqlglot.exp.Select)


def test_printing_says_when_everything_would_be_read() -> None:
    assert "reads the whole table" in run("top-talkers", "--print", "athena").stdout
    timed = run("top-talkers", "--print", "athena", "--since", "2026-09-14", "--table", "logs")
    assert "reads the whole table" not in timed.stdout
    assert 'FROM "logs"' in timed.stdout
    told = json.loads(run("top-talkers", "--print", "duckdb", "--json").stdout)
    assert told["query"].startswith("SELECT\n  address")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["top-talker"], "did you mean top-talkers"),
        (["top-talkers"], "of which flow logs"),
        (["top-talkers", V5, "--param", "limit"], "NAME=VALUE"),
        (["top-talkers", V5, "--param", "limit=0"], "whole number from 1"),
        (["top-talkers", V5, "--param", "limit=1", "--param", "limit=2"], "twice"),
        (["top-talkers", V5, "--param", "lmit=1"], "did you mean limit"),
        (["top-talkers", V5, "--table", "x"], "--print athena"),
        (["traffic-from-src-addr", V5], "needs a parameter: address"),
        (["traffic-from-src-addr", V5, "--param", "address=10.0.0.1/8"], "an address or a block"),
        (["nat-gateway-bill", V5], "needs a parameter: interfaces"),
        (["top-talking-instances", str(SAMPLES / "ipv6.log")], "instance-id"),
        (["accepted-traffic", str(SAMPLES / "transit-gateway.log.gz")], "ask those of the VPCs"),
        (["top-talkers", "--print", "insights"], "cannot ask that"),
        (["top-talking-subnets", "--print", "insights"], "--format"),
        (["top-talkers", "--print", "athena", "--where", "dstport=1"], "--where is for running"),
        (["top-talkers", "--print", "athena", "--table", "a b"], "--table"),
        (
            ["top-talkers", "--print=athena", "--format=srcaddr dstaddr bytes", "--since=2h"],
            "does not have the field start",
        ),
        (
            ["top-talkers", "--print", "athena", "--since", "2h", "--param", "since=3h"],
            "different times",
        ),
    ],
)
def test_wrong_use_says_what_would_mend_it(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_hostile_name_does_not_speak_to_the_terminal() -> None:
    result = run("\x1b[31mred", V5)
    assert result.exit_code == 2
    assert "\x1b" not in result.output


def test_importing_the_commands_brings_nothing_heavy() -> None:
    code = (
        "import sys, vpcflow_query.query_command, vpcflow_query.athena_command;print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in ran.stdout.split()}
    assert not loaded & {"pyarrow", "duckdb", "rich", "boto3", "sqlglot"}
