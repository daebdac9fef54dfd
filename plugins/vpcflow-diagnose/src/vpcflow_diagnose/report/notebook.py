"""A diagnosis and a finding as tables, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable

from vpcflow_diagnose.finding import Diagnosis, Finding
from vpcflow_diagnose.report import words
from vpcflow_diagnose.report.element import Element, el
from vpcflow_diagnose.report.findings import MOST_TEXT, badge, connection

MOST = 50
_LEFT = "text-align: left"


def diagnosis_html(diagnosis: Diagnosis) -> str:
    """A row for each finding, and what could not be decided."""
    heads = ("", "Cause", "Confidence", "To repair", "Connection", "Records", "Explanation")
    findings = diagnosis.findings
    rows = [_row(finding) for finding in findings[:MOST]]
    table = el(
        "table",
        el("thead", el("tr", [el("th", text, scope="col", style=_LEFT) for text in heads])),
        el("tbody", rows),
    )
    parts: list[Element] = [table if findings else el("p", "Nothing looks wrong.")]
    if len(findings) > MOST:
        parts.append(el("p", f"and {len(findings) - MOST:,} more"))
    if diagnosis.notes:
        parts.append(el("p", "What could not be decided:"))
        parts.append(_listed(diagnosis.notes))
    return str(el("div", parts))


def finding_html(finding: Finding) -> str:
    """Everything that a finding says, a row for each part."""
    values: list[tuple[str, object]] = [
        (name, value)
        for name, value in (
            ("confidence", finding.confidence),
            ("explanation", words.cut(finding.explanation, MOST_TEXT)),
            ("connection", connection(finding)),
            ("seen at", finding.interface_id or ""),
            ("direction", finding.direction or ""),
            ("to repair", finding.resource or ""),
            ("rule", finding.rule or ""),
            ("records", f"{finding.flows:,}" if finding.flows else ""),
            ("also", finding.also),
            ("evidence", finding.evidence),
            ("next steps", finding.next_steps),
        )
        if value
    ]
    rows = [
        el(
            "tr",
            el("th", name, scope="row", style=_LEFT),
            el("td", _listed(value) if isinstance(value, tuple) else value, style=_LEFT),
        )
        for name, value in values
    ]
    title = el("caption", badge(finding), f" {finding.cause}", style=_LEFT)
    return str(el("table", title, el("tbody", rows)))


def _row(finding: Finding) -> Element:
    values = (
        finding.cause,
        finding.confidence,
        finding.resource or "",
        connection(finding),
        f"{finding.flows:,}",
        words.cut(finding.explanation, MOST_TEXT),
    )
    return el(
        "tr",
        el("td", badge(finding)),
        [el("td", words.cut(value, MOST_TEXT), style=_LEFT) for value in values],
    )


def _listed(texts: Iterable[str]) -> Element:
    shown = list(texts)
    items = [el("li", words.cut(text, MOST_TEXT)) for text in shown[:MOST]]
    more = [el("li", f"and {len(shown) - MOST:,} more")] if len(shown) > MOST else []
    return el("ul", items, more)
