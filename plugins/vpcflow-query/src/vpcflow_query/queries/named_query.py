"""NamedQuery: a question to flow logs, written once for every place that can answer it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attrs import evolve, frozen

from vpcflow.errors import UsageError
from vpcflow.fields import FIELDS
from vpcflow_query.queries.expressions import (
    Expression,
    Field,
    fields_of,
    is_aggregate,
    outputs_of,
)
from vpcflow_query.queries.parameters import Declared

_WITNESSES = ("log_status", "srcaddr", "dstaddr", "protocol", "packets", "srcport", "dstport")


@frozen
class Column:
    """A column of the answer. optional: left out where the log does not have its fields."""

    name: str
    value: Expression
    optional: bool = False


def plain(*names: str, optional: bool = False) -> tuple[Column, ...]:
    """Fields as they are."""
    return tuple(Column(name, Field(name), optional) for name in names)


@frozen
class Each:
    """The records, once for each of several fields, whose value is the column `name`."""

    name: str
    fields: tuple[str, ...]


@frozen
class Select:
    """One level of a query.

    With an aggregate among the columns, records are grouped by those without. where, having:
    conditions on records, on groups. order: output columns, "-name" for the largest first; the
    remaining columns without an aggregate settle ties. limit: name of the parameter; None for all
    rows. each: see there. inner: the query that this one reads instead of records.
    """

    columns: tuple[Column, ...]
    where: tuple[Expression, ...] = ()
    having: tuple[Expression, ...] = ()
    order: tuple[str, ...] = ()
    limit: str | None = None
    each: Each | None = None
    inner: Select | None = None

    @property
    def grouped(self) -> bool:
        return any(is_aggregate(column.value) for column in self.columns)

    @property
    def keys(self) -> tuple[Column, ...]:
        """The columns that records are grouped by."""
        return tuple(column for column in self.columns if not is_aggregate(column.value))

    @property
    def ordering(self) -> tuple[tuple[str, bool], ...]:
        """Output columns and whether the largest goes first: all that it takes to settle ties."""
        if not self.order:
            return ()
        names = [name.removeprefix("-") for name in self.order]
        kept = {column.name for column in self.columns}
        first = [(n, o.startswith("-")) for n, o in zip(names, self.order, strict=True)]
        ties = self.keys if self.grouped else self.columns
        rest = [(column.name, False) for column in ties if column.name not in names]
        return tuple(pair for pair in (*first, *rest) if pair[0] in kept)

    @property
    def fields(self) -> set[str]:
        """The fields of the record that the query cannot do without."""
        found = set(self.each.fields) if self.each else set()
        if self.inner is not None:
            found |= self.inner.fields
        needed = [column.value for column in self.columns if not column.optional]
        for expression in (*needed, *self.where, *self.having):
            found |= fields_of(expression)
        return found

    @property
    def optional_fields(self) -> set[str]:
        """Those that it uses where they are there."""
        found = self.inner.optional_fields if self.inner is not None else set()
        for column in self.columns:
            found |= fields_of(column.value) if column.optional else set()
        return found - self.fields

    def within(self, available: Collection[str]) -> Select:
        """The query for a log with these fields: without the optional columns that it lacks."""
        inner = None if self.inner is None else self.inner.within(available)
        outputs = {column.name for column in inner.columns} if inner else set()
        outputs |= {self.each.name} if self.each else set()

        def there(column: Column) -> bool:
            uses = fields_of(column.value) <= set(available)
            return uses and outputs_of(column.value) <= outputs

        kept = tuple(column for column in self.columns if not column.optional or there(column))
        return evolve(self, columns=kept, inner=inner)

    @property
    def innermost(self) -> Select:
        return self if self.inner is None else self.inner.innermost


@frozen
class Variant:
    """A way to answer: the query, what it needs to be given, and what to know of its answer."""

    select: Select
    parameters: tuple[Declared, ...] = ()
    notes: tuple[str, ...] = ()


@frozen
class NamedQuery:
    """A question and the ways to answer it, the best first: which one depends on the fields.

    name: for the command line. answers: the question, in one line. aws_name: of the query that
    AWS's integration template creates (Amazon VPC User Guide, "Query flow logs using Amazon
    Athena"), if this is one of them.
    """

    name: str
    answers: str
    variants: tuple[Variant, ...]
    aws_name: str | None = None

    def variant(self, available: Collection[str] | None) -> Variant:
        """The first way for which a log has all fields; without a log (None), the first.

        Optional columns that the log lacks are left out. Raises UsageError that names the missing
        fields.
        """
        if available is None:
            return self.variants[0]
        for variant in self.variants:
            if not missing(variant.select, available):
                return evolve(variant, select=variant.select.within(available))
        hint = "a flow log's format cannot be changed: create another with these fields "
        hint += "(vpcflow setup prints the commands)"
        if "tgw_id" in available:
            hint = "a transit gateway's flow logs cannot have all fields: ask those of the VPCs"
        raise UsageError(
            f"{self.name} needs fields that this flow log does not have: {self.lacking(available)}",
            hint=hint,
        )

    def lacking(self, available: Collection[str]) -> str:
        """AWS's names of the fields that it would take, for each way to answer."""
        ways = [", ".join(missing(variant.select, available)) for variant in self.variants]
        return "; or ".join(dict.fromkeys(ways))

    def answerable(self, available: Collection[str]) -> bool:
        return any(not missing(variant.select, available) for variant in self.variants)


def missing(select: Select, available: Collection[str]) -> list[str]:
    """AWS's names of the fields that the query needs and the log lacks, in AWS's order."""
    return in_aws_order(select.fields - set(available))


def in_aws_order(names: Iterable[str]) -> list[str]:
    """AWS's names for columns, in the order of AWS's documentation."""
    order = {name: position for position, name in enumerate(FIELDS)}
    return [FIELDS[name].aws_name for name in sorted(names, key=order.__getitem__)]


def traffic_witness(available: Collection[str] | None) -> str | None:
    """The field that tells records of traffic from NODATA and SKIPDATA: `log_status`, or in a log
    without it one that only records of traffic have; None if there is neither."""
    if available is None:
        return "log_status"
    return next((name for name in _WITNESSES if name in available), None)


def check_period(given: Collection[str], available: Collection[str] | None) -> None:
    """Raises UsageError for `since` or `until` where records do not say when they start."""
    if available is not None and "start" not in available and {"since", "until"} & set(given):
        raise UsageError(
            "this flow log does not have the field start, which since and until are about"
        )
