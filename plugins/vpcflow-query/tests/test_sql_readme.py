"""What the README shows of `sql` and `top` runs, and names every grouping."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from vpcflow_query import sql_command, top_command
from vpcflow_query.top_groups import GROUPINGS

from vpcflow.cli.app import Program

PLUGIN = Path(__file__).parents[1]
README = (PLUGIN / "README.md").read_text()
DATA = PLUGIN.parents[1] / "tests" / "data"
EXAMPLE = r"<!-- example of sql and top: run by tests -->\n```sh\n(.*?)```"
COMMANDS = [
    "vpcflow " + command
    for block in re.findall(EXAMPLE, README, re.DOTALL)
    for command in block.split("vpcflow ")[1:]
]
PROGRAM = Program(commands=[sql_command.sql, top_command.top])


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_run(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(DATA / "samples" / "AWSLogs", "logs")
    shutil.copytree(DATA / "samples-inventory", "inventory")
    shutil.copy(DATA / "samples-geoip" / "city.mmdb", ".")
    _, *words = shlex.split(command)
    done = CliRunner().invoke(PROGRAM, words)
    assert done.exit_code == 0, done.stderr
    assert done.stdout or Path("rejects.parquet").stat().st_size


def test_there_are_examples_of_both() -> None:
    assert {shlex.split(command)[1] for command in COMMANDS} == {"sql", "top"}


@pytest.mark.parametrize("name", GROUPINGS)
def test_every_grouping_is_told(name: str) -> None:
    section = README.partition("## Who talks most")[2].partition("\n## ")[0]
    assert f"`{name}`" in section
