"""What docs/athena.md shows is what its commands print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from vpcflow_query.athena_command import athena
from vpcflow_query.query_command import query

from vpcflow.cli.app import Program

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "athena.md").read_text()
EXAMPLE = re.compile(
    r"<!-- output: checked by tests -->\n```sh\n(.*?)```\n\n```(?:sql|text)\n(.*?)```\n", re.DOTALL
)


@pytest.mark.parametrize(("command", "shown"), EXAMPLE.findall(PAGE))
def test_every_block_is_the_output_of_the_command_above_it(
    command: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    name, *arguments = shlex.split(command.replace("\\\n", " "))
    assert name == "vpcflow"
    result = CliRunner().invoke(Program(commands=[athena, query]), arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout == shown


def test_no_block_is_left_unchecked() -> None:
    assert len(EXAMPLE.findall(PAGE)) == PAGE.count("```sh") >= 7
    assert PAGE.count("```sql") + PAGE.count("```text") == PAGE.count("```sh")
