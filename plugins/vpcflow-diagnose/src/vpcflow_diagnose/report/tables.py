"""Tables of the page: who talks most, what the logs cost, how the report was made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vpcflow.errors import REASON_MEANINGS
from vpcflow_diagnose.report import words
from vpcflow_diagnose.report.data import Cost, CostRow, Making, Talker
from vpcflow_diagnose.report.element import Element, el

MOST_TALKERS = 20
MOST_SOURCES = 20
MOST_TEXT = 200
BAR = 120.0
_WORDS = frozenset({"Of which", "Meaning"})  # columns that hold no numbers

_LINES = {
    "lines": "lines read",
    "records": "records",
    "filtered": "left out by --where, --since or --until",
    "rejected": "rejected: not a record",
    "blank": "blank lines",
    "header": "header lines",
    "nodata": "of the records NODATA: no traffic in the window",
    "skipdata": "of the records SKIPDATA: AWS lost the window's records",
}


def talkers_table(talkers: Sequence[Talker], by_resource: bool) -> list[Element]:
    if not talkers:
        return [el("p", "No record has addresses.", class_="quiet")]
    shown = talkers[:MOST_TALKERS]
    sized = any(t.accepted.bytes for t in shown)
    most = max((t.accepted.bytes if sized else t.accepted.flows) for t in shown)
    rows = [_talker(t, most, sized) for t in shown]
    who = "Resource" if by_resource else "Address"
    heads = (who, "Accepted", "Records", "Rejected records", "Share rejected")
    caption = f"Most traffic by {who.lower()}, sent and received"
    found = [_table(caption, heads, rows)]
    if len(talkers) > len(shown):
        left = f"{len(talkers) - len(shown):,} with less traffic are left out."
        found.append(el("p", left, class_="quiet"))
    return found


def _talker(talker: Talker, most: int, sized: bool) -> Element:
    accepted, rejected = talker.accepted, talker.rejected
    value = accepted.bytes if sized else accepted.flows
    width = BAR * value / most if most else 0.0
    bar = el(
        "svg",
        el("rect", x=0, y=0, width=round(width, 1), height=8, rx=2, class_="ok"),
        class_="bar",
        width=BAR,
        height=8,
        viewBox=f"0 0 {BAR:g} 8",
        aria_hidden="true",
    )
    name = el("span", words.cut(talker.name, MOST_TEXT))
    detail = el("small", words.cut(talker.detail, MOST_TEXT)) if talker.detail else None
    return el(
        "tr",
        el("th", name, detail, scope="row"),
        el("td", el("span", bar, class_="bars"), words.size(accepted.bytes)),
        el("td", words.count(accepted.flows)),
        el("td", words.count(rejected.flows), class_="no" if rejected.flows else None),
        el("td", words.share(rejected.flows, accepted.flows + rejected.flows)),
    )


def cost_table(cost: Cost | None) -> list[Element]:
    if cost is None or not cost.rows:
        return [el("p", "The logs are too few to say what they cost a month.", class_="quiet")]
    rows = [_cost(row) for row in cost.rows]
    heads = ("Where the logs go", "A month", "Of which")
    found = [_table("What flow logs like these cost, in US dollars", heads, rows)]
    if not all(row.confirmed for row in cost.rows):
        found.append(el("p", "* rests on a price that is not confirmed.", class_="quiet"))
    return [*found, *(el("p", text, class_="quiet") for text in _bounded(cost.basis, 10))]


def _cost(row: CostRow) -> Element:
    star = None if row.confirmed else el("sup", "*")
    return el(
        "tr",
        el("th", words.cut(row.destination, MOST_TEXT), star, scope="row"),
        el("td", words.dollars(row.monthly)),
        el("td", words.cut(row.parts, 2 * MOST_TEXT), class_="text"),
    )


def making_table(making: Making) -> list[Element]:
    """How the report was made."""
    facts: list[tuple[str, object]] = [
        ("Made by", f"vpcflow-diagnose {making.version}"),
        ("Made at", f"{words.time(making.time)} UTC"),
        ("Read", _sources(making)),
        ("Inventory", words.cut(making.inventory or "none was given", MOST_TEXT)),
    ]
    if making.bytes_read is not None:
        facts.append(("Size", words.size(making.bytes_read)))
    parts = [el("dl", [el("div", el("dt", name), el("dd", text)) for name, text in facts])]
    counted = [(name, making.counts[name]) for name in _LINES if making.counts.get(name)]
    rows = [
        el("tr", el("th", _LINES[name], scope="row"), el("td", f"{number:,}"))
        for name, number in counted
    ]
    if rows:
        parts.append(_table("Lines", ("Kind", "Number"), rows))
    if making.rejected:
        parts.append(_rejected(making))
    if making.errors:
        parts.append(el("h3", "Damaged input"))
        parts.append(el("ul", [el("li", text) for text in _bounded(making.errors, MOST_SOURCES)]))
    return parts


def _sources(making: Making) -> Element | str:
    shown = list(_bounded(making.sources, MOST_SOURCES))
    files = f"{words.plural(making.files, 'file')} of " if making.files is not None else ""
    if len(shown) == 1:
        return files + shown[0]
    return el("ul", [el("li", text) for text in shown])


def _rejected(making: Making) -> Element:
    rows = [
        el(
            "tr",
            el("th", words.cut(reason, MOST_TEXT), scope="row"),
            el("td", REASON_MEANINGS.get(reason, ""), class_="text"),
            el("td", f"{number:,}"),
        )
        for reason, number in making.rejected.items()
    ]
    return _table("Rejected lines", ("Reason", "Meaning", "Lines"), rows)


def _table(caption: str, heads: Iterable[str], rows: Sequence[Element]) -> Element:
    table = el(
        "table",
        el("caption", caption),
        el("thead", el("tr", [_head(text) for text in heads])),
        el("tbody", rows),
        class_="numbers",
    )
    return el("div", table, class_="wide")


def _head(text: str) -> Element:
    return el("th", text, scope="col", class_="text" if text in _WORDS else None)


def _bounded(texts: Sequence[str], most: int) -> Iterator[str]:
    for text in texts[:most]:
        yield words.cut(text, 2 * MOST_TEXT)
    if len(texts) > most:
        yield f"… and {len(texts) - most:,} more"
