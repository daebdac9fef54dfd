"""FlowTable: an Athena table over flow logs in S3: its columns, its partitions, where they lie.

Column names are AWS's with `_` for `-`, types those of AWS's own tables (Athena User Guide, "Query
Amazon VPC flow logs"). A text table binds columns by position, so they are the format's, in order;
a Parquet table binds them by name.
"""

from __future__ import annotations

from datetime import date

from attrs import frozen

from vpcflow.errors import UsageError
from vpcflow.fields import Field
from vpcflow.flow_format import FlowFormat
from vpcflow_query import quoting
from vpcflow_query.athena_layout import Layout
from vpcflow_query.athena_partitions import Partitions
from vpcflow_query.setup import patterns

TABLE = "vpc_flow_logs"
YEARS = 10
"""How far the years of a Hive layout are projected: whole numbers have no NOW."""

_TYPES = {"int32": "int", "int64": "bigint", "timestamp[ms, tz=UTC]": "bigint", "utf8": "string"}


@frozen
class TableColumn:
    name: str
    type: str
    renamed_from: str | None = None


@frozen
class Partition:
    """A partition column. kind: how its values are projected: "enum", "date" or "integer"; values:
    of an enum; low, high: of an integer, whose text has `digits` digits."""

    name: str
    kind: str
    values: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    digits: int = 0


@frozen
class FlowTable:
    """format: of the flow log. parquet: or text. projection: whether Athena computes partitions
    from rules instead of looking them up. since: the first day; today: the last.

    Raises UsageError for names, accounts and Regions that are none, and where several accounts or
    Regions would be needed but none is known.
    """

    format: FlowFormat
    layout: Layout
    since: date
    today: date
    parquet: bool = False
    projection: bool = True
    table: str = TABLE
    database: str | None = None

    def __attrs_post_init__(self) -> None:
        quoting.identifier(self.table, "--table")
        if self.database is not None:
            quoting.identifier(self.database, "--database")
        for account in self.layout.accounts:
            patterns.account(account, "--accounts")
        for region in self.layout.regions:
            patterns.region(region, "--regions")
        if self.since > self.today:
            raise UsageError(f"--since {self.since} is after today")
        if self.discovered:
            return
        for what, known in (("accounts", self.layout.accounts), ("regions", self.layout.regions)):
            if not known:
                raise UsageError(
                    f"whose flow logs are they? No {what} are known",
                    hint=f"give --{what} A,B, or a --location that names them",
                )

    @property
    def discovered(self) -> bool:
        """Whether partitions are found by their folders' names (MSCK REPAIR TABLE)."""
        return self.layout.hive and not self.projection

    @property
    def columns(self) -> tuple[TableColumn, ...]:
        """The data columns. One whose name a partition has that cannot have another: of a text
        table it gets another name, since its place must stay; of a Parquet table it is left out,
        since it could not be found by another."""
        taken = {partition.name for partition in self.partitions}
        names = set(self.format.names)
        found = []
        for one in self.format.fields:
            if one.name not in taken:
                found.append(TableColumn(one.name, athena_type(one)))
            elif not self.parquet:
                renamed = _free(f"{one.name}_field", taken | names)
                found.append(TableColumn(renamed, athena_type(one), renamed_from=one.name))
        return tuple(found)

    @property
    def left_out(self) -> tuple[str, ...]:
        kept = {column.renamed_from or column.name for column in self.columns}
        return tuple(name for name in self.format.names if name not in kept)

    @property
    def partitions(self) -> tuple[Partition, ...]:
        layout, names = self.layout, set(self.format.names)
        if self.discovered:
            steps = ["aws-account-id", "aws-service", "aws-region", "year", "month", "day"]
            steps += ["hour"] if layout.per_hour else []
            return tuple(Partition(step, "found") for step in steps)
        found = []
        for name, values in (("aws_account", layout.accounts), ("aws_region", layout.regions)):
            if len(values) > 1:
                found.append(Partition(_free(name, names), "enum", values))
        if layout.hive:
            last = self.since.year + YEARS
            found.append(Partition(_free("year", names), "integer", (), self.since.year, last, 4))
            found.append(Partition(_free("month", names), "integer", (), 1, 12, 2))
            found.append(Partition(_free("day", names), "integer", (), 1, 31, 2))
        else:
            found.append(Partition(_free("day", names), "date"))
        if layout.per_hour:
            found.append(Partition(_free("hour", names), "integer", (), 0, 23, 2))
        return tuple(found)

    @property
    def for_queries(self) -> Partitions:
        names = [partition.name for partition in self.partitions]
        dates = names[:-1] if self.layout.per_hour else names
        days = dates[-3:] if self.layout.hive else dates[-1:]
        return Partitions(tuple(names), tuple(days))

    @property
    def sql_name(self) -> str:
        """As a query names it."""
        parts = (self.database, self.table)
        return ".".join(quoting.quoted(part) for part in parts if part is not None)

    @property
    def ddl_name(self) -> str:
        """As DDL names it."""
        parts = (self.database, self.table)
        return ".".join(quoting.backticked(part) for part in parts if part is not None)


def athena_type(one: Field) -> str:
    """AWS's tables take bigint for `protocol`, in text and in Parquet; else the type follows that
    of AWS's Parquet files."""
    return "bigint" if one.name == "protocol" else _TYPES[one.type]


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_partition" if not name.endswith("_field") else "_"
    return name
