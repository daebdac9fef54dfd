"""`vpcflow query`: named questions to flow logs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from attrs import evolve

from vpcflow.cli.options import json_option
from vpcflow.cli.progress import Progress
from vpcflow.cli.screen import Screen, wrap
from vpcflow.errors import UsageError
from vpcflow_query import query_listing, query_printing
from vpcflow_query.duck import MEMORY, check_memory
from vpcflow_query.queries import NamedQuery, find
from vpcflow_query.queries.parameters import given, values
from vpcflow_query.reading import Reading, reading_options
from vpcflow_query.sql_command import FORMS, Chosen, result_of

EPILOG = """\
\b
Examples:
  vpcflow query                                     which there are
  vpcflow query top-talkers flow-logs/
  vpcflow query traffic-from-src-addr flow-logs/ --param address=10.0.0.0/24
  vpcflow query VpcFlowLogsRejectedTraffic flow-logs/ --since 2h --json
  vpcflow query scan-detection --print athena       SQL for the table of vpcflow athena
  vpcflow query scan-detection --print insights     for CloudWatch Logs Insights"""


@click.command(epilog=EPILOG, short_help="Ask flow logs a named question.")
@click.argument("name", required=False)
@click.argument("sources", metavar="[SOURCE...]", nargs=-1)
@click.option(
    "--param", "params", metavar="NAME=VALUE", multiple=True, help="A parameter of the query."
)
@reading_options
@click.option(
    "--print",
    "dialect",
    type=click.Choice(["duckdb", "athena", "insights"]),
    help="Print the query instead of running it. SOURCEs or --format say which fields there are.",
)
@click.option("--table", metavar="NAME", help="Athena's table, for --print athena.")
@click.option(
    "--output",
    type=click.Choice(FORMS),
    help="table: the default on a terminal. jsonl: the default elsewhere.",
)
@click.option(
    "-o",
    "--file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write the answer there, in the form that --output or the ending says.",
)
@click.option("--memory", default=MEMORY, show_default=True, metavar="SIZE", help="For DuckDB.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing but the answer; errors are still shown.")
@json_option
@click.pass_context
def query(
    ctx: click.Context,
    /,
    name: str | None,
    params: tuple[str, ...],
    dialect: query_printing.Dialect | None,
    **options: Any,
) -> None:
    """Ask flow logs a named question; without a NAME, list the questions.

    AWS's sixteen queries for Athena are among them, by AWS's names and shorter ones. NODATA and
    SKIPDATA are in no sum.
    """
    if name is None:
        query_listing.show(options["as_json"])
        return
    asked = find(name)
    texts = given(params)
    if options["table"] is not None and dialect != "athena":
        raise UsageError("--table is for --print athena")
    if dialect is None:
        ctx.exit(_run(asked, texts, options))
    _print(asked, texts, dialect, options)


def _print(
    asked: NamedQuery,
    texts: Mapping[str, str],
    dialect: query_printing.Dialect,
    options: Mapping[str, Any],
) -> None:
    if options["wheres"]:
        raise UsageError("--where is for running a query, not for printing it")
    if options["file"] is not None or options["output"] is not None:
        raise UsageError("--file and --output are for running a query, not for printing it")
    texts = dict(texts)
    for name in ("since", "until"):
        text = options[name]
        if text is not None and texts.setdefault(name, text) != text:
            raise UsageError(f"--{name} and --param {name} say different times")
    log = query_printing.flow_log(options["sources"], options["format_"])
    query_printing.show(asked, texts, dialect, log, options["table"], options["as_json"])


def _run(asked: NamedQuery, texts: Mapping[str, str], options: dict[str, Any]) -> int:
    """Ask, and show what comes; the exit code."""
    from vpcflow_query.flows import Flows
    from vpcflow_query.once import repeatable
    from vpcflow_query.sql_output import Output
    from vpcflow_query.sql_summary import conclude

    sources = options["sources"]
    if not sources:
        raise UsageError(
            f"{asked.name} of which flow logs?",
            hint=f"vpcflow query {asked.name} SOURCE..., or --print to see the query",
        )
    chosen = Chosen.of({**options, "limit": 0}, Screen.of(sys.stdout))
    check_memory(options["memory"])
    names = ("format_", "wheres", "since", "until", "threads")
    reading = Reading.of(sources, *(options[name] for name in names))
    reading = evolve(reading, sources=[repeatable(source) for source in reading.sources])
    present = Flows.of(reading).schema.names
    variant = asked.variant(present)
    asked_values = values(asked.name, variant.parameters, texts)
    text = query_printing.duckdb(variant, asked_values, present)
    output = Output(chosen.form, chosen.file, chosen.limit, chosen.screen)
    with result_of(text, reading, options["memory"]) as (flows, result):
        with Progress(flows.position, wanted=output.leaves_stderr_free) as progress:
            output.show(result, progress)
        flows.stop()
    quiet, as_json = options["quiet"], options["as_json"]
    if not quiet and not as_json:
        _say(variant.notes, output.shown)
    conclude(flows.summary, output, quiet=quiet, as_json=as_json)
    return 1 if flows.summary.errors else 0


def _say(notes: tuple[str, ...], rows: int) -> None:
    """What to know of the answer, on stderr."""
    screen = Screen.of(sys.stderr)
    for note in notes if rows else ("nothing in these logs answers to that",):
        for line in wrap(note, screen.width, "  "):
            click.echo(screen.paint(line, "quiet"), err=True)
