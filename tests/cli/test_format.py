"""`vpcflow format`: a format string explained, a file's format found, shown, or refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lines import DEFAULT_LINE, NODATA_LINE

from vpcflow import FlowFormat
from vpcflow.cli.app import cli

HEADER = b"version srcaddr dstaddr srcport dstport protocol tcp-flags start action"
RECORD = b"3 10.0.0.1 10.0.0.2 443 50000 6 18 1714564800 ACCEPT"


def check(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["format", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def findings(*arguments: str | Path, code: int = 0) -> list[dict[str, object]]:
    found = json.loads(check("--json", *arguments, code=code).stdout)
    assert isinstance(found, list)
    return found


# Format strings


def test_a_format_string_is_explained_field_by_field() -> None:
    lines = check("${version} ${pkt-srcaddr} ${ecs-task-id}").stdout.splitlines()
    assert lines[0] == "custom, 3 fields up to version 7; records say version 7"
    assert lines[2].split() == ["#", "column", "version", "type", "description"]
    assert lines[4].split()[:4] == ["2", "pkt_srcaddr", "3", "text"]
    assert lines[-1] == "${version} ${pkt-srcaddr} ${ecs-task-id}"


@pytest.mark.parametrize("text", ["default", "transit-gateway"])
def test_the_defaults_have_names(text: str) -> None:
    fmt = FlowFormat.default() if text == "default" else FlowFormat.transit_gateway()
    assert str(fmt) in check(text).stdout


def test_bare_names_are_a_format_too_in_one_argument_or_several() -> None:
    one = check("version src-addr".replace("src-addr", "srcaddr")).stdout
    assert one == check("version", "srcaddr").stdout
    assert one.endswith("${version} ${srcaddr}\n")


def test_json_of_a_format_numbers_its_fields() -> None:
    explained = json.loads(check("--json", "${srcaddr} ${bytes}").stdout)
    assert explained["format"] == "${srcaddr} ${bytes}"
    assert [(f["position"], f["name"], f["type"]) for f in explained["fields"]] == [
        (1, "srcaddr", "utf8"),
        (2, "bytes", "int64"),
    ]


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    assert "srcaddr" in check("${version} ${scraddr}", code=2).stderr


@pytest.mark.parametrize("text", ["", " id ", "  "])
def test_a_format_that_the_shell_has_emptied_is_recognised(text: str) -> None:
    assert "single quotes" in check(text, code=2).stderr


# Files


def test_a_file_with_a_header_shows_its_format_and_first_record(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(HEADER + b"\n" + RECORD + b"\n" + RECORD + b"\n")
    text = check(log).stdout
    assert text.splitlines()[0] == str(log)
    assert "custom, 9 fields up to version 3, from the header line" in text
    assert "2 records in the first 3 lines" in text
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if "  " in line}
    assert rows["dstport"] == ["50000"]
    assert rows["protocol"] == ["6", "tcp"]
    assert rows["tcp_flags"] == ["18", "SYN-ACK"]
    assert rows["start"] == ["1714564800", "2024-05-01", "12:00:00", "UTC"]


def test_the_record_shown_is_one_with_traffic_where_there_is_any(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(NODATA_LINE + b"\n" + DEFAULT_LINE + b"\n")
    assert "172.31.16.139" in check(log).stdout
    log.write_bytes(NODATA_LINE + b"\n")
    assert "NODATA" in check(log).stdout


def test_an_assumed_format_is_said_to_be_assumed(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(DEFAULT_LINE + b"\n")
    assert "VPC default (14 fields), ASSUMED" in check(log).stdout
    (found,) = findings(log)
    assert found["known_by"] == "assumed"
    assert found["format"] == str(FlowFormat.default())
    assert found["first_lines"]["records"] == 1  # type: ignore[index]


def test_containers_are_named(tmp_path: Path) -> None:
    log = tmp_path / "a.log.gz"
    log.write_bytes(gzip.compress(DEFAULT_LINE + b"\n"))
    assert "gzip" in check(log).stdout
    assert "gzip" in findings(log)[0]["containers"]  # type: ignore[operator]


def test_a_format_that_cannot_be_known_is_refused_with_what_would_settle_it(
    tmp_path: Path,
) -> None:
    bad, good = tmp_path / "1.log", tmp_path / "2.log"
    bad.write_bytes(b"10.0.0.1 10.0.0.2 443\n")
    good.write_bytes(DEFAULT_LINE + b"\n")
    text = check(tmp_path, code=1).stdout
    assert "3 fields (the VPC default has 14" in text
    assert "--format" in text
    assert "VPC default" in text  # the other file is looked at all the same
    assert [found["error"] is None for found in findings(tmp_path, code=1)] == [False, True]


def test_a_given_format_is_checked_against_the_file(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(HEADER + b"\n" + RECORD + b"\n")
    assert "disagrees with the given format" in check("--format", "default", log, code=1).stdout
    log.write_bytes(RECORD + b"\n")
    assert "as given" in check("--format", HEADER.decode(), log).stdout
    text = check("--format", "${version} ${srcaddr}", log, code=1).stdout
    assert "too-many-fields 1" in text
    assert "(no field)" in text


def test_strict_refuses_to_assume(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(DEFAULT_LINE + b"\n")
    assert "strict" in check("--format", "strict", log, code=1).stdout


def test_files_of_one_kind_are_shown_once(tmp_path: Path) -> None:
    for name in ("a.log", "b.log", "c.log"):
        (tmp_path / name).write_bytes(HEADER + b"\n" + RECORD + b"\n")
    text = check(tmp_path).stdout
    assert text.count("a record") == 1
    assert text.count(f"like {tmp_path / 'a.log'}") == 2


def test_an_empty_file_is_no_failure(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.touch()
    assert "there is no line in it" in check(log).stdout


def test_a_missing_file_fails(tmp_path: Path) -> None:
    assert "missing.log" in check(tmp_path / "missing.log", code=1).stderr


def test_hostile_values_are_escaped(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"version instance-tag\n11 \x1b[2J%1b%0a\xe2\x80\xae\n")
    text = check(log).stdout
    assert "\\x1b[2J" in text
    assert all(line.isprintable() for line in text.splitlines())
