"""What the README says of inventories and interfaces is true: its example runs, its columns are all
there are."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest
from vpcflow_aws.eni import Options
from vpcflow_aws.eni_table import ABOUT, OF_ADDRESS

PLUGIN = Path(__file__).parents[1]
SECTION = (
    (PLUGIN / "README.md")
    .read_text()
    .partition("## Inventory and interfaces\n")[2]
    .partition("\n## ")[0]
)


def test_the_example_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PLUGIN.parents[1])
    pattern = r"<!-- example: run by tests -->\n```python\n(.*?)```"
    (example,) = re.findall(pattern, SECTION, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert "web-1 198.51.100.66 ec2-instance" in printed
    assert "db-1 10.0.2.9 ecs-task" in printed


def test_every_column_stands_in_the_table() -> None:
    (table,) = re.findall(r"\| Column \| Meaning \|\n(.*?)\n\n", SECTION, re.DOTALL)
    first_cells = "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))
    named = set(re.findall(r"`(?:\.\.\.|src|dst)_(\w+)`", first_cells))
    assert named == {*ABOUT, *OF_ADDRESS}


def test_every_option_stands_in_the_table() -> None:
    named = set(re.findall(r"^\| `(\w+)=\w+` \|", SECTION, re.MULTILINE))
    assert named == {field.name for field in attrs.fields(Options)}
