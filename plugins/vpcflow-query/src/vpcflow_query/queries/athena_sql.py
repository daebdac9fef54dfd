"""Named queries for Athena (engine version 3, which is Trino), over a table as `vpcflow athena`
declares it.

A text table holds AWS's `-` where a text is missing, and null where a number is; a Parquet table
may hold either. Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil

from attrs import define, field

from vpcflow.fields import FIELDS, text_field
from vpcflow_query import quoting
from vpcflow_query.athena_partitions import Partitions
from vpcflow_query.queries.sql import Block, SqlRenderer

_NEVER_MISSING = {"account_id", "srcaddr", "dstaddr", "log_status", "action", "type"}
"""Texts that a record of traffic always has."""

_LATEST = timedelta(hours=1)
"""A record that starts before a time is in a file for its end: ten minutes and a delay later."""


@define
class AthenaRenderer(SqlRenderer):
    """partitions: of the table; conditions on time also choose among them."""

    partitions: Partitions = field(factory=Partitions)

    def field(self, name: str) -> str:
        missing = (FIELDS.get(name) or text_field(name)).type == "utf8"
        if missing and name not in _NEVER_MISSING:
            return f"NULLIF({quoting.name(name)}, '-')"
        return quoting.name(name)

    def known(self, name: str) -> str:
        return quoting.name(name)

    def time(self, value: str) -> str:
        return f"from_unixtime({value})"

    def seconds(self, value: str) -> str:
        return value

    def moment(self, field: str, operator: str, moment: datetime) -> str:
        return f"{field} {operator} {ceil(moment.timestamp())}"

    def period(self) -> Iterator[str]:
        since, until = self.values.get("since"), self.values.get("until")
        yield from self.partitions.conditions(
            since.date() if isinstance(since, datetime) else None,
            (until + _LATEST).date() if isinstance(until, datetime) else None,
        )
        yield from super().period()

    def traffic(self, witness: str) -> str:
        if witness == "log_status":
            return "log_status = 'OK'"
        present = f"{quoting.name(witness)} IS NOT NULL"
        absent = f"{quoting.name(witness)} <> '-'"
        return absent if FIELDS[witness].type == "utf8" else present

    def each(self, name: str, fields: tuple[str, ...]) -> str:
        listed = ", ".join(map(self.field, fields))
        return f"CROSS JOIN UNNEST(ARRAY[{listed}]) AS each_of({name})"

    def is_ipv6(self, value: str) -> str:
        return f"strpos({value}, ':') > 0"

    def in_block(self, value: str, block: Block) -> str:
        if block.prefixlen == block.max_prefixlen:
            return f"{value} = {quoting.literal(str(block.network_address))}"
        return f"contains('{block}', TRY_CAST({value} AS IPADDRESS))"
