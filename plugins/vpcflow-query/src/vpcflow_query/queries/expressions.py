"""What a named query is made of: values and conditions, free of any dialect.

A query is written once with these and rendered three times (DuckDB, Athena, CloudWatch Logs
Insights). A field that a record does not have is null in all of them, whatever the place keeps
for it: nothing, or AWS's `-`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs
from attrs import frozen

Comparison = Literal["=", "<>", "<", "<=", ">", ">="]
Function = Literal["sum", "min", "max", "count", "distinct"]


@frozen
class Field:
    """A field of the record, by column name."""

    name: str


@frozen
class Constant:
    value: int | float | str


@frozen
class Parameter:
    """The value that the user gives to a parameter of this name."""

    name: str


@frozen
class Output:
    """A column of what the query reads that is no field of the record, by name."""

    name: str


@frozen
class Aggregate:
    """Over the records of a group. "distinct" counts different values, "count" counts records
    (and has no argument)."""

    function: Function
    argument: Expression | None = None


@frozen
class Overall:
    """The least or largest value of an aggregate over all groups."""

    function: Literal["min", "max"]
    aggregate: Aggregate


@frozen
class Arithmetic:
    operator: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression


@frozen
class Rounded:
    """A number with so many decimals."""

    value: Expression
    decimals: int


@frozen
class Either:
    """`then` where the condition holds, else `otherwise` (None: null)."""

    condition: Expression
    then: Expression
    otherwise: Expression | None = None


@frozen
class Compare:
    left: Expression
    operator: Comparison
    right: Expression


@frozen
class Among:
    """One of several constants, or of those that a parameter lists."""

    value: Expression
    choices: tuple[int | str, ...] | Parameter


@frozen
class InBlock:
    """An address within one of several blocks, or in the block (or the address) of a parameter."""

    value: Field
    blocks: tuple[str, ...] | Parameter


@frozen
class IsIPv6:
    value: Field


@frozen
class Present:
    value: Field | Output


@frozen
class All:
    conditions: tuple[Expression, ...]


@frozen
class AnyOf:
    conditions: tuple[Expression, ...]


@frozen
class Not:
    condition: Expression


Expression = (
    Field
    | Constant
    | Parameter
    | Output
    | Aggregate
    | Overall
    | Arithmetic
    | Rounded
    | Either
    | Compare
    | Among
    | InBlock
    | IsIPv6
    | Present
    | All
    | AnyOf
    | Not
)


def equal(name: str, value: int | str) -> Compare:
    """The condition that a field has this value."""
    return Compare(Field(name), "=", Constant(value))


def walk(expression: object) -> Iterator[object]:
    """The expression and all that it holds."""
    yield expression
    if isinstance(expression, tuple):
        for item in expression:
            yield from walk(item)
    elif attrs.has(kind := type(expression)):
        for attribute in attrs.fields(kind):
            yield from walk(getattr(expression, attribute.name))


def fields_of(expression: object) -> set[str]:
    """The names of the record's fields that the expression uses."""
    return {part.name for part in walk(expression) if isinstance(part, Field)}


def outputs_of(expression: object) -> set[str]:
    """The names of the inner query's columns that the expression uses."""
    return {part.name for part in walk(expression) if isinstance(part, Output)}


def is_aggregate(expression: object) -> bool:
    return any(isinstance(part, Aggregate) for part in walk(expression))
