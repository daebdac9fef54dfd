"""The partition columns of an Athena table over flow logs, and conditions on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from attrs import frozen

from vpcflow_query import quoting


@frozen
class Partitions:
    """names: of the columns, in order. days: the one that holds a day as `yyyy/MM/dd`, or the
    three that hold year, month and day in digits; empty for a table without."""

    names: tuple[str, ...] = ()
    days: tuple[str, ...] = ()

    def conditions(self, first: date | None, last: date | None) -> Iterator[str]:
        """That a record's file is of these days (both included; None: no bound). Athena reads only
        the partitions that pass."""
        if not self.days:
            return
        columns = [quoting.quoted(name) for name in self.days]
        pattern = "%Y/%m/%d" if len(columns) == 1 else "%Y%m%d"
        for day, operator in ((first, ">="), (last, "<=")):
            if day is None:
                continue
            if len(columns) > 1:  # alone, a condition that Athena can choose partitions by
                yield f"{columns[0]} {operator} '{day:%Y}'"
            yield f"{' || '.join(columns)} {operator} '{day.strftime(pattern)}'"
