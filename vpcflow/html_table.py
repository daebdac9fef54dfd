"""Tables for notebooks. Values are escaped here, and what does not print is shown as its escape."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice

from vpcflow.errors import printable

ROWS = 10
TEXT = 200  # characters of one value
_CELL = "text-align: left; white-space: nowrap"


def batch_html(
    names: Sequence[str], records: Iterable[object], length: int, counts: Mapping[str, int]
) -> str:
    """The first `ROWS` records and a line that counts all. Only those records are made."""
    rows = [[getattr(r, name) for name in names] for r in islice(records, ROWS)]
    facts = [_plural(length, "record")]
    if length > ROWS:
        facts[0] += f", the first {ROWS} shown"
    facts += [
        f"{_plural(counts[name], 'line')} {words}"
        for name, words in (("rejected", "rejected"), ("filtered", "filtered out"))
        if counts.get(name)
    ]
    return table_html(names, rows, "; ".join(facts))


def table_html(names: Sequence[str], rows: Iterable[Sequence[object]], note: str = "") -> str:
    """A table that scrolls sideways if it is wide. Nulls are -, times UTC."""
    heads = "".join(f'<th scope="col" style="{_CELL}">{_escaped(name)}</th>' for name in names)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    below = f"<p>{_escaped(note)}</p>" if note else ""
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div style="overflow-x: auto">{table}{below}</div>'


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _cell(value: object) -> str:
    return f'<td style="{_CELL}">{_escaped(_text(value))}</td>'


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds")
    return str(value)


def _escaped(text: str) -> str:
    return html.escape(printable(text, TEXT))
