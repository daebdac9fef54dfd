"""Named queries as SQL: what DuckDB and Athena (Trino) write alike. What they do not is in the
methods that `duckdb_sql` and `athena_sql` fill in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network

from attrs import define

from vpcflow.fields import FIELDS
from vpcflow_query import quoting
from vpcflow_query.queries.expressions import (
    Aggregate,
    All,
    Among,
    AnyOf,
    Arithmetic,
    Compare,
    Constant,
    Either,
    Expression,
    Field,
    InBlock,
    IsIPv6,
    Not,
    Output,
    Overall,
    Parameter,
    Present,
    Rounded,
)
from vpcflow_query.queries.named_query import Column, Select, check_period, traffic_witness
from vpcflow_query.queries.parameters import Value

Block = IPv4Network | IPv6Network


@define
class SqlRenderer(ABC):
    """Writes a query in one dialect. table: as it stands behind FROM. values: of the parameters.
    available: the fields that the log has; None: all."""

    table: str
    values: Mapping[str, Value]
    available: Collection[str] | None = None

    @abstractmethod
    def field(self, name: str) -> str:
        """A field's value, null where the record has none."""

    @abstractmethod
    def known(self, name: str) -> str:
        """A field where only values that are there can matter."""

    @abstractmethod
    def time(self, value: str) -> str:
        """The least or largest of a time field as a time."""

    @abstractmethod
    def seconds(self, value: str) -> str:
        """The same as seconds since 1970."""

    @abstractmethod
    def moment(self, field: str, operator: str, moment: datetime) -> str:
        """A time field compared with a moment."""

    @abstractmethod
    def in_block(self, value: str, block: Block) -> str:
        """Whether an address (a field as SQL) is in the block."""

    @abstractmethod
    def is_ipv6(self, value: str) -> str: ...

    @abstractmethod
    def each(self, name: str, fields: tuple[str, ...]) -> str:
        """What stands behind the table for a row per field."""

    @abstractmethod
    def traffic(self, witness: str) -> str:
        """The condition that a record is of traffic."""

    def period(self) -> Iterator[str]:
        """The conditions of `since` and `until`."""
        for parameter, operator in (("since", ">="), ("until", "<")):
            moment = self.values.get(parameter)
            if isinstance(moment, datetime):
                yield self.moment(quoting.name("start"), operator, moment)

    def render(self, select: Select) -> str:
        """The whole query, without a semicolon. Raises UsageError for a period that the log cannot
        tell."""
        check_period(self.values, self.available)
        return "\n".join(self._lines(select))

    def _lines(self, select: Select) -> Iterator[str]:
        yield "SELECT"
        columns = [self._column(column) for column in select.columns]
        yield from (f"  {column}," for column in columns[:-1])
        yield f"  {columns[-1]}"
        yield from self._source(select)
        conditions = [self.condition(condition) for condition in select.where]
        if select.inner is None:
            conditions = [*self._of_traffic(), *self.period(), *conditions]
        for number, condition in enumerate(conditions):
            yield f"{'  AND' if number else 'WHERE'} {condition}"
        if select.grouped and select.keys:
            yield "GROUP BY " + ", ".join(self.expression(key.value) for key in select.keys)
        for number, condition_ in enumerate(select.having):
            yield f"{'  AND' if number else 'HAVING'} {self.condition(condition_)}"
        if select.ordering:
            order = (quoting.alias(n) + " DESC" * down for n, down in select.ordering)
            yield "ORDER BY " + ", ".join(order)
        if select.limit is not None:
            yield f"LIMIT {self.values[select.limit]}"

    def _source(self, select: Select) -> Iterator[str]:
        if select.inner is not None:
            yield "FROM ("
            yield from (f"  {line}" for line in self._lines(select.inner))
            yield ") AS inner_query"
        else:
            each = select.each
            more = f" {self.each(each.name, each.fields)}" if each is not None else ""
            yield f"FROM {self.table}{more}"

    def _of_traffic(self) -> Iterator[str]:
        witness = traffic_witness(self.available)
        if witness is not None:
            yield self.traffic(witness)

    def _column(self, column: Column) -> str:
        value = self.expression(column.value)
        if isinstance(column.value, Aggregate) and self._is_time(column.value):
            value = self.time(value) if column.name in _SHOWN_TIMES else self.seconds(value)
        elif isinstance(column.value, Overall):
            value = self.seconds(value)
        alias = quoting.alias(column.name)
        return value if value == alias else f"{value} AS {alias}"

    @staticmethod
    def _is_time(aggregate: Aggregate) -> bool:
        field = aggregate.argument
        return isinstance(field, Field) and FIELDS[field.name].kind == "time"

    # Expressions

    def condition(self, expression: Expression) -> str:
        """An expression among others with AND between them."""
        text = self.expression(expression)
        return f"({text})" if isinstance(expression, AnyOf) else text

    def expression(self, expression: Expression) -> str:
        match expression:
            case Field(name):
                return self.field(name)
            case Output(name):
                return quoting.alias(name)
            case Constant(value):
                return self.constant(value)
            case Parameter(name):
                return self.parameter(name)
            case Aggregate() | Overall() | Arithmetic() | Rounded() | Either():
                return self._computed(expression)
            case Compare() | Among() | InBlock() | IsIPv6() | Present() | All() | AnyOf() | Not():
                return self._test(expression)

    def constant(self, value: int | float | str) -> str:
        if isinstance(value, str):
            return quoting.literal(value)
        return f"{value!r}E0" if isinstance(value, float) else str(value)

    def parameter(self, name: str) -> str:
        value = self.values[name]
        if not isinstance(value, int | float | str):
            raise TypeError(f"{name} is a list or a time")
        return self.constant(value)

    def _computed(self, expression: Aggregate | Overall | Arithmetic | Rounded | Either) -> str:
        match expression:
            case Aggregate("count"):
                return "count(*)"
            case Aggregate("distinct", Field(name)):
                return f"count(DISTINCT {self.field(name)})"
            case Aggregate(function, argument):
                assert argument is not None
                return f"{function}({self.expression(argument)})"
            case Overall(function, aggregate):
                return f"{function}({self.expression(aggregate)}) OVER ()"
            case Arithmetic(operator, left, right):
                return f"{self._operand(left)} {operator} {self._operand(right)}"
            case Rounded(value, decimals):
                return f"round({self.expression(value)}, {decimals})"
            case Either(condition, then, otherwise):
                last = "" if otherwise is None else f" ELSE {self.expression(otherwise)}"
                return (
                    f"CASE WHEN {self.expression(condition)} THEN {self.expression(then)}{last} END"
                )

    def _operand(self, expression: Expression) -> str:
        text = self.expression(expression)
        return f"({text})" if isinstance(expression, Arithmetic) else text

    def _test(
        self,
        expression: Compare | Among | InBlock | IsIPv6 | Present | All | AnyOf | Not,
    ) -> str:
        match expression:
            case Compare(Field(name), "=", Constant() as constant):
                return f"{self.known(name)} = {self.expression(constant)}"
            case Compare(left, operator, right):
                return f"{self.expression(left)} {operator} {self.expression(right)}"
            case Among(Field(name), choices):
                found = self.values[choices.name] if isinstance(choices, Parameter) else choices
                assert isinstance(found, tuple)
                return f"{self.known(name)} IN ({', '.join(map(self.constant, found))})"
            case InBlock(field, blocks):
                return self._blocks(field, blocks)
            case IsIPv6(field):
                return self.is_ipv6(self.known(field.name))
            case Present(value):
                return f"{self.expression(value)} IS NOT NULL"
            case All(conditions):
                return " AND ".join(map(self.condition, conditions))
            case AnyOf(conditions):
                return " OR ".join(map(self._alternative, conditions))
            case Not(condition):
                return f"NOT ({self.expression(condition)})"
            case _:
                raise TypeError(f"not a condition: {expression}")

    def _alternative(self, expression: Expression) -> str:
        text = self.expression(expression)
        return f"({text})" if isinstance(expression, All) else text

    def _blocks(self, field: Field, blocks: tuple[str, ...] | Parameter) -> str:
        if isinstance(blocks, Parameter):
            given = self.values[blocks.name]
            assert isinstance(given, str)
            blocks = (given,)
        found = (self.in_block(self.known(field.name), ip_network(block)) for block in blocks)
        return "\n    OR ".join(found)


_SHOWN_TIMES = {"first_seen", "last_seen"}
