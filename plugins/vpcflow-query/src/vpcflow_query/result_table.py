"""Results for people: a table, page by page, in the width there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, frozen

from vpcflow.cli.display import NULL, moment
from vpcflow.cli.screen import Screen, cells, pad, shorten
from vpcflow.errors import printable
from vpcflow_query.result_values import fitted, pylist, text_value

if TYPE_CHECKING:
    import pyarrow as pa

_GAP = 2
_LEAST = 15  # cells that a text may be squeezed to: an IPv4 address keeps its middle
_SHORT = 8  # cells that stay of the heading of numbers
_DAY, _UTC = "2024-05-01", " (UTC)"
_AMOUNT = re.compile(r"bytes|packets|flows|records|count|sum|total", re.IGNORECASE)
_STYLES = {"REJECT": "bad", "ACCEPT": "good", "NODATA": "odd", "SKIPDATA": "odd"}


@frozen
class _Column:
    heading: str
    texts: list[str]
    right: bool
    whole: bool
    time: bool

    @property
    def width(self) -> int:
        return max(cells(self.heading), *map(cells, self.texts))

    @property
    def least(self) -> int:
        """What it may be squeezed to: texts lose their middles, numbers and times nothing."""
        return max(_SHORT, *map(cells, self.texts)) if self.whole else _LEAST

    def clock(self) -> _Column:
        """The column without the day in its times."""
        if not self.time:
            return self
        texts = [NULL if text == NULL else text[len(_DAY) + 1 :] for text in self.texts]
        return evolve(self, heading=self.heading.removesuffix(_UTC), texts=texts)


@define
class ResultTable:
    """Each page has its own heading and widths; columns that no line can hold side by side are
    shown one value a line."""

    screen: Screen

    def page(self, batch: pa.RecordBatch) -> list[str]:
        """The lines for the rows of a batch. What does not print is escaped."""
        if is_plan(batch):
            return [line for text in batch[1].to_pylist() for line in plan_lines(text)]
        names = batch.schema.names
        batch = fitted(batch)
        columns = [_column(name, array) for name, array in zip(names, batch.columns, strict=True)]
        widths = _squeezed(columns, self.screen.width)
        day = _only_day(columns)
        if day is not None and not _fits(columns, self.screen.width):
            columns = [column.clock() for column in columns]
            widths = _squeezed(columns, self.screen.width)
        else:
            day = None
        if widths is None:
            return self._stacked(columns, batch.num_rows)
        heading = [
            pad(shorten(column.heading, width), width, right=column.right)
            for column, width in zip(columns, widths, strict=True)
        ]
        lines = [] if day is None else [self.screen.paint(f"{day} UTC", "quiet")]
        lines.append(self.screen.paint(_joined(heading), "heading"))
        return lines + [self._row(columns, widths, row) for row in range(batch.num_rows)]

    def _row(self, columns: Sequence[_Column], widths: Sequence[int], row: int) -> str:
        parts = []
        for column, width in zip(columns, widths, strict=True):
            text = column.texts[row]
            part = pad(shorten(text, width), width, right=column.right)
            parts.append(self._painted(part, text))
        return _joined(parts)

    def _painted(self, part: str, text: str) -> str:
        style = "quiet" if text == NULL else _STYLES.get(text)
        return part if style is None else self.screen.paint(part, style)

    def _stacked(self, columns: Sequence[_Column], rows: int) -> list[str]:
        width = max(cells(column.heading) for column in columns)
        lines = []
        for number in range(rows):
            lines += [""] if number else []
            for column in columns:
                text = column.texts[number]
                name = self.screen.paint(pad(column.heading, width), "name")
                lines.append(f"{name}  {self._painted(text, text)}")
        return lines


def is_plan(batch: pa.RecordBatch) -> bool:
    """Whether it is what EXPLAIN gives: text of many lines."""
    return bool(batch.schema.names == ["explain_key", "explain_value"])


def plan_lines(text: str) -> list[str]:
    """A plan, safe to show."""
    return [printable(line) for line in text.rstrip("\n").split("\n")]


def _column(name: str, array: pa.Array) -> _Column:
    import pyarrow as pa

    kind = array.type
    heading = printable(name)
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    show: Callable[[Any], str] = lambda value: printable(text_value(value))  # noqa: E731
    time = False
    if number:
        amount = _AMOUNT.search(name) is not None
        show = lambda value: _number(value, commas=amount)  # noqa: E731
    elif pa.types.is_timestamp(kind) and kind.tz is not None:
        heading, show, time = f"{heading}{_UTC}", _time, True
    texts = [NULL if value is None else show(value) for value in pylist(array)]
    return _Column(heading, texts, number, number or time, time)


def _number(value: Any, *, commas: bool) -> str:
    if isinstance(value, int) or value == value // 1:
        whole = int(value)
        return f"{whole:,}" if commas else str(whole)
    if isinstance(value, float) and not 1e-4 <= abs(value) < 1e15:
        return f"{value:g}"
    text = f"{value:,.4f}" if commas else f"{value:.4f}"
    return text.rstrip("0").rstrip(".")


def _time(value: Any) -> str:
    return moment(value) if isinstance(value, datetime) else str(value)


def _fits(columns: Sequence[_Column], room: int | None) -> bool:
    widths = [column.width for column in columns]
    return room is None or sum(widths) + _GAP * (len(widths) - 1) <= room


def _only_day(columns: Sequence[_Column]) -> str | None:
    """The day of all times, if there is one such."""
    times = {text for column in columns if column.time for text in column.texts}
    days = {text[: len(_DAY)] for text in times - {NULL}}
    return days.pop() if len(days) == 1 else None


def _squeezed(columns: Sequence[_Column], room: int | None) -> list[int] | None:
    """The widths, with the widest texts made narrower until all fit; None if they cannot."""
    widths = [column.width for column in columns]
    gaps = _GAP * (len(widths) - 1)
    while room is not None and sum(widths) + gaps > room:
        able = [i for i, c in enumerate(columns) if widths[i] > c.least]
        if not able:
            return None
        widths[max(able, key=widths.__getitem__)] -= 1
    return widths


def _joined(parts: Any) -> str:
    return (" " * _GAP).join(parts).rstrip()
