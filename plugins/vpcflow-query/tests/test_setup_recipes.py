"""docs/recipes.md is true, and the README on set-up: their commands exist with the options that
they are given, those on the samples run, and figures are those that the commands print."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from vpcflow_query.setup_command import setup

from vpcflow.cli.app import Program, cli
from vpcflow.plugins import plugins

ROOT = Path(__file__).parents[3]
RECIPES = (ROOT / "docs" / "recipes.md").read_text()
SECTIONS = RECIPES.split("\n## ")[1:]


def commands(text: str) -> list[list[str]]:
    """All that stands in the shell blocks, without where its output goes."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(re.sub(r" > \S+$| \| .*$", "", line)) for line in lines]


README = (ROOT / "plugins" / "vpcflow-query" / "README.md").read_text()
SET_UP = README.partition("\n## Set-up\n")[2].partition("\n## ")[0]
ALL = commands(RECIPES) + commands(SET_UP)
SHOWN = [words for words in ALL if any(w.startswith("tests/data/") for w in words)]
each = pytest.mark.parametrize


@pytest.fixture(scope="module")
def program() -> click.Group:
    group = Program(commands=dict(cli.commands))
    plugins().add_commands(group)
    return group


@each("words", ALL, ids=" ".join)
def test_commands_are_those_of_the_program(program: click.Group, words: list[str]) -> None:
    assert words[0] == "vpcflow"
    command: click.Command = program
    rest = words[1:]
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, f"no command {rest[0]}"
        command, rest = found, rest[1:]
    command.make_context(command.name, list(rest))  # raises for options that there are not


NEXT = [
    *("vpc-0a1b2c3d --to s3 --bucket my-logs --file-format text --no-hive",),
    *("vpc-0a1b2c3d --to s3 --bucket my-logs --prefix a/b --per-day",),
    *("tgw-0a1b2c3d --to s3 --bucket my-logs", "eni-0a1b2c3d --to cloudwatch"),
    "vpc-0a1b2c3d --to firehose --fields default "
    "--stream arn:aws:firehose:us-east-1:111122223333:deliverystream/siem",
]


@each("given", NEXT)
def test_commands_that_scripts_end_with_are_those_of_the_program(
    program: click.Group, given: str
) -> None:
    at = ["--account", "111122223333", "--region", "us-east-1"]
    told = json.loads(printed(["vpcflow", "setup", *given.split(), *at, "--json"]))
    assert told["read"]
    for line in told["read"]:
        assert f"#   {line}\n" in told["cli"]
        _, name, *rest = shlex.split(line)
        command = program.commands[name]
        command.make_context(name, rest)
        if "--format" in rest:
            assert rest[rest.index("--format") + 1] == told["format"]


def test_the_athena_table_has_the_columns_of_the_flow_log(program: click.Group) -> None:
    at = ["--account", "111122223333", "--region", "us-east-1"]
    told = json.loads(printed(["vpcflow", "setup", *NEXT[1].split(), *at, "--json"]))
    (line,) = (line for line in told["read"] if " athena " in line)
    result = CliRunner().invoke(program, shlex.split(line)[1:])
    assert result.exit_code == 0, result.output
    for field in told["fields"]:
        assert re.search(rf"`?{field['name'].replace('-', '_')}`? ", result.stdout), field


@each("words", SHOWN, ids=" ".join)
def test_commands_on_the_samples_run(words: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "vpcflow", *words[1:]], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


def printed(words: list[str]) -> str:
    result = CliRunner().invoke(Program(commands={"setup": setup}), words[1:])
    assert result.exit_code == 0, result.output
    return result.stdout


@each("section", [s for s in SECTIONS if "vpcflow setup" in s and "**Cost.**" in s])
def test_figures_are_those_that_the_commands_print(section: str) -> None:
    text = section.replace("\n", " ")
    (words,) = (w for w in commands(section) if w[1] == "setup")
    said = printed(words)
    if "--file-format text" in section:
        said += printed([*words, "--file-format", "text"])
    figures = re.findall(r"\$[\d,]+\.\d\d", text)
    assert figures
    for figure in figures:
        assert figure in said, figure
    for volume in re.findall(r"[\d,.]+ GB", text):
        assert volume in said


def test_every_recipe_has_its_parts() -> None:
    recipes = [s for s in SECTIONS if not s.startswith("What all")]
    assert len(recipes) == 4
    for recipe in recipes:
        assert "vpcflow setup" in recipe
        assert all(f"**{part}.**" in recipe for part in ("Cost", "Reading", "Limits"))
    for anchor in re.findall(r"\]\(#([^)]+)\)", RECIPES):
        titles = {re.sub(r"[^a-z0-9 -]", "", s.splitlines()[0].lower()) for s in SECTIONS}
        assert anchor in {title.replace(" ", "-") for title in titles}
