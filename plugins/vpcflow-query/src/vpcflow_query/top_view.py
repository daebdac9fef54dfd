"""The ranking of `vpcflow top`, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from vpcflow.cli.names import NAMED
from vpcflow.cli.progress import size
from vpcflow.cli.screen import Screen, cells, pad, shorten, wrap
from vpcflow.errors import printable
from vpcflow_query.top_count import MEASURES, Ranking

_GAP = 2
_WIDEST_BAR, _NARROWEST_BAR = 20, 6
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEAST_KEY = 15
_ARROW = " -> "
_BYTES, _HIDDEN = "bytes", {"accepted"}


@frozen
class View:
    """measure: what is ranked by. about: a few words for each row, or None. blocks: whether the
    output can show block characters; bars are of # otherwise."""

    by: str
    measure: str
    ranking: Ranking
    keys: Sequence[str]
    about: Sequence[str | None]
    notes: Sequence[str]
    blocks: bool = True
    _total: int = field(init=False)

    @_total.default
    def _sum(self) -> int:
        return self.ranking.total[self.measure] or 0

    # ---- for programs ----------------------------------------------------------------------------

    def as_json(self) -> str:
        """One object."""
        rows, cumulated = [], 0
        for row, about in zip(self.ranking.rows, self.about, strict=True):
            cumulated += row[self.measure] or 0
            rows.append(
                {name: row[name] for name in (*self.keys, *MEASURES)}
                | ({"about": about} if about is not None else {})
                | {"share": self._share(row), "cumulated": self._ratio(cumulated)}
            )
        found = {
            "by": self.by,
            "measure": self.measure,
            "rows": rows,
            "total": dict(self.ranking.total),
            "groups": self.ranking.groups,
            "notes": list(self.notes),
        }
        return json.dumps(found)

    def _share(self, row: Mapping[str, Any]) -> float | None:
        return self._ratio(row[self.measure] or 0)

    def _ratio(self, part: int) -> float | None:
        return round(part / self._total, 6) if self._total else None

    # ---- for people ------------------------------------------------------------------------------

    def lines(self, screen: Screen) -> list[str]:
        """The table, what is left out of it, and the notes. What does not print is escaped."""
        table = self._table(screen)
        rest = self.ranking.groups - len(self.ranking.rows)
        total = ", ".join(
            f"{_amount(name, number)} {name}" if name != _BYTES else _amount(name, number)
            for name, number in self.ranking.total.items()
            if number is not None and name not in _HIDDEN
        )
        others = f"and {rest:,} more; " if rest else ""
        ends = [f"{others}in all {total}", *self.notes]
        return table + [
            screen.paint(line, "quiet") for end in ends for line in wrap(end, screen.width, "  ")
        ]

    def _table(self, screen: Screen) -> list[str]:
        if not self.ranking.rows:
            return [f"no {self.measure}"]
        names = [self.measure, *(m for m in (_BYTES, "flows", "rejected") if m != self.measure)]
        if screen.width is None or screen.width >= 100:
            names.insert(2, "packets")
        names = [n for n in dict.fromkeys(names) if self.ranking.total[n] is not None]
        amounts = [[m, *(_amount(m, row[m]) for row in self.ranking.rows)] for m in names]
        shares, cumulated = ["share"], ["cum."]
        sum_ = 0
        for row in self.ranking.rows:
            sum_ += row[self.measure] or 0
            shares.append(_percent(self._share(row)))
            cumulated.append(_percent(self._ratio(sum_)))
        columns = [amounts[0], shares, cumulated]
        behind = amounts[1:]
        fixed = sum(max(map(cells, c)) + _GAP for c in [*columns, *behind])
        keys = [self.by, *map(self._key, self.ranking.rows, self.about)]
        width, bar = _room(keys, fixed, screen.width)
        lines = []
        for number, key in enumerate(keys):
            parts = [pad(_fit(key, width), width)]
            parts += [_right(column, number) for column in columns]
            if bar:
                parts.append(pad(self._bar(number, bar), bar))
            parts += [_right(column, number) for column in behind]
            line = (" " * _GAP).join(parts).rstrip()
            lines.append(screen.paint(line, "heading") if number == 0 else line)
        return lines

    def _key(self, row: Mapping[str, Any], about: str | None) -> str:
        texts = [_text(name, row[name]) for name in self.keys]
        if self.by == "pair":
            shown = _ARROW.join(texts)
        elif self.by == "port":
            shown = "/".join(texts) if row["port"] is not None else texts[1]
        else:
            shown = " ".join(text for text in texts if text != "-") or "-"
        return f"{shown}  {printable(about)}" if about else shown

    def _bar(self, number: int, width: int) -> str:
        if number == 0:
            return ""
        largest = self.ranking.rows[0][self.measure] or 0
        part = (self.ranking.rows[number - 1][self.measure] or 0) / largest if largest else 0
        if not self.blocks:
            return "#" * max(round(part * width), part > 0)
        eighths = max(round(part * width * 8), part > 0)
        return _EIGHTHS[8] * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _room(keys: Sequence[str], fixed: int, screen: int | None) -> tuple[int, int]:
    """Cells for the key and for the bar (0: there is no room for one)."""
    wanted = max(map(cells, keys))
    if screen is None:
        return wanted, _WIDEST_BAR
    bar = min(screen - fixed - wanted - _GAP, _WIDEST_BAR)
    if bar >= _NARROWEST_BAR:
        return wanted, bar
    return max(min(wanted, screen - fixed), _LEAST_KEY), 0


def _fit(key: str, width: int) -> str:
    """The key in this many cells; of a pair, something of both ends."""
    source, arrow, destination = key.partition(_ARROW)
    if not arrow or cells(key) <= width:
        return shorten(key, width)
    room = width - len(_ARROW)
    left = min(cells(source), max(room // 2, room - cells(destination)))
    return f"{shorten(source, left)}{_ARROW}{shorten(destination, room - left)}"


def _right(column: Sequence[str], number: int) -> str:
    return pad(column[number], max(map(cells, column)), right=True)


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{part * 100:.1f}%"


def _amount(measure: str, number: int | None) -> str:
    if number is None:
        return "-"
    return size(number) if measure == _BYTES else f"{number:,}"


def _text(name: str, value: Any) -> str:
    if value is None:
        return "-"
    return printable(NAMED[name](value) if name in NAMED else str(value))
