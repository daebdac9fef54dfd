"""Records as a table for people: the columns that matter most, in the width there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import define, field

from vpcflow.cli.display import NULL, Column, clock, every, moment, position, single
from vpcflow.cli.screen import Screen, cells, pad, shorten, wrap
from vpcflow.fields import FIELDS

GAP = 2
_NAMED = 10  # columns without room that are named

_ESSENTIAL = {"start", "action", "srcaddr", "dstaddr", "protocol", "bytes"}
_MEASURES = {"count", "flags", "time"}  # alike in all rows only by chance
_VERDICTS = {"REJECT": "bad", "NODATA": "odd", "SKIPDATA": "odd", "ACCEPT": "good"}


@define
class Table:
    """A table that is written page by page, so that its length is not bounded by memory.

    names: columns of the records. chosen: the user named them, so all are shown. The columns are
    settled by the first page; each page has its own heading and widths.
    """

    screen: Screen
    names: Sequence[str]
    chosen: bool = False
    hidden: list[str] = field(init=False, factory=list)
    """Columns without room; those that are alike in all rows of the first page are in `alike`."""
    alike: dict[str, str] = field(init=False, factory=dict)
    _columns: list[Column] = field(init=False, factory=list)
    _pages: int = field(init=False, default=0)

    def page(self, records: Sequence[Any]) -> list[str]:
        """The lines, heading included, that show `records`."""
        if not records:
            return []
        self._pages += 1
        if self._pages == 1:
            self._columns = self._settle(records)
        columns = self._columns
        day = _only_day(records, columns)
        widths, texts = _measure(columns, records)
        if self.screen.width is not None and _total(widths) > self.screen.width:
            if day is not None:
                columns = [clock(column) for column in columns]
                widths, texts = _measure(columns, records)
            widths = _squeezed(columns, widths, self.screen.width)
            if _total(widths) > self.screen.width:
                return self._stacked(records)
        else:
            day = None
        heading = [
            pad(shorten(column.heading, width), width, right=column.right)
            for column, width in zip(columns, widths, strict=True)
        ]
        lines = [] if day is None else [self.screen.paint(f"{day} UTC", "quiet")]
        lines.append(self.screen.paint(_joined(heading), "heading"))
        lines += [self._row(columns, widths, row) for row in zip(*texts, strict=True)]
        return lines

    def notes(self) -> list[str]:
        """What to say below the table about columns that are not in it."""
        notes = []
        if self.alike and self._pages == 1:
            facts = ", ".join(f"{name} {text}" for name, text in self.alike.items())
            notes.append(f"alike in all rows: {facts}")
        hidden = [*self.hidden, *(self.alike if self._pages > 1 else ())]
        if hidden:
            more = f" and {len(hidden) - _NAMED} more" if len(hidden) > _NAMED else ""
            names = ", ".join(hidden[:_NAMED])
            notes.append(f"no room for: {names}{more} (choose with --columns)")
        return [
            self.screen.paint(line, "quiet")
            for note in notes
            for line in wrap(note, self.screen.width, "  ")
        ]

    def _row(self, columns: Sequence[Column], widths: Sequence[int], row: Iterable[str]) -> str:
        parts = []
        for column, width, text in zip(columns, widths, row, strict=True):
            part = pad(shorten(text, width), width, right=column.right)
            parts.append(self._painted(part, column, text))
        return _joined(parts)

    def _painted(self, part: str, column: Column, text: str) -> str:
        style = _style(column, text)
        return part if style is None else self.screen.paint(part, style)

    def _settle(self, records: Sequence[Any]) -> list[Column]:
        """Which columns to show: all chosen ones, or as many as fit by what they tell."""
        if self.chosen:
            return [single(name) for name in self.names]
        columns = sorted(every(self.names), key=position)
        if self.screen.width is None:
            return columns
        ranks = {column.names: _rank(column, records) for column in columns}
        self.alike = _alike([c for c in columns if ranks[c.names] == _ALIKE], records)
        clocks = _only_day(records, columns) is not None
        kept: list[Column] = []
        used = -GAP
        full = False
        for column in sorted(columns, key=lambda column: ranks[column.names]):
            rank = ranks[column.names]
            (width,), _ = _measure([clock(column) if clocks else column], records)
            full = full or (rank == _NEXT and used + GAP + width > self.screen.width)
            if rank == _FIRST or (rank == _NEXT and not full):
                kept.append(column)
                used += GAP + width
            elif rank == _NEXT:
                self.hidden += column.names
        return sorted(kept, key=position)

    def _stacked(self, records: Sequence[Any]) -> list[str]:
        """One value a line, for columns that no line can hold side by side."""
        width = max(len(column.heading) for column in self._columns)
        lines = []
        for record in records:
            lines.append("")
            for column in self._columns:
                text = column.text(record)
                shown = self._painted(text, column, text)
                lines.append(f"{self.screen.paint(pad(column.heading, width), 'name')}  {shown}")
        return lines


_FIRST, _NEXT, _ALIKE, _EMPTY = range(4)


def _style(column: Column, text: str) -> str | None:
    if text == NULL:
        return "quiet"
    if column.heading == "packets_lost":
        return None if text == "0" else "bad"
    if column.names[0] in {"action", "log_status"}:
        return _VERDICTS.get(text.partition(" ")[0])
    return None


def _rank(column: Column, records: Sequence[Any]) -> int:
    """How much a column tells about these records."""
    name = column.names[0]
    values = {getattr(record, name) for record in records}
    if name in _ESSENTIAL:
        return _FIRST
    if values == {None}:
        return _EMPTY
    if name == "log_status":  # of a format without action
        return _EMPTY if values == {"OK"} else _FIRST
    if column.heading == "packets_lost":
        return _EMPTY if {column.text(record) for record in records} <= {NULL, "0"} else _FIRST
    if _repeats(name, records):
        return _EMPTY
    varies = len(values) > 1 or len(records) == 1
    known = FIELDS.get(name)
    measure = known is not None and known.kind in _MEASURES
    return _NEXT if varies or measure else _ALIKE


def _repeats(name: str, records: Sequence[Any]) -> bool:
    """Whether a packet's own address says nothing beyond the address in the same row."""
    if name not in {"pkt_srcaddr", "pkt_dstaddr"}:
        return False
    plain = name.removeprefix("pkt_")
    return all(getattr(r, name) in (None, getattr(r, plain, None)) for r in records)


