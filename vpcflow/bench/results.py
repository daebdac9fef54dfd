"""What was measured: rows of timings, and figures made of rows."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any, Self

import attrs
from attrs import field, frozen

UNDISTURBED = 0.95
"""Share of a core's time that a contender has to have had in its fastest round."""


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(values)


@frozen
class Row:
    """One contender of a figure.

    seconds: one entry for each round, without the warm-up; empty if it was not timed.
    size: bytes of plain text it read in one round, lines: the lines in them. check: "equal",
    "reference", "not compared", or what was wrong with the result: then it is not timed.
    cores: how many cores it had in the fastest round; None if that was not measured.
    """

    name: str
    version: str
    how: str
    size: int
    lines: int
    seconds: tuple[float, ...] = field(converter=_floats, default=())
    check: str = "not compared"
    cores: float | None = None

    @property
    def timed(self) -> bool:
        return bool(self.seconds)

    @property
    def best(self) -> float:
        """Seconds of the fastest round, the one least disturbed."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """Seconds of the median round."""
        return median(self.seconds)

    @property
    def rate(self) -> float:
        """Bytes of plain text a second, in the fastest round."""
        return self.size / self.best

    @property
    def line_rate(self) -> float:
        """Lines a second, in the fastest round."""
        return self.lines / self.best


@frozen
class Figure:
    """One question and its rows, the row that the others are compared with first.

    name: for programs. title: the question. data: what was read. notes: what a reader of the figure
    has to know.
    """

    name: str
    title: str
    data: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def disturbed(self) -> tuple[str, ...]:
        """The rows that did not have a core to themselves in their fastest round."""
        return tuple(r.name for r in self.rows if r.cores is not None and r.cores < UNDISTURBED)

    def row(self, name: str) -> Row:
        """The row of that name. Raises LookupError, with what is wrong, if it was not timed."""
        for row in self.rows:
            if row.name == name:
                if not row.timed:
                    raise LookupError(f"{self.name}: {name} was not timed: {row.check}")
                return row
        raise LookupError(f"{self.name}: no row {name!r}")

    def speedup(self, fast: str, slow: str) -> float:
        """How many times as many bytes of text a second `fast` reads as `slow`."""
        return self.row(fast).rate / self.row(slow).rate

    def of_kind(self, kind: str) -> Self:
        """The same figure, told from those of other kinds of logs by name and title."""
        return attrs.evolve(self, name=f"{self.name}-{kind}", title=f"{self.title}: {kind}")

    def as_json(self) -> dict[str, Any]:
        """For json.dumps, with the derived numbers of each row beside what they derive from."""
        derived = {
            row.name: {
                "best_seconds": row.best,
                "median_seconds": row.median,
                "bytes_per_second": row.rate,
                "lines_per_second": row.line_rate,
            }
            for row in self.rows
            if row.timed
        }
        made = attrs.asdict(self)
        made["rows"] = [row | derived.get(row["name"], {}) for row in made["rows"]]
        return made

    @classmethod
    def of(cls, rows: Iterable[dict[str, Any]], **facts: Any) -> Self:
        """A figure from rows as a worker printed them."""
        return cls(rows=tuple(Row(**row) for row in rows), **facts)
