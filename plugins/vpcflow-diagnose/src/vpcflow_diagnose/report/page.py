"""The page: one HTML file that loads nothing and runs nothing.

Its content security policy lets it use its own style sheet and nothing else, so that even markup
that somebody managed to smuggle in could not load, run or send anything.
"""

from __future__ import annotations

from collections.abc import Sequence

from vpcflow_diagnose.report import words
from vpcflow_diagnose.report.answer import answer, headline
from vpcflow_diagnose.report.charts import timeline_chart
from vpcflow_diagnose.report.data import ReportData
from vpcflow_diagnose.report.element import Element, el
from vpcflow_diagnose.report.findings import finding_articles
from vpcflow_diagnose.report.map import topology_map
from vpcflow_diagnose.report.style import STYLE
from vpcflow_diagnose.report.tables import cost_table, making_table, talkers_table

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
MOST_NOTES = 60


def page(data: ReportData) -> str:
    """The whole file, below 1.5 MB whatever the data."""
    sections = _sections(data)
    title = headline(data)
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", f"{title} - VPC flow logs"),
        el("style", STYLE),
    )
    contents = [el("a", name, href=f"#{anchor}") for anchor, name, _ in sections]
    body = el(
        "body",
        el("header", el("p", "VPC flow log report", class_="over"), el("h1", title), answer(data)),
        el("nav", contents, aria_label="Contents"),
        el("main", [_section(*section) for section in sections]),
        el("footer", el("p", "Times are UTC. 1 kB is 1000 bytes. This page loads nothing.")),
    )
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"


_Section = tuple[str, str, Sequence[Element]]


def _sections(data: ReportData) -> list[_Section]:
    sections: list[_Section] = [
        ("findings", "Findings", _findings(data)),
        ("traffic", "Traffic over time", timeline_chart(data.timeline)),
        ("talkers", "Who talks most", talkers_table(data.talkers, data.by_resource)),
        ("map", "Map", [*_map_words(data), *topology_map(data.topology)]),
        ("cost", "Cost of these logs", cost_table(data.cost)),
        ("undecided", "What could not be decided", _notes(data)),
        ("making", "How this was made", making_table(data.making)),
    ]
    return sections


def _section(anchor: str, name: str, content: Sequence[Element]) -> Element:
    title = f"{anchor}-title"
    return el("section", el("h2", name, id=title), content, id=anchor, aria_labelledby=title)


def _findings(data: ReportData) -> list[Element]:
    if not data.diagnosis.findings:
        said = "Nothing in these logs points to a fault." if data.records else "Nothing was read."
        return [el("p", said, class_="quiet")]
    shown = finding_articles(data.diagnosis.findings)
    found = list(shown.articles)
    if shown.left_out:
        more = words.plural(shown.left_out, "more finding")
        text = f"{more} would make this page too large: vpcflow diagnose --json prints all."
        found.append(el("p", text, class_="quiet"))
    return found


def _map_words(data: ReportData) -> list[Element]:
    if not data.topology.by_block or not data.topology.nodes:
        return []
    text = "Without an inventory the boxes are blocks of addresses: /24, for IPv6 /64."
    return [el("p", text, class_="quiet")]


def _notes(data: ReportData) -> list[Element]:
    notes = (*data.diagnosis.notes, *data.notes)
    if not notes:
        return [el("p", "Nothing was left open.", class_="quiet")]
    items = [el("li", words.cut(note, 600)) for note in notes[:MOST_NOTES]]
    if len(notes) > MOST_NOTES:
        items.append(el("li", f"… and {len(notes) - MOST_NOTES:,} more"))
    return [el("ul", items)]
