"""Named queries for CloudWatch Logs Insights.

Insights discovers the fields of the default format by names of its own (Amazon CloudWatch Logs
User Guide, "Supported logs and discovered fields"); those of any other format are parsed from the
message, a wildcard for each (AWS Knowledge Center, "analyze custom Amazon VPC flow logs"). Times
come out as seconds since 1970. The period is chosen where the query is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from ipaddress import ip_network
from math import ceil

from attrs import define

from vpcflow.errors import UsageError
from vpcflow.flow_format import FlowFormat
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
    walk,
)
from vpcflow_query.queries.named_query import Select, check_period, traffic_witness
from vpcflow_query.queries.parameters import Value

LIMIT_MOST = 10_000
"""Rows at most that the `limit` command gives."""

DISCOVERED = {
    "version": "version",
    "account_id": "accountId",
    "interface_id": "interfaceId",
    "srcaddr": "srcAddr",
    "dstaddr": "dstAddr",
    "srcport": "srcPort",
    "dstport": "dstPort",
    "protocol": "protocol",
    "packets": "packets",
    "bytes": "bytes",
    "start": "startTime",
    "end": "endTime",
    "action": "action",
    "log_status": "logStatus",
}
"""Names that Insights gives to the fields of the default format."""

_FUNCTIONS = {"sum": "sum", "min": "min", "max": "max", "distinct": "count_distinct"}


class NotExpressibleError(Exception):
    """Logs Insights has no words for this; the text says for what."""


def render(select: Select, values: Mapping[str, Value], format: FlowFormat) -> str:
    """The query for log groups whose messages are in this format. Raises UsageError if Logs
    Insights cannot ask that, and for a period that the log cannot tell."""
    check_period(values, format.names)
    try:
        return "\n| ".join(_Renderer(values, format).commands(select))
    except NotExpressibleError as error:
        raise UsageError(
            f"CloudWatch Logs Insights cannot ask that: {error}",
            hint="--print athena or --print duckdb can",
        ) from None


def expressible(select: Select) -> bool:
    """Whether Logs Insights can ask that at all."""
    if select.inner is not None or select.each is not None:
        return False
    return not any(isinstance(part, Either | Overall) for part in walk(select.columns))


@define
class _Renderer:
    values: Mapping[str, Value]
    format: FlowFormat

    @property
    def _custom(self) -> bool:
        return self.format.names != FlowFormat.default().names

    def commands(self, select: Select) -> Iterator[str]:
        if select.inner is not None:
            raise NotExpressibleError("it takes a query over the answer of another")
        if select.each is not None:
            raise NotExpressibleError("it counts a record for its source and for its destination")
        if self._custom:
            wildcards = " ".join("*" for _ in self.format.fields)
            yield f'parse @message "{wildcards}" as {", ".join(self.format.names)}'
        conditions = [*self._of_traffic(), *self._period(), *map(self.test, select.where)]
        for condition in conditions:
            yield f"filter {condition}"
        yield from self._columns(select)
        for condition_ in select.having:
            yield f"filter {_Having(self.values, self.format, select).test(condition_)}"
        if select.order:
            names = {column.name for column in select.columns}
            order = (o for o in select.order if o.removeprefix("-") in names)
            yield "sort " + ", ".join(
                f"{o.removeprefix('-')} {'desc' if o.startswith('-') else 'asc'}" for o in order
            )
        if select.limit is not None:
            limit = self.values[select.limit]
            assert isinstance(limit, int)
            yield f"limit {min(limit, LIMIT_MOST)}"

    def _of_traffic(self) -> Iterator[str]:
        witness = traffic_witness(self.format.names)
        if witness == "log_status":
            yield f'{self.field(witness)} = "OK"'
        elif witness is not None:
            yield self._present(witness)

    def _period(self) -> Iterator[str]:
        for parameter, operator in (("since", ">="), ("until", "<")):
            moment = self.values.get(parameter)
            if isinstance(moment, datetime):
                yield f"{self.field('start')} {operator} {ceil(moment.timestamp())}"

    def _columns(self, select: Select) -> Iterator[str]:
        shown = [(column.name, self.value(column.value)) for column in select.columns]
        aliased = [text if text == name else f"{text} as {name}" for name, text in shown]
        if not select.grouped:
            yield "fields " + ", ".join(aliased)
            return
        keys = {column.name for column in select.keys}
        found = [text for (name, _), text in zip(shown, aliased, strict=True) if name not in keys]
        by = [text for name, text in shown if name in keys]
        yield f"stats {', '.join(found)}" + (f" by {', '.join(by)}" if by else "")

    def field(self, name: str) -> str:
        return name if self._custom else DISCOVERED[name]

    def value(self, expression: Expression) -> str:
        match expression:
            case Field(name):
                return self.field(name)
            case Constant(value):
                return f'"{value}"' if isinstance(value, str) else _number(value)
            case Parameter(name):
                return self.value(Constant(self._scalar(name)))
            case Aggregate("count"):
                return "count(*)"
            case Aggregate(function, argument):
                assert argument is not None
                return f"{_FUNCTIONS[function]}({self.value(argument)})"
            case Arithmetic(operator, left, right):
                return f"{self._operand(left)} {operator} {self._operand(right)}"
            case Rounded(value, _):
                return self.value(value)
            case Either():
                raise NotExpressibleError("it takes one value or another by a condition")
            case Overall():
                raise NotExpressibleError("it compares groups with all groups")
            case _:
                raise NotExpressibleError("a condition is no value there")

    def _operand(self, expression: Expression) -> str:
        text = self.value(expression)
        return f"({text})" if isinstance(expression, Arithmetic | Rounded) else text

    def test(self, expression: Expression) -> str:
        match expression:
            case Compare(Field(left), "<>", Field(right)):  # `-` is no value
                differs = f"{self.field(left)} != {self.field(right)}"
                return f"{differs} and {self._present(left)} and {self._present(right)}"
            case Compare(left, operator, right):
                sign = "!=" if operator == "<>" else operator
                return f"{self.value(left)} {sign} {self.value(right)}"
            case Among(value, choices):
                found = self.values[choices.name] if isinstance(choices, Parameter) else choices
                assert isinstance(found, tuple)
                listed = ", ".join(self.value(Constant(choice)) for choice in found)
                return f"{self.value(value)} in [{listed}]"
            case InBlock(field, blocks):
                return self._blocks(self.field(field.name), blocks)
            case IsIPv6(field):
                return f"{self.field(field.name)} like /:/"
            case Present(value):
                assert not isinstance(value, Output)
                return self._present(value.name)
            case All(conditions):
                return " and ".join(map(self._part, conditions))
            case AnyOf(conditions):
                return " or ".join(map(self._part, conditions))
            case Not(condition):
                return f"not ({self.test(condition)})"
            case _:
                raise NotExpressibleError("a value is no condition there")

    def _part(self, expression: Expression) -> str:
        text = self.test(expression)
        return text if " and " not in text and " or " not in text else f"({text})"

    def _present(self, name: str) -> str:
        return f'ispresent({self.field(name)}) and {self.field(name)} != "-"'

    def _blocks(self, field: str, blocks: tuple[str, ...] | Parameter) -> str:
        found = (str(self._scalar(blocks.name)),) if isinstance(blocks, Parameter) else blocks
        return " or ".join(_in_block(field, block) for block in found)

    def _scalar(self, name: str) -> int | float | str:
        value = self.values[name]
        assert isinstance(value, int | float | str)
        return value


@define
class _Having(_Renderer):
    """Behind `stats` an aggregate goes by the name of its column."""

    select: Select

    def value(self, expression: Expression) -> str:
        for column in self.select.columns:
            if column.value == expression:
                return column.name
        return super().value(expression)


def _in_block(field: str, text: str) -> str:
    block = ip_network(text)
    if block.prefixlen == block.max_prefixlen:
        return f'{field} = "{block.network_address}"'
    return f'isIpv{block.version}InSubnet({field}, "{block}")'


def _number(value: float) -> str:
    return f"{value:.15f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
