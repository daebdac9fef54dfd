"""`vpcflow athena`: the table for a flow log in S3, and queries for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime

import click
from attrs import evolve

from vpcflow.cli.options import format_option, given_format, json_option
from vpcflow.cli.summary import format_name
from vpcflow.cli.text import safe_json, safe_lines
from vpcflow.errors import UsageError, printable
from vpcflow.flow_format import FlowFormat
from vpcflow_query.athena_ddl import add_partitions, create_table
from vpcflow_query.athena_layout import Layout, parse_location
from vpcflow_query.athena_queries import Printed, chosen, for_table
from vpcflow_query.athena_source import FlowLog, at_hand, without_sources
from vpcflow_query.athena_table import TABLE, YEARS, FlowTable
from vpcflow_query.queries.parameters import given

EPILOG = """\
\b
Examples:
  vpcflow athena --location s3://bucket/prefix/ --accounts 123456789010 --regions eu-west-1
  vpcflow athena flow-logs/ --location s3://bucket/        the format of these files
  vpcflow athena s3://bucket/AWSLogs/.../2026/09/14/       all of it from where they are
  vpcflow athena flow-logs/ --location s3://bucket/ --queries all --param since=7d

\b
Athena runs one statement at a time: paste them one after the other. Nothing is run here."""

_OLDEST = date(2015, 6, 10)  # flow logs are not older


@click.command(epilog=EPILOG, short_help="Print the Athena table for a flow log.")
@click.argument("sources", metavar="[SOURCE...]", nargs=-1)
@format_option
@click.option("--location", metavar="S3URL", help="Bucket and prefix that AWS delivers to.")
@click.option("--parquet/--text", default=None, help="What the files are.")
@click.option("--hive/--no-hive", default=None, help="Folders named year=2026 (Hive-compatible).")
@click.option("--per-hour/--per-day", default=None, help="A folder for each hour.")
@click.option("--accounts", metavar="A,B", help="Accounts whose flow logs are in the bucket.")
@click.option("--regions", metavar="R,S", help="Regions whose flow logs are in the bucket.")
@click.option(
    "--projection/--no-projection",
    default=True,
    help="Let Athena compute partitions from rules (the default), or add them.",
)
@click.option("--since", metavar="DATE", help="The first day, 2026-09-01.")
@click.option("--table", default=TABLE, show_default=True, metavar="NAME")
@click.option("--database", metavar="NAME")
@click.option(
    "--queries", metavar="NAMES", help="Also print named queries for it: all, or names with commas."
)
@click.option(
    "--param", "params", metavar="NAME=VALUE", multiple=True, help="A parameter of the queries."
)
@json_option
def athena(
    sources: tuple[str, ...],
    format_: str | None,
    location: str | None,
    parquet: bool | None,
    hive: bool | None,
    per_hour: bool | None,
    accounts: str | None,
    regions: str | None,
    projection: bool,
    since: str | None,
    table: str,
    database: str | None,
    queries: str | None,
    params: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print the Athena table for a flow log in S3: CREATE TABLE, and what its partitions take.

    The format is that of the SOURCEs, or --format, or AWS's default. What names of files and
    --location say of accounts, Regions and folders need not be given.
    """
    if params and queries is None:
        raise UsageError("--param is for queries", hint="add --queries all")
    format = given_format(format_)
    flow_log = at_hand(sources, format) if sources else without_sources(format)
    layout = _layout(location, flow_log)
    layout = evolve(
        layout,
        accounts=_listed(accounts) or layout.accounts,
        regions=_listed(regions) or layout.regions,
        hive=layout.hive if hive is None else hive,
        per_hour=layout.per_hour if per_hour is None else per_hour,
    )
    today = datetime.now(UTC).date()
    made = FlowTable(
        flow_log.format,
        layout,
        since=_first_day(since, layout, projection, today),
        today=today,
        parquet=bool(flow_log.parquet if parquet is None else parquet),
        projection=projection,
        table=table,
        database=database,
    )
    asked = for_table(made, chosen(queries), given(params)) if queries is not None else []
    show = _as_json if as_json else _as_sql
    click.echo(show(made, flow_log, asked))


