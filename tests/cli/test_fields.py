"""`vpcflow fields`: every field can be found and is described."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from vpcflow import FIELDS
from vpcflow.cli.app import cli


def fields(*arguments: str) -> list[str]:
    result = CliRunner().invoke(cli, ["fields", *arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout.splitlines()


def test_every_field_is_listed_with_version_type_and_meaning() -> None:
    heading, *rows = fields()
    assert heading.split() == ["column", "version", "type", "description"]
    assert [row.split()[0] for row in rows] == list(FIELDS)
    (srcport,) = (row for row in rows if row.startswith("srcport "))
    assert srcport.split()[1:3] == ["2", "int32"]
    assert srcport.endswith(FIELDS["srcport"].description)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("pkt-*addr", ["pkt_srcaddr", "pkt_dstaddr"]),
        ("PKT_SRCADDR", ["pkt_srcaddr"]),
        ("packets-lost", [name for name in FIELDS if name.startswith("packets_lost")]),
        ("blackhole", ["packets_lost_blackhole"]),
    ],
)
def test_a_pattern_finds_names_in_either_spelling(pattern: str, found: list[str]) -> None:
    assert [row.split()[0] for row in fields(pattern)[1:]] == found


def test_json_holds_the_same_table() -> None:
    listed = json.loads("\n".join(fields("--json")))
    assert [one["name"] for one in listed] == list(FIELDS)
    assert listed[0] == {
        "name": "version",
        "aws_name": "version",
        "version": 2,
        "type": "int32",
        "kind": "version",
        "description": FIELDS["version"].description,
    }


def test_a_pattern_that_finds_nothing_gives_the_nearest_name() -> None:
    result = CliRunner().invoke(cli, ["fields", "scraddr"])
    assert result.exit_code == 2
    assert "did you mean srcaddr?" in result.stderr
    assert result.stdout == ""
