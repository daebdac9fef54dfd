"""`vpcflow read` away from a terminal: jsonl and csv, what was found, and exit codes."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from lines import DEFAULT_LINE, NODATA_LINE, SKIPDATA_LINE, header

import vpcflow
from vpcflow import FlowFormat
from vpcflow.cli.app import cli
from vpcflow.cli.read import first_rows

HEADER = header(FlowFormat.default())
REFUSED = DEFAULT_LINE.replace(b"ACCEPT", b"REJECT").replace(b" 22 6 ", b" 3389 6 ")
SHORT = b"2 123456789010 eni-1235b8ca123456789 10.0.0.1"
BAD_PORT = DEFAULT_LINE.replace(b" 22 6 ", b" 022 6 ")
LOG = b"\n".join([HEADER, DEFAULT_LINE, REFUSED, NODATA_LINE, SKIPDATA_LINE, b"", SHORT, BAD_PORT])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "flow.log"
    path.write_bytes(LOG + b"\n")
    return path


def read(*arguments: str | Path, code: int = 0, stdin: bytes | None = None) -> Result:
    result = CliRunner().invoke(cli, ["read", *map(str, arguments)], input=stdin)
    assert result.exit_code == code, result.output
    return result


def rows(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout_bytes.splitlines()]


def test_records_are_jsonl_of_the_batch(log: Path) -> None:
    assert read(log).stdout_bytes == vpcflow.parse(log.read_bytes()).to_jsonl()
    assert [row.get("action") for row in rows(read(log))] == ["ACCEPT", "REJECT", None, None]


def test_csv_has_one_heading_and_all_records_of_all_files(log: Path) -> None:
    result = read("--output", "csv", log, log)
    heading, *records = csv.reader(io.StringIO(result.stdout, newline=""))
    assert tuple(heading) == FlowFormat.default().names
    assert [record[12] for record in records] == ["ACCEPT", "REJECT", "", ""] * 2


def test_csv_of_no_record_is_its_heading(log: Path) -> None:
    text = read("--output", "csv", "--where", "dstport=1", log).stdout
    assert text.splitlines() == [",".join(FlowFormat.default().names)]


def test_columns_where_and_time_choose(log: Path) -> None:
    chosen = read("--columns", "dstport,action", "--where", "action=reject", log)
    assert rows(chosen) == [{"dstport": 3389, "action": "REJECT"}]
    assert len(rows(read("--since", "2015-01-01", log))) == 2
    assert len(rows(read("--until", "2015-01-01", "--where", "protocol=tcp", log))) == 2
    assert len(rows(read("--where", "dstport=-", log))) == 2


def test_a_condition_on_a_column_that_no_log_has_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flow.log"
    path.write_bytes(b"srcaddr dstaddr\n10.0.0.1 10.0.0.2\n")
    for condition in (["--since", "2h"], ["--where", "dstport=443"]):
        assert "these logs do not have the column" in read(*condition, path, code=2).stderr
    assert len(rows(read("--where", "dstport=-", path))) == 1


def test_a_given_format_is_used(tmp_path: Path) -> None:
    path = tmp_path / "custom.log"
    path.write_bytes(b"10.0.0.1 443\n")
    assert rows(read("--format", "${srcaddr} ${dstport}", path)) == [
        {"srcaddr": "10.0.0.1", "dstport": 443}
    ]
    refusal = read(path, code=1)
    assert refusal.stdout == ""
    assert "the format is not known" in refusal.stderr


def test_stdin_is_a_source(log: Path) -> None:
    assert rows(read("-", stdin=gzip.compress(LOG))) == rows(read(log))


def test_the_summary_counts_everything_and_says_where_bad_lines_are(log: Path) -> None:
    lines = read(log).stderr.splitlines()
    assert lines[0] == ("4 records (1 NODATA, 1 SKIPDATA), 2 rejected, 1 header line, 1 blank line")
    assert lines[1] == "format: VPC default (14 fields), from the header line"
    assert sorted(lines[2].removeprefix("rejected: ").split(", ")) == [
        "not-an-integer 1",
        "too-few-fields 1",
    ]
    offset = LOG.index(b"\n" + SHORT) + 1
    assert lines[3].startswith(f"  {log}:7 (byte {offset:,}): too-few-fields: ")
    assert f"{log}:8 " in lines[4]
    assert "not-an-integer in dstport" in lines[4]


def test_an_assumed_format_is_said_loudly(tmp_path: Path) -> None:
    path = tmp_path / "flow.log"
    path.write_bytes(DEFAULT_LINE + b"\n")
    assert "ASSUMED" in read(path).stderr
    assert "strict" in read("--format", "strict", path, code=1).stderr


def test_quiet_leaves_nothing_on_stderr_but_errors(log: Path, tmp_path: Path) -> None:
    assert read("--quiet", log).stderr == ""
    damaged = tmp_path / "damaged.log.gz"
    damaged.write_bytes(gzip.compress(LOG)[:-20])
    assert "Error: " in read("--quiet", damaged, code=1).stderr


def test_json_makes_the_summary_an_object(log: Path) -> None:
    result = read("--json", log)
    assert result.stdout_bytes == read(log).stdout_bytes
    summary = json.loads(result.stderr)
    assert summary["counts"]["records"] == summary["shown"] == 4
    assert summary["formats"] == [{"format": str(FlowFormat.default()), "known": "header"}]
    assert summary["rejected_by_reason"] == {"too-few-fields": 1, "not-an-integer": 1}
    assert [line["line_number"] for line in summary["rejected"]] == [7, 8]
    assert summary["rejected"][1]["text"] == BAD_PORT.decode()
    assert summary["complete"] is True
    assert summary["errors"] == []


def test_a_damaged_file_gives_what_can_be_read_and_exits_with_1(tmp_path: Path) -> None:
    whole, damaged = tmp_path / "a.log.gz", tmp_path / "b.log.gz"
    whole.write_bytes(gzip.compress(LOG))
    text = b"\n".join([HEADER, *[DEFAULT_LINE.replace(b"20641", b"%d" % n) for n in range(9999)]])
    damaged.write_bytes(gzip.compress(text)[:-2000])
    result = read(tmp_path, code=1)
    found = rows(result)
    assert found[:4] == rows(read(whole))
    assert [row["srcport"] for row in found[4:]] == list(range(len(found) - 4))
    assert len(found) > 100
    assert "Error: " in result.stderr
    assert str(damaged) in result.stderr
    assert json.loads(read("--json", tmp_path, code=1).stderr)["errors"]


@pytest.mark.parametrize("output", ["jsonl", "csv"])
def test_a_limit_stops_and_says_so(log: Path, output: str) -> None:
    result = read("--output", output, "--limit", "3", log, log)
    assert len(result.stdout.splitlines()) == 3 + (output == "csv")
    assert "3 records shown" in result.stderr
    whole = read("--output", output, "--limit", "0", log, log)
    assert len(whole.stdout.splitlines()) == 8 + (output == "csv")
    assert "shown" not in whole.stderr


def test_a_table_may_be_piped(log: Path) -> None:
    result = read("--output", "table", log)
    heading, *records = result.stdout.splitlines()
    assert heading.split()[:2] == ["start", "(UTC)"]
    assert len(records) == 4
    assert "172.31.16.139:20641" in records[0]
    assert "NODATA" in records[2]
    assert "\x1b" not in result.stdout


def test_a_line_break_within_a_csv_value_ends_no_row(tmp_path: Path) -> None:
    path = tmp_path / "tags.log"
    path.write_bytes(b"instance-tag srcport\n" + b"".join(b"%%0Aa%%22 %d\n" % n for n in range(9)))
    text = read("--output", "csv", "--limit", "4", path).stdout
    records = list(csv.reader(io.StringIO(text, newline="")))
    assert records[1:] == [['\na"', str(n)] for n in range(4)]


@given(st.lists(st.lists(st.text(alphabet='a",\n'), min_size=2, max_size=3), max_size=6),
       st.integers(0, 7))  # fmt: skip
def test_first_rows_of_csv_are_those_that_a_reader_reads_first(
    table: list[list[str]], wanted: int
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(table)
    cut = first_rows(out.getvalue().encode(), wanted, quotes=True).decode()
    assert list(csv.reader(io.StringIO(cut, newline=""))) == table[:wanted]