def _layout(location: str | None, flow_log: FlowLog) -> Layout:
    """What is given, completed by what the names of the files say."""
    seen = flow_log.layout or Layout("")
    if location is None:
        if not seen.bucket:
            raise UsageError(
                "where are the files in S3?",
                hint="--location s3://bucket/prefix/, as the flow log was created with",
            )
        return seen
    told = parse_location(location)
    return evolve(
        told,
        organisation=told.organisation or seen.organisation,
        accounts=told.accounts or seen.accounts,
        regions=told.regions or seen.regions,
        hive=told.hive or seen.hive,
        per_hour=told.per_hour or seen.per_hour,
        first_day=seen.first_day,
    )


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys((text or "").replace(",", " ").split()))


def _first_day(text: str | None, layout: Layout, projection: bool, today: date) -> date:
    """--since; else the first day that the files' names tell; else the first of this year, or
    today where each day's partition is added."""
    if text is None:
        default = date(today.year, 1, 1) if projection else today
        return min(layout.first_day or default, today)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--since {printable(text, 40)!r} is no day", hint="as in --since 2026-09-01"
        ) from None
    if day < _OLDEST:
        raise UsageError(f"--since {day}: there are no flow logs before {_OLDEST}")
    return day


def _notes(table: FlowTable, flow_log: FlowLog) -> Iterator[str]:
    said_by = {
        "given": "as given",
        "header": "from the header line",
        "container": "from the files themselves",
        "assumed": "assumed, as nothing says otherwise: check with `vpcflow format`",
    }
    yield f"{format_name(table.format)}, {said_by[flow_log.format_source]}"
    if flow_log.format == FlowFormat.transit_gateway():
        yield "AWS does not document Athena for transit gateway flow logs; the layout is the same"
    for column in table.columns:
        if column.renamed_from is not None:
            yield f"column {column.renamed_from} is {column.name}: a partition has its name"
    for name in table.left_out:
        yield f"column {name} is left out: a partition has its name, and Parquet binds by name"
    if not table.parquet:
        yield "where AWS has no value, a text column holds '-', a number is NULL"
        if any(one.kind == "tag" for one in table.format.fields):
            yield "tag values are percent-encoded: url_decode(instance_tag)"
    if table.projection and table.layout.hive:
        yield f"years are projected up to {table.since.year + YEARS}: change that in time"
    if not table.projection:
        yield "new partitions are not seen before they are added: run the last statement every day"


def _as_sql(table: FlowTable, flow_log: FlowLog, asked: list[Printed]) -> str:
    blocks = []
    notes = "".join(f"-- {safe_lines(note)}\n" for note in _notes(table, flow_log))
    blocks.append(notes + create_table(table) + ";")
    blocks += [statement + ";" for statement in add_partitions(table)]
    for one in asked:
        title = f"-- {one.query.name}: {one.query.answers}\n"
        title += "".join(f"-- {safe_lines(note)}\n" for note in one.notes)
        blocks.append(title + (one.sql + ";" if one.sql is not None else "").rstrip())
    return "\n\n".join(block.rstrip("\n") for block in blocks)


def _as_json(table: FlowTable, flow_log: FlowLog, asked: list[Printed]) -> str:
    told = {
        "format": str(table.format),
        "format_source": flow_log.format_source,
        "columns": [{"name": c.name, "type": c.type} for c in table.columns],
        "partitions": [partition.name for partition in table.partitions],
        "statements": [create_table(table), *add_partitions(table)],
        "queries": [
            {"name": one.query.name, "sql": one.sql, "notes": list(one.notes)} for one in asked
        ],
        "notes": list(_notes(table, flow_log)),
    }
    return safe_json(json.dumps(told, indent=2, ensure_ascii=False).encode())
