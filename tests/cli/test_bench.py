"""`vpcflow bench`: measures what it is given, and says so before it starts if it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from vpcflow.bench.generate import generate
from vpcflow.cli.app import cli

SAMPLES = Path(__file__).parents[1] / "data" / "samples"


def bench(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli, ["bench", "--rounds", "1", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def test_without_a_file_a_generated_log_is_measured() -> None:
    shown = bench("--lines", 2_000, "--peers", "pyarrow,split")
    assert shown.startswith("vpcflow ")
    assert "kernel " in shown
    assert "Text in memory to 14 typed columns" in shown
    assert "Text in memory to 29 typed columns" in shown
    assert "Gzipped file to 14 typed columns" in shown
    rows = [line for line in shown.splitlines() if line.startswith(("pyarrow", "split"))]
    assert len(rows) == 5
    assert all(row.endswith("equal") for row in rows)


def test_a_file_of_ones_own_is_measured_and_json_holds_every_round() -> None:
    made = json.loads(bench(SAMPLES / "tags-v11.log.gz", "--peers", "duckdb", "--json"))
    assert set(made["machine"]) == {"cpu", "cores", "kernel", "system", "python", "vpcflow"}
    parse, packed, rows = made["figures"]
    assert [figure["name"] for figure in (parse, packed, rows)] == ["parse", "gzip", "rows"]
    assert "tags-v11.log.gz" in parse["data"]
    ours, duckdb = parse["rows"]
    assert (ours["name"], ours["lines"], len(ours["seconds"])) == ("vpcflow", 139, 1)
    assert (duckdb["name"], duckdb["check"]) == ("duckdb", "equal")


@pytest.mark.parametrize(
    ("name", "lines"),
    [("cloudwatch-export.log.gz", 56), ("firehose.jsonl", 57), ("ipv6.log", 93)],
)
def test_the_text_in_a_container_is_what_is_measured(name: str, lines: int) -> None:
    (parse, *_) = json.loads(bench(SAMPLES / name, "--peers", "split", "--json"))["figures"]
    assert [row["check"] for row in parse["rows"]] == ["reference", "equal"]
    assert {row["lines"] for row in parse["rows"]} == {lines}


def test_a_peer_that_cannot_read_the_file_is_shown_with_the_reason_and_not_timed() -> None:
    shown = bench(SAMPLES / "bad-lines.log", "--peers", "polars")
    (row,) = (line for line in shown.splitlines() if line.startswith("polars"))
    assert "refuses: " in row


def test_only_the_first_lines_are_taken_if_so_many_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(generate(lines=5_000).data)
    (parse, *_) = json.loads(bench(path, "--lines", 1_000, "--peers", "none", "--json"))["figures"]
    assert [row["lines"] for row in parse["rows"]] == [1_000]


def test_a_format_without_a_header_is_told_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"10.0.0.1 443 ACCEPT\n10.0.0.2 80 REJECT\n")
    assert "format" in bench(path, "--peers", "none", code=1)
    fmt = "${srcaddr} ${dstport} ${action}"
    shown = bench(path, "--format", fmt, "--peers", "split,polars")
    assert "Text in memory to 3 typed columns" in shown
    assert shown.count(" equal\n") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--peers", "polar"], "did you mean polars?"),
        (["--peers", "spreadsheet"], "no reader is called 'spreadsheet'"),
        (["no-such-file.log"], "does not exist"),
        (["--lines", "12"], "1000"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is(
    arguments: list[str], said: str
) -> None:
    assert said in bench(*arguments, code=2)


def test_an_empty_file_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "empty.log"
    path.touch()
    assert "no line to measure on" in bench(path, "--peers", "none", code=1)
