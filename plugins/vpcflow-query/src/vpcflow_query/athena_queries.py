"""Named queries for an Athena table."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from attrs import frozen

from vpcflow.errors import UsageError, printable
from vpcflow_query.athena_table import FlowTable
from vpcflow_query.queries import NamedQuery, find, named_queries
from vpcflow_query.queries.athena_sql import AthenaRenderer
from vpcflow_query.queries.parameters import TIMES, values


@frozen
class Printed:
    """A named query as SQL; or, where sql is None, why there is none."""

    query: NamedQuery
    sql: str | None
    notes: tuple[str, ...] = ()


def chosen(text: str) -> list[NamedQuery]:
    """ "all", or names with commas between."""
    if text.strip() == "all":
        return list(named_queries().values())
    names = [name for name in text.replace(",", " ").split() if name]
    if not names:
        raise UsageError("--queries names no query", hint="all, or names as vpcflow query lists")
    return list({find(name).name: find(name) for name in names}.values())


def for_table(
    table: FlowTable, queries: Collection[NamedQuery], given: Mapping[str, str]
) -> list[Printed]:
    """The queries as SQL over the table, with the parameters that are given for those that have
    them. A query that lacks a field or a parameter says so; it is an error if it is the only one.

    Raises UsageError for values that are not allowed, and for a parameter that none of them has.
    """
    available = [column.name for column in table.columns if column.renamed_from is None]
    found = []
    declared = {one.name for query in queries for v in query.variants for one in v.parameters}
    if unknown := set(given) - declared - {one.name for one in TIMES}:
        raise UsageError(f"none of these queries has a parameter {printable(min(unknown), 80)!r}")
    for query in queries:
        if len(queries) > 1 and not query.answerable(available):
            ways = query.lacking(available)
            found.append(Printed(query, None, (f"this flow log lacks {ways}",)))
            continue
        variant = query.variant(available)
        names = {one.name for one in (*variant.parameters, *TIMES)}
        texts = {name: text for name, text in given.items() if name in names}
        lacking = [
            one.name for one in variant.parameters if one.default is None and one.name not in texts
        ]
        if lacking and len(queries) > 1:
            wanted = " ".join(f"--param {name}=..." for name in lacking)
            found.append(Printed(query, None, (f"it needs {wanted}",)))
            continue
        renderer = AthenaRenderer(
            table.sql_name,
            values(query.name, variant.parameters, texts),
            available,
            table.for_queries,
        )
        found.append(Printed(query, renderer.render(variant.select), variant.notes))
    return found
