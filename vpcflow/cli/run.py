"""`vpcflow run`: read, enrich, deliver; nothing lost."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from vpcflow.cli.config import configured
from vpcflow.cli.options import column_list, given_format, json_option, selection
from vpcflow.cli.progress import Position, Progress
from vpcflow.cli.run_report import report_lines
from vpcflow.cli.screen import Screen, error_lines
from vpcflow.cli.where import conditions, is_age
from vpcflow.errors import UsageError

EPILOG = """\
\b
Examples:
  vpcflow run logs/ --to parquet:out/
  vpcflow run s3://bucket/AWSLogs --since 2026-09-14 --until 2026-09-15 \\
      --enrich eni=inventory/ --enrich geoip=City.mmdb,ASN.mmdb \\
      --to 'parquet:s3://lake/flows?partition=account_id,date' \\
      --state delivered.db --rejects rejects.jsonl
  vpcflow run logs/ --where action=REJECT --to cloudwatch:/vpc/rejects
  vpcflow run --config nightly.toml

\b
The keys of a TOML file are the long options without their dashes:
  sources = ["s3://bucket/AWSLogs"]
  enrich = ["eni=inventory/"]
  to = ["parquet:out/?partition=date"]
  state = "delivered.db"

With --state, a run that was killed at any moment goes on where it was when it is started again:
each record is delivered to files exactly once, to CloudWatch and Firehose at least once.

Exit code: 0 done, 1 failed or an input is damaged, 2 wrong usage, 3 done with more rejected lines
than --max-rejects, 130 ended by Ctrl-C after a checkpoint."""


@click.command(epilog=EPILOG, short_help="Enrich records and deliver them; nothing lost.")
@click.argument("sources", metavar="[SOURCE]...", nargs=-1)
@click.option(
    "--enrich",
    multiple=True,
    metavar="NAME[=ARG]",
    help="Add columns: eni=INVENTORY_DIR, geoip=FILE.mmdb, ...",
)
@click.option(
    "--to",
    multiple=True,
    metavar="TARGET",
    help="Where to: parquet:PATH, avro:PATH, jsonl:PATH or jsonl:-, cloudwatch:GROUP, "
    "firehose:STREAM; PATH is local or s3://bucket/prefix; options as ?key=value&key=value "
    "(files: size, age, partition, times).",
)
@selection
@click.option(
    "--account",
    multiple=True,
    metavar="ID",
    help="Only files of this account (by AWS's file names).",
)
@click.option("--region", multiple=True, metavar="REGION", help="Only files of this Region.")
@click.option(
    "--flow-log-id", multiple=True, metavar="FL", help="Only files of this flow log (fl-...)."
)
@click.option("--state", metavar="FILE", help="Remember what was delivered, and go on from there.")
@click.option("--rejects", metavar="FILE", help="Append lines that are no records to FILE (jsonl).")
@click.option(
    "--dead-letter", metavar="FILE", help="Append what a service refused for good to FILE (jsonl)."
)
@click.option(
    "--on-enricher-error",
    type=click.Choice(["fail", "null"]),
    help="When an enricher fails: end the run (the default), or deliver nulls and count them.",
)
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Files to read at the same time."
)
@click.option("--max-rejects", metavar="N|P%", help="Exit with 3 if more lines were rejected.")
@click.option("--config", metavar="FILE", help="Take settings from a TOML file; flags go before.")
@click.option("-q", "--quiet", is_flag=True, help="No report on stderr; errors are still shown.")
@json_option
@click.pass_context
def run(ctx: click.Context, /, **flags: Any) -> None:
    """Read flow logs, add columns, and deliver the records.

    The report says what was read, set aside and delivered. With --json it is one JSON object on
    stdout.
    """
    as_json, quiet, config = flags.pop("as_json"), flags.pop("quiet"), flags.pop("config")
    given = {name: value for name, value in flags.items() if value not in (None, ())}
    values = (configured(config) if config else {}) | given
    if as_json and any(str(to).startswith("jsonl:-") for to in values.get("to", ())):
        raise UsageError("--json and --to jsonl:- both want standard output")
    pipeline = _pipeline(values)
    try:
        with Progress(lambda: _position(pipeline), wanted="jsonl:-" not in values.get("to", ())):
            report = pipeline.run()
    except KeyboardInterrupt:
        click.echo("stopped at once; with --state the next run goes on", err=True)
        raise
    if as_json:
        from vpcflow.delivery import as_json as rendered

        click.echo(rendered(report))
    screen = Screen.of(sys.stderr)
    if not quiet and not as_json:
        for line in report_lines(report, screen, values):
            click.echo(line, err=True)
    elif quiet and report.damaged:
        for reason in report.damaged.values():
            for line in error_lines(ValueError(reason), screen):
                click.echo(line, err=True)
    ctx.exit(report.exit_code)


def _pipeline(values: Mapping[str, Any]) -> Any:
    """The Pipeline of flags and settings. Raises UsageError for what is missing or wrong."""
    _require_pyarrow()
    from vpcflow.pipeline import Pipeline

    if not values.get("sources"):
        raise UsageError("no source was given", hint="name a file, a directory or a URL to read")
    state = values.get("state")
    since, until = values.get("since"), values.get("until")
    for name, text in (("since", since), ("until", until)):
        if state and text and is_age(text):
            raise UsageError(
                f"--{name} {text} means other records at every start, and --state has to go on "
                "with the same ones",
                hint=f"give a date, or leave --{name} out: the state knows what is new",
            )
    where = conditions(values.get("wheres", ()), since=since, until=until) or {}
    since_until = where.pop("start", None)
    low, high = since_until if isinstance(since_until, tuple) else (None, None)
    if since_until is not None and not isinstance(since_until, tuple):
        where["start"] = since_until
    columns = values.get("columns")
    return Pipeline(
        sources=[_standard_input() if s == "-" else s for s in values["sources"]],
        to=list(values.get("to", ())),
        enrich=list(values.get("enrich", ())),
        format=given_format(values.get("format_")),
        columns=column_list(columns) if isinstance(columns, str) or columns is None else columns,
        where=where or None,
        since=low,
        until=high,
        accounts=values.get("account", ()),
        regions=values.get("region", ()),
        flow_logs=values.get("flow_log_id", ()),
        state=state,
        rejects=values.get("rejects"),
        dead_letter=values.get("dead_letter"),
        on_enricher_error=values.get("on_enricher_error", "fail"),
        threads=values.get("threads"),
        max_rejects=values.get("max_rejects"),
    )


def _standard_input() -> Any:
    """Without Python's buffer, whose lock a thread that waits for input would hold when the program
    wants to end."""
    from vpcflow.source_files import OpenFile

    buffered = getattr(sys.stdin, "buffer", None)
    return OpenFile("<stdin>", getattr(buffered, "raw", buffered)) if buffered else "-"


def _require_pyarrow() -> None:
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        raise UsageError("vpcflow run needs pyarrow", hint="pip install 'vpcflow[run]'")


def _position(pipeline: Any) -> Position:
    at = pipeline.progress
    records = pipeline.report.counts["records"]
    return Position(at.files_done, at.files, at.bytes_done, at.bytes, records)
