"""The top of the page: what was found, in words, and what the answer rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from vpcflow_diagnose.finding import Finding
from vpcflow_diagnose.report import words
from vpcflow_diagnose.report.data import ReportData
from vpcflow_diagnose.report.element import Element, el
from vpcflow_diagnose.report.findings import MOST_TEXT, badge, connection, heading

LISTED = 8


def headline(data: ReportData) -> str:
    """The answer in a line."""
    if not data.records:
        return "Nothing was read, so nothing can be said"
    kinds = Counter(finding.kind for finding in data.diagnosis.findings)
    probed = sum(finding.unsolicited for finding in data.diagnosis.findings)
    faults = kinds["fault"] - probed
    parts = [words.plural(faults, "fault") if faults else "No fault found"]
    if kinds["warning"]:
        parts.append(words.plural(kinds["warning"], "warning"))
    span = data.last - data.first
    text = " and ".join(parts)
    return f"{text} in {words.length(span)} of traffic" if span > 0 else text


def answer(data: ReportData) -> list[Element]:
    """The sections before the first heading."""
    return [
        el("p", _basis(data), class_="basis"),
        *_first(data.diagnosis.findings),
        _tiles(data),
        *_list(data.diagnosis.findings),
        *_missing(data),
    ]


def _basis(data: ReportData) -> str:
    if not data.records:
        return "The sources hold no record that was asked for."
    seen = f"{words.plural(data.records, 'record')} of {words.plural(data.interfaces, 'interface')}"
    when = f"{words.period(data.first, data.last)}, " if data.last else ""
    inventory = "with an inventory" if data.making.inventory else "without an inventory"
    return f"{when}{seen}, {inventory}."


def _first(findings: tuple[Finding, ...]) -> Iterator[Element]:
    """The finding to look at first."""
    first = next((f for f in findings if f.kind == "fault" and not f.unsolicited), None)
    if first is None:
        return
    number = findings.index(first) + 1
    yield el(
        "p",
        el("strong", "First: "),
        words.cut(first.explanation, MOST_TEXT),
        " ",
        el("a", "Evidence and next steps", href=f"#finding-{number}"),
        class_="first",
    )


def _tiles(data: ReportData) -> Element:
    both = data.accepted.flows + data.rejected.flows
    tiles = [
        ("Records", words.count(data.records), ""),
        ("Accepted", words.size(data.accepted.bytes), words.plural(data.accepted.flows, "record")),
        (
            "Rejected",
            words.plural(data.rejected.flows, "record"),
            f"{words.share(data.rejected.flows, both)} of the records",
        ),
        ("Interfaces", words.count(data.interfaces), ""),
    ]
    return el(
        "dl",
        [
            el("div", el("dt", name), el("dd", value, el("small", more) if more else None))
            for name, value, more in tiles
        ],
        class_="tiles",
    )


def _list(findings: tuple[Finding, ...]) -> Iterator[Element]:
    """All that was found, in one look; the rest is a number."""
    if len(findings) < 2:
        return
    items = [
        el(
            "li",
            badge(finding),
            " ",
            el("a", heading(finding), href=f"#finding-{number}"),
            el("span", f" {connection(finding)} ", class_="quiet"),
            el("span", finding.confidence, class_="confidence"),
        )
        for number, finding in enumerate(findings[:LISTED], 1)
    ]
    yield el("ol", items, class_="list")
    if len(findings) > LISTED:
        more = f"{len(findings) - LISTED:,} more are below."
        yield el("p", more, class_="quiet")


def _missing(data: ReportData) -> Iterator[Element]:
    """What makes the answer weaker than it could be."""
    texts = list(_lacks(data))
    if texts:
        yield el("div", el("h3", "What is missing"), el("ul", [el("li", t) for t in texts]))


def _lacks(data: ReportData) -> Iterator[str]:
    making = data.making
    if data.records and not making.inventory:
        yield (
            "No inventory was given: which security group, network ACL or route is at fault can "
            "only be named with one (vpcflow inventory snapshot DIR writes it)."
        )
    if data.skipdata:
        yield (
            f"AWS lost records of {words.plural(data.skipdata, 'window')} (SKIPDATA): what is not "
            "seen there may have happened."
        )
    if making.errors:
        yield f"{words.plural(len(making.errors), 'source')} could not be read to the end."
    rejected = making.counts.get("rejected", 0)
    if rejected:
        yield f"{words.plural(rejected, 'line')} could not be read as records."
    undecided = len(data.diagnosis.notes) + len(data.notes)
    if undecided:
        yield f"{words.plural(undecided, 'thing')} could not be decided: see near the end."
