"""`vpcflow bench`: how fast this machine reads flow logs, with which reader."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from vpcflow.cli.options import format_option, given_format, json_option
from vpcflow.errors import UsageError, nearest

if TYPE_CHECKING:
    from vpcflow.bench.inputs import Input
    from vpcflow.bench.results import Figure
    from vpcflow.flow_format import FlowFormat

EPILOG = """\
\b
Examples:
  vpcflow bench                        on a generated log
  vpcflow bench my.log.gz              on a log of your own
  vpcflow bench --peers polars,duckdb  beside these two only
  vpcflow bench --peers none --json    vpcflow alone, for programs"""

GENERATED_LINES = 1_000_000


@click.command(epilog=EPILOG)
@click.argument(
    "files", nargs=-1, metavar="[FILE]...", type=click.Path(exists=True, dir_okay=False)
)
@click.option(
    "--peers",
    metavar="NAMES",
    help="Readers to compare with, separated by commas; or none. Default: all that are installed.",
)
@click.option(
    "--lines",
    type=click.IntRange(min=1_000),
    help=f"Lines to generate (default {GENERATED_LINES:,}), or to take of each FILE (default all).",
)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@format_option
@json_option
def bench(
    files: tuple[str, ...],
    peers: str | None,
    lines: int | None,
    rounds: int,
    format_: str | None,
    as_json: bool,
) -> None:
    """Measure how fast flow logs are read, side by side with other readers on the same text.

    Every reader gets one core and has to produce the same typed columns; that is checked before
    anything is timed. Without FILE, logs are generated in the default format and in a custom one.
    """
    from vpcflow.bench.measure import machine
    from vpcflow.bench.report import HOW, as_text, machine_line

    chosen, given = _chosen(peers), given_format(format_)
    here = machine()
    if not as_json:
        click.echo(f"{machine_line(here)}\n")
    made = []
    with tempfile.TemporaryDirectory(prefix="vpcflow-bench-") as directory:
        logs = _inputs(files, lines, given, Path(directory))
        for figure in _figures(logs, chosen, rounds):
            made.append(figure.as_json())
            if not as_json:
                click.echo(f"{as_text(figure)}\n")
    if as_json:
        from attrs import asdict

        click.echo(json.dumps({"machine": asdict(here), "figures": made}, indent=2))
    else:
        click.echo(HOW)


def _chosen(peers: str | None) -> list[str]:
    """Names of the peers to run."""
    from vpcflow.bench.peers import PEERS, installed

    if peers is None:
        return installed()
    names = [] if peers == "none" else [name.strip() for name in peers.split(",")]
    for name in names:
        if name not in PEERS:
            near = nearest(name, PEERS)
            hint = f"did you mean {near}?" if near else f"known: {', '.join(PEERS)}"
            raise UsageError(f"no reader is called {name!r}", hint=hint)
        if not PEERS[name]().available():
            raise UsageError(f"{name} is not installed", hint=f"pip install {name}")
    return names


def _inputs(
    files: tuple[str, ...],
    lines: int | None,
    fmt: FlowFormat | Literal["strict"] | None,
    directory: Path,
) -> Iterator[Input]:
    from vpcflow.bench.inputs import Logs, of_file

    for number, name in enumerate(files):
        place = directory / str(number)
        place.mkdir()
        yield of_file(name, place, lines=lines, fmt=fmt)
    if not files:
        logs, count = Logs(directory), lines or GENERATED_LINES
        yield logs.gzipped("default", count)
        yield logs.plain("custom-v5", count // 2)


def _figures(inputs: Iterator[Input], peers: list[str], rounds: int) -> Iterator[Figure]:
    from vpcflow.bench import figures
    from vpcflow.bench.tasks import RECORD_FIELDS

    for log in inputs:
        _say(f"measuring {log.title} ...")
        yield figures.parse(log, peers=peers, rounds=rounds)
        if log.packed is not None:
            yield figures.gzip(log, peers=peers, rounds=rounds)
        if set(RECORD_FIELDS) <= set(log.names):
            yield figures.rows(log, peers=peers, rounds=rounds)


def _say(text: str) -> None:
    """What is going on, for somebody who is waiting."""
    if sys.stderr.isatty():
        click.echo(text, err=True)
