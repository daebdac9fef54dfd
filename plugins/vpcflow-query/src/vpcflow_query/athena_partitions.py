"""The partition columns of an Athena table over flow logs, and conditions on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from attrs import frozen

from vpcflow_query import quoting


@frozen
class Partitions:
    """names: of the columns, in order. day: the one that holds a day as `yyyy/MM/dd`; None in the
    Hive layout, whose columns are `year`, `month` and `day`, and in a table without partitions."""

    names: tuple[str, ...] = ()
    day: str | None = None

    def conditions(self, first: date | None, last: date | None) -> Iterator[str]:
        """That a record's file is of these days (both included; None: no bound). Athena reads only
        the partitions that pass."""
        if self.day is not None:
            value, pattern = quoting.quoted(self.day), "%Y/%m/%d"
        elif "year" in self.names:
            value, pattern = '"year" || "month" || "day"', "%Y%m%d"
            if first is not None:
                yield f"\"year\" >= '{first:%Y}'"
            if last is not None:
                yield f"\"year\" <= '{last:%Y}'"
        else:
            return
        if first is not None:
            yield f"{value} >= '{first.strftime(pattern)}'"
        if last is not None:
            yield f"{value} <= '{last.strftime(pattern)}'"
