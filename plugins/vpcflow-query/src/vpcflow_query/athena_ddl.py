"""The statements that make an Athena table over flow logs.

Athena runs one statement at a time. DDL is Hive's: names stand in backticks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import product

from vpcflow.errors import UsageError
from vpcflow_query import quoting
from vpcflow_query.athena_table import FlowTable, Partition

PARTITIONS_MOST = 1000
_IN_A_STATEMENT = 100


def create_table(table: FlowTable) -> str:
    """CREATE EXTERNAL TABLE. A text table leaves the header line of each file out."""
    lines = [f"CREATE EXTERNAL TABLE IF NOT EXISTS {table.ddl_name} ("]
    lines += _listed(
        f"  {quoting.backticked(column.name)} {column.type}" for column in table.columns
    )
    lines += [")", "PARTITIONED BY ("]
    lines += _listed(f"  {quoting.backticked(one.name)} string" for one in table.partitions)
    lines.append(")")
    if table.parquet:
        lines.append("STORED AS PARQUET")
    else:
        lines += ["ROW FORMAT DELIMITED", "FIELDS TERMINATED BY ' '", "STORED AS TEXTFILE"]
    lines.append(f"LOCATION {quoting.ddl_literal(_location(table))}")
    if properties := _properties(table):
        lines.append("TBLPROPERTIES (")
        lines += _listed(
            f"  {quoting.ddl_literal(name)} = {quoting.ddl_literal(value)}"
            for name, value in properties.items()
        )
        lines.append(")")
    return "\n".join(lines)


def add_partitions(table: FlowTable) -> list[str]:
    """What makes a table without projection know its partitions: nothing for one with. Raises
    UsageError for more than 1,000 partitions."""
    if table.projection:
        return []
    if table.discovered:
        return [f"MSCK REPAIR TABLE {table.ddl_name}"]
    layout = table.layout
    hours = 24 if layout.per_hour else 1
    days = (table.today - table.since).days + 1
    number = len(layout.accounts) * len(layout.regions) * days * hours
    if number > PARTITIONS_MOST:
        raise UsageError(
            f"that would take {number:,} partitions, and this prints up to {PARTITIONS_MOST:,}",
            hint="use --projection, with which no partition needs adding, or a later --since",
        )
    clauses = list(_partition_clauses(table))
    start = f"ALTER TABLE {table.ddl_name} ADD IF NOT EXISTS"
    return [
        "\n".join((start, *clauses[at : at + _IN_A_STATEMENT]))
        for at in range(0, len(clauses), _IN_A_STATEMENT)
    ]


def _partition_clauses(table: FlowTable) -> Iterator[str]:
    layout = table.layout
    names = [partition.name for partition in table.partitions]
    hours = [f"{hour:02}" for hour in range(24)] if layout.per_hour else [""]
    for account, region, day, hour in product(
        layout.accounts, layout.regions, _days(table.since, table.today), hours
    ):
        values = [account] if len(layout.accounts) > 1 else []
        values += [region] if len(layout.regions) > 1 else []
        values += [f"{day:%Y/%m/%d}", *([hour] if hour else [])]
        spec = ", ".join(
            f"{quoting.backticked(name)} = {quoting.ddl_literal(value)}"
            for name, value in zip(names, values, strict=True)
        )
        steps = layout.date_steps(f"{day:%Y}", f"{day:%m}", f"{day:%d}", hour)
        place = layout.root + "/".join(
            (
                layout.account_step(account),
                layout.service_step,
                layout.region_step(region),
                *steps,
                "",
            )
        )
        yield f"  PARTITION ({spec})\n    LOCATION {quoting.ddl_literal(place)}"


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _location(table: FlowTable) -> str:
    """The deepest folder that all partitions lie in."""
    layout = table.layout
    if table.discovered or len(layout.accounts) > 1:
        return layout.root
    steps = [layout.account_step(layout.accounts[0]), layout.service_step]
    if len(layout.regions) == 1:
        steps.append(layout.region_step(layout.regions[0]))
    return layout.root + "/".join((*steps, ""))


def _properties(table: FlowTable) -> Mapping[str, str]:
    found = {} if table.parquet else {"skip.header.line.count": "1"}
    if table.projection:
        found["projection.enabled"] = "true"
        for partition in table.partitions:
            found |= _projected(partition, table)
        found["storage.location.template"] = _template(table)
    return found


def _projected(partition: Partition, table: FlowTable) -> Mapping[str, str]:
    start = f"projection.{partition.name}"
    found = {f"{start}.type": partition.kind}
    if partition.kind == "enum":
        found[f"{start}.values"] = ",".join(partition.values)
    elif partition.kind == "date":
        found[f"{start}.format"] = "yyyy/MM/dd"
        found[f"{start}.range"] = f"{table.since:%Y/%m/%d},NOW"
        found[f"{start}.interval"] = "1"
        found[f"{start}.interval.unit"] = "DAYS"
    else:
        found[f"{start}.range"] = f"{partition.low},{partition.high}"
        found[f"{start}.digits"] = str(partition.digits)
    return found


def _template(table: FlowTable) -> str:
    """Where a partition lies, `${name}` for its values."""
    layout = table.layout
    names = [f"${{{partition.name}}}" for partition in table.partitions]
    account = names.pop(0) if len(layout.accounts) > 1 else layout.accounts[0]
    region = names.pop(0) if len(layout.regions) > 1 else layout.regions[0]
    hour = names.pop() if layout.per_hour else ""
    if layout.hive:
        year, month, day = names
        steps = layout.date_steps(year, month, day, hour)
    else:
        steps = (*names, hour) if hour else tuple(names)
    path = (
        layout.account_step(account),
        layout.service_step,
        layout.region_step(region),
        *steps,
        "",
    )
    return layout.root + "/".join(path)


def _listed(lines: Iterator[str]) -> list[str]:
    found = list(lines)
    return [f"{line}," for line in found[:-1]] + found[-1:]
