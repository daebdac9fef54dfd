"""A named query as text: SQL for DuckDB and Athena, or CloudWatch Logs Insights."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import click

from vpcflow.cli.options import given_format
from vpcflow.errors import UsageError
from vpcflow.flow_format import FlowFormat
from vpcflow_query import quoting
from vpcflow_query.queries import NamedQuery
from vpcflow_query.queries.named_query import Variant, in_aws_order
from vpcflow_query.queries.parameters import TIMES, Value, values

if TYPE_CHECKING:
    from vpcflow_query.athena_source import FlowLog

Dialect = Literal["duckdb", "athena", "insights"]


def flow_log(sources: Sequence[str], format_: str | None) -> FlowLog | None:
    """What sources or --format say of the fields; None for nothing."""
    from vpcflow_query.athena_source import at_hand, without_sources

    format = given_format(format_)
    if sources:
        return at_hand(sources, format)
    return None if format is None else without_sources(format)


def show(
    asked: NamedQuery,
    texts: Mapping[str, str],
    dialect: Dialect,
    log: FlowLog | None,
    table: str | None,
    as_json: bool,
) -> None:
    """Raises UsageError where the log lacks fields, for parameters, and for what the dialect has
    no words for."""
    known = None if log is None else log.format
    if known is None and dialect == "insights":
        known = _for_insights(asked)
    variant = asked.variant(None if known is None else known.names)
    given_values = values(asked.name, variant.parameters, texts)
    text = _rendered(variant, given_values, dialect, known, table)
    if as_json:
        told = {
            "name": asked.name,
            "dialect": dialect,
            "query": text,
            "needs": in_aws_order(variant.select.fields),
            "notes": list(variant.notes),
        }
        click.echo(json.dumps(told, indent=2))
        return
    mark = "#" if dialect == "insights" else "--"
    for note in (asked.answers, *variant.notes, *_caveats(dialect, known, given_values)):
        click.echo(f"{mark} {note}")
    click.echo(text + ("" if dialect == "insights" else ";"))


def _for_insights(asked: NamedQuery) -> FlowFormat:
    """The default format, whose fields Logs Insights knows. Raises UsageError where it is not
    enough: the order of the fields must be known for any other."""
    default = FlowFormat.default()
    if not asked.answerable(default.names):
        raise UsageError(
            f"{asked.name} needs fields beyond the default format: {asked.lacking(default.names)}",
            hint="say the order of the fields in your log group: --format '${version} ...'",
        )
    return default


def _rendered(
    variant: Variant,
    given_values: Mapping[str, Value],
    dialect: Dialect,
    known: FlowFormat | None,
    table: str | None,
) -> str:
    available: Collection[str] | None = None if known is None else known.names
    if dialect == "insights":
        from vpcflow_query.queries import insights

        assert known is not None
        return insights.render(variant.select, given_values, known)
    if dialect == "athena":
        from vpcflow_query.athena_partitions import Partitions
        from vpcflow_query.athena_table import TABLE
        from vpcflow_query.queries.athena_sql import AthenaRenderer

        name = quoting.quoted(quoting.identifier(table or TABLE, "--table"))
        partitions = Partitions(("day",), ("day",))
        return AthenaRenderer(name, given_values, available, partitions).render(variant.select)
    return duckdb(variant, given_values, available)


def duckdb(
    variant: Variant, given_values: Mapping[str, Value], available: Collection[str] | None
) -> str:
    from vpcflow_query.queries.duckdb_sql import TABLE, DuckdbRenderer

    return DuckdbRenderer(TABLE, given_values, available).render(variant.select)


def _caveats(
    dialect: Dialect, known: FlowFormat | None, given_values: Mapping[str, Value]
) -> Iterator[str]:
    if dialect == "athena" and not {one.name for one in TIMES} & set(given_values):
        yield "Without --since this reads the whole table."
    if dialect == "insights":
        if known is not None and known.names != FlowFormat.default().names:
            yield f"For log groups in this format: {known}"
        yield "Times come out as seconds since 1970; count_distinct estimates large numbers."
