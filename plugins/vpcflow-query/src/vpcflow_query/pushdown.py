"""Conditions that can be looked at while lines are scanned, before anything is built from them.

DuckDB applies every condition itself all the same, so leaving one out costs time and nothing else.
One is taken only if no record that fails it can count for the statement's result: `flows` is named
once, it is all of that SELECT's FROM, and the condition is one of those joined by AND in its WHERE.
Taken are =, IN, <, <=, >, >= and BETWEEN of a column and plain numbers or texts. Conditions on
times are not: `where=` on `start` passes over files by their names, which SQL does not.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import define, frozen

from vpcflow.fields import FIELDS, text_field
from vpcflow_query.statement import Node, Statement, is_flows, nodes

_MOST = 2**62  # far below what overflows
_HARMLESS = {"range", "generate_series", "unnest"}
_MIRRORED = {
    "COMPARE_EQUAL": "COMPARE_EQUAL",
    "COMPARE_LESSTHAN": "COMPARE_GREATERTHAN",
    "COMPARE_GREATERTHAN": "COMPARE_LESSTHAN",
    "COMPARE_LESSTHANOREQUALTO": "COMPARE_GREATERTHANOREQUALTO",
    "COMPARE_GREATERTHANOREQUALTO": "COMPARE_LESSTHANOREQUALTO",
}

Value = int | str


@define
class _Condition:
    """What one column must satisfy: be one of `values` (None: any), and low <= value < high."""

    values: list[Value] | None = None
    low: int | None = None
    high: int | None = None

    def add(self, other: _Condition) -> None:
        """Both must hold. Of two lists the first is kept: either is right."""
        self.values = other.values if self.values is None else self.values
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        self.low, self.high = max(lows, default=None), min(highs, default=None)

    def value(self) -> object:
        """As `where=` takes it."""
        return (self.low, self.high) if self.values is None else self.values


def conditions(statement: Statement, present: Sequence[str]) -> dict[str, object]:
    """What may be given to `scan` as `where=` when the statement is run.

    present: the columns of `flows`.
    """
    select = _only_select(statement.tree)
    if select is None:
        return {}
    table = _Table(_alias(select["from_table"]), {name.lower(): name for name in present})
    found: dict[str, _Condition] = {}
    for node in _joined(select.get("where_clause")):
        taken = table.condition(node)
        if taken is not None:
            name, condition = taken
            found.setdefault(name, _Condition()).add(condition)
    return {name: condition.value() for name, condition in found.items()}


def _only_select(tree: Node) -> Node | None:
    """The SELECT that alone reads `flows`, if all its rows come from there."""
    everything = list(nodes(tree))
    if sum(map(is_flows, everything)) != 1:
        return None
    for node in everything:  # query_table('flows') is no reference that the tree shows
        if node.get("type") == "TABLE_FUNCTION":
            function = node.get("function", {}).get("function_name")
            if function not in _HARMLESS:
                return None
    for node in everything:
        table = node.get("from_table")
        if isinstance(table, Mapping) and is_flows(table):
            plain = not (table.get("sample") or table.get("column_name_alias"))
            return node if plain and not table.get("at_clause") else None
    return None


def _alias(table: Node) -> str:
    return str(table.get("alias") or table["table_name"]).lower()


def _joined(node: Any) -> Iterator[Node]:
    """The conditions that must all hold."""
    if not isinstance(node, Mapping):
        return
    if node.get("type") == "CONJUNCTION_AND":
        for child in node.get("children", ()):
            yield from _joined(child)
    else:
        yield node


@frozen
class _Table:
    """`flows` under the name that the SELECT gives it. columns: by their names in lower case."""

    alias: str
    columns: Mapping[str, str]

    def condition(self, node: Node) -> tuple[str, _Condition] | None:
        """The column that a node is about and what it asks of it, if it is one of those taken."""
        kind = str(node.get("type"))
        if kind in _MIRRORED:
            left, right = node.get("left", {}), node.get("right", {})
            if left.get("class") == "CONSTANT":
                left, right, kind = right, left, _MIRRORED[kind]
            return self._checked(left, kind, [right])
        if kind == "COMPARE_BETWEEN":
            return self._checked(node["input"], kind, [node["lower"], node["upper"]])
        if kind == "COMPARE_IN":
            column, *members = node.get("children", [{}])
            return self._checked(column, kind, members)
        return None

    def _checked(
        self, reference: Node, kind: str, constants: Sequence[Node]
    ) -> tuple[str, _Condition] | None:
        name = self._column(reference)
        if name is None or not constants:
            return None
        values = [_value(name, constant) for constant in constants]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        if kind in {"COMPARE_EQUAL", "COMPARE_IN"}:
            return name, _Condition(known)
        numbers = [value for value in known if isinstance(value, int)]
        return (name, _range(kind, numbers)) if len(numbers) == len(known) else None

    def _column(self, node: Node) -> str | None:
        if node.get("class") != "COLUMN_REF" or self.alias in self.columns:
            return None
        *table, column = [str(part).lower() for part in node.get("column_names", [""])]
        return self.columns.get(column) if table in ([], [self.alias]) else None


def _range(kind: str, numbers: Sequence[int]) -> _Condition:
    first, last = numbers[0], numbers[-1]
    return {
        "COMPARE_LESSTHAN": _Condition(high=first),
        "COMPARE_LESSTHANOREQUALTO": _Condition(high=first + 1),
        "COMPARE_GREATERTHAN": _Condition(low=first + 1),
        "COMPARE_GREATERTHANOREQUALTO": _Condition(low=first),
        "COMPARE_BETWEEN": _Condition(low=first, high=last + 1),
    }[kind]


def _value(column: str, node: Node) -> Value | None:
    """The constant, if comparing the column with it means the same to SQL and to `where=`."""
    literal = node.get("literal")
    if node.get("class") != "CONSTANT" or not isinstance(literal, Mapping):
        return None
    field = FIELDS.get(column) or text_field(column)
    kind, text = literal.get("kind"), str(literal.get("text"))
    if field.type in {"int32", "int64"}:
        plain = kind == "INTEGER" and re.fullmatch(r"[0-9]{1,19}", text)
        return int(text) if plain and int(text) < _MOST else None
    if field.type != "utf8" or kind != "STRING" or field.kind == "tag" or text in {"", "-"}:
        return None
    if field.kind == "address":
        return text if _is_plain_address(text) else None
    return text


def _is_plain_address(text: str) -> bool:
    """Whether every way to read it is this one: SQL compares texts, `where=` addresses."""
    try:
        return str(ipaddress.ip_address(text)) == text
    except ValueError:
        return False
