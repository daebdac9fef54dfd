"""One statement of SQL: is it one that only reads, and what does it read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from vpcflow.errors import UsageError
from vpcflow_query.flows import TABLE

if TYPE_CHECKING:
    import duckdb

Node = Mapping[str, Any]

_ALLOWED = "one SELECT, WITH, FROM, DESCRIBE, SUMMARIZE or EXPLAIN"
BINDING = "EXPLAIN (FORMAT json) "
_BLANK = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_EXPLAIN = re.compile(
    rf"{_BLANK}explain\b{_BLANK}"
    rf"(?:\({_BLANK}(?:analyze|format)\b[^)]*\){_BLANK}|analyze\b{_BLANK})?",
    re.IGNORECASE | re.DOTALL,
)


@frozen
class Statement:
    """text: as it was given. query: the part that reads, without EXPLAIN. tree: of it, as DuckDB's
    parser gives it."""

    text: str
    query: str
    tree: Node

    def references(self) -> list[Node]:
        """Where the tree names the table `flows`."""
        return [node for node in nodes(self.tree) if is_flows(node)]


def parsed(connection: duckdb.DuckDBPyConnection, text: str) -> Statement:
    """The statement. Raises UsageError for one that does anything but read, and for several;
    DuckDB's errors for text that is no SQL."""
    found = connection.extract_statements(text)
    if not found:
        raise UsageError("the SQL holds no statement", hint=f'as in: "select * from {TABLE}"')
    if len(found) > 1:
        raise UsageError(
            f"there are {len(found)} statements; give one", hint=f"it takes {_ALLOWED}"
        )
    kind = found[0].type.name
    if kind not in {"SELECT", "EXPLAIN"}:
        raise _not_reading(kind)
    query = _EXPLAIN.sub("", text, count=1) if kind == "EXPLAIN" else text
    rows = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
    said = json.loads(rows[0][0])
    if said.get("error") or len(said.get("statements", ())) != 1:
        raise _not_reading(kind)
    return Statement(text, query, said["statements"][0])


def _not_reading(kind: str) -> UsageError:
    what = "this" if kind == "MULTI" else f"a statement of the kind {kind}"
    hint = f"it takes {_ALLOWED}"
    if kind == "MULTI":
        hint += "; PIVOT needs its values: PIVOT ... ON ... IN (...)"
    return UsageError(f"{what} cannot be run here: statements only read", hint=hint)


def scans(connection: duckdb.DuckDBPyConnection, statement: Statement) -> int:
    """How often the statement reads `flows`, at most: 1 only if that is certain.

    Raises DuckDB's errors for a statement that cannot be bound; their places count from the
    beginning of `BINDING`, behind which the query stands.
    """
    rows = connection.execute(BINDING + statement.query).fetchall()
    plan = json.loads(rows[0][1])
    found = sum("ARROW_SCAN" in str(node.get("name")) for node in nodes(plan))
    if any(node.get("type") == "RECURSIVE_CTE_NODE" for node in nodes(statement.tree)):
        found += 1  # a part of it is run again for every step
    return found


def is_flows(node: Node) -> bool:
    """Whether a node of the tree is the table `flows`."""
    return node.get("type") == "BASE_TABLE" and str(node.get("table_name", "")).lower() == TABLE


def nodes(tree: object) -> Iterator[Node]:
    """All mappings in a tree of JSON, the outer ones first."""
    if isinstance(tree, Mapping):
        yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value)