def _alike(columns: Iterable[Column], records: Sequence[Any]) -> dict[str, str]:
    return {column.names[0]: column.text(records[0]) for column in columns}


def _only_day(records: Sequence[Any], columns: Iterable[Column]) -> str | None:
    names = [c.names[0] for c in columns if c.heading.endswith(" (UTC)")]
    times = {getattr(record, name) for name in names for record in records} - {None}
    days = {moment(time)[: len("2024-05-01")] for time in times}
    return days.pop() if len(days) == 1 else None


def _measure(
    columns: Sequence[Column], records: Sequence[Any]
) -> tuple[list[int], list[list[str]]]:
    texts = [[column.text(record) for record in records] for column in columns]
    widths = [
        max(cells(column.heading), *map(cells, column_texts))
        for column, column_texts in zip(columns, texts, strict=True)
    ]
    return widths, texts


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _squeezed(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[int]:
    """The widths with the widest texts made narrower, cell by cell, until all fit or none can."""
    widths = list(widths)
    while _total(widths) > room:
        able = [i for i, c in enumerate(columns) if c.least and widths[i] > c.least]
        if not able:
            break
        widths[max(able, key=widths.__getitem__)] -= 1
    return widths


def _joined(parts: Iterable[str]) -> str:
    return (" " * GAP).join(parts).rstrip()
