"""Findings: what is wrong in words, what shows it, what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from attrs import define, field

from vpcflow.cli.names import protocol_name
from vpcflow_diagnose.finding import Finding
from vpcflow_diagnose.report import words
from vpcflow_diagnose.report.element import Element, el

MOST_BYTES = 700_000  # of all findings together, as markup
MOST_TEXT = 1500
MOST_LINE = 400
MOST_COMMAND = 4000
MOST_LINES = 25
OPEN_FAULTS = 5
SIGNS = {"fault": "✕", "warning": "!", "note": "i"}
_COMMAND = re.compile(r"(?:^|(?<=: ))aws\s.*\Z", re.MULTILINE | re.DOTALL)


@define
class Shown:
    """Findings as articles, as many as there is room for; left_out: the others."""

    articles: list[Element] = field(factory=list)
    left_out: int = 0


def finding_articles(findings: Sequence[Finding]) -> Shown:
    """In the order given. Faults stand open, the first ones in full."""
    shown = Shown()
    room = MOST_BYTES
    faults = 0
    for number, finding in enumerate(findings, 1):
        faults += finding.kind == "fault"
        article = _article(number, finding, faults <= OPEN_FAULTS)
        room -= len(str(article).encode())
        if room < 0:
            shown.left_out = len(findings) - number + 1
            break
        shown.articles.append(article)
    return shown


def heading(finding: Finding) -> str:
    """The cause and what it is about, in a line."""
    about = finding.resource or finding.interface_id
    cause = finding.cause.replace("-", " ")
    return f"{cause}: {words.cut(about, 80)}" if about else cause


def badge(finding: Finding) -> Element:
    sign = el("span", SIGNS[finding.kind], aria_hidden="true")
    return el("span", sign, f" {finding.kind}", class_=f"kind {finding.kind}")


def _article(number: int, finding: Finding, full: bool) -> Element:
    folded = finding.kind != "fault" or not full
    title = el(
        "h3",
        badge(finding),
        el("span", f" {heading(finding)} ", class_="cause"),
        el("span", f"{connection(finding)} ", class_="confidence") if folded else None,
        el("span", finding.confidence, class_="confidence", title=_MEANINGS[finding.confidence]),
        id=f"finding-{number}",
    )
    body = [
        el("p", words.cut(finding.explanation, MOST_TEXT), class_="explanation"),
        _facts(finding),
        *_also(finding),
        *_steps(finding.next_steps),
        *_evidence(finding.evidence),
    ]
    style = f"finding {finding.kind}"
    if folded:
        return el("article", el("details", el("summary", title), body), class_=style)
    return el("article", title, body, class_=style)


_MEANINGS = {
    "proven": "the records and the inventory leave one cause, and nothing contradicts it",
    "likely": "what such records mean by AWS's rules, without a matching snapshot",
    "possible": "the records allow it, and other causes too",
}


def _facts(finding: Finding) -> Element:
    pairs = [(name, text) for name, text in _details(finding) if text]
    return el("dl", [el("div", el("dt", name), el("dd", text)) for name, text in pairs])


def _details(finding: Finding) -> Iterator[tuple[str, str]]:
    yield "Connection", connection(finding)
    yield "To repair", words.cut(finding.resource or "", MOST_LINE)
    yield "Rule", words.cut(finding.rule or "", MOST_LINE)
    yield "Seen at", words.cut(finding.interface_id or "", MOST_LINE)
    yield "Direction", words.cut(finding.direction or "", MOST_LINE)
    if finding.flows:
        packets = f", {words.plural(finding.packets, 'packet')}" if finding.packets else ""
        yield "Records", words.count(finding.flows) + packets
    first, last = finding.first_seen, finding.last_seen
    if first and last:
        yield "From, to", f"{words.time(first)} to {words.time(last)} UTC"
    elif first or last:
        yield "Seen", f"{words.time(first or last)} UTC"  # type: ignore[arg-type]
    yield "Confidence", f"{finding.confidence}: {_MEANINGS[finding.confidence]}"


def connection(finding: Finding) -> str:
    """ "10.0.1.5 → 10.0.2.9:5432/tcp", as much as is known."""
    server = words.cut(finding.dstaddr or "", 100)
    if finding.dstport and server:
        server = f"[{server}]:{finding.dstport}" if ":" in server else f"{server}:{finding.dstport}"
    if finding.protocol is not None and server:
        server += f"/{protocol_name(finding.protocol)}"
    ends = [words.cut(finding.srcaddr or "", 100), server]
    return " → ".join(end or "?" for end in ends) if any(ends) else ""


def _also(finding: Finding) -> Iterator[Element]:
    if finding.also:
        yield el("h4", "After that, this would remain")
        yield el("ul", [el("li", text) for text in _bounded(finding.also)])


def _steps(steps: Sequence[str]) -> Iterator[Element]:
    """Commands as blocks that one click selects, everything else as sentences."""
    if not steps:
        return
    yield el("h4", "What to do next")
    items = [el("li", _step(step)) for step in steps[:MOST_LINES]]
    if len(steps) > MOST_LINES:
        items.append(el("li", f"… and {len(steps) - MOST_LINES:,} more"))
    yield el("ol", items, class_="steps")


def _step(step: str) -> list[object]:
    """Words, and the command after them (in a line of its own, or behind a colon)."""
    found = _COMMAND.search(step)
    before, command = (step, "") if found is None else (step[: found.start()], found[0])
    if len(command) > MOST_COMMAND:  # half a command must not be pasted
        command, before = "", f"{before} (a command of {len(command):,} characters is left out)"
    shown = words.cut(" ".join(before.split("\n")), MOST_TEXT) if before.strip() else None
    return [shown, el("pre", el("code", command.strip())) if command else None]


def _evidence(evidence: Sequence[str]) -> Iterator[Element]:
    if not evidence:
        return
    lines = el("ul", [el("li", text) for text in _bounded(evidence)], class_="evidence")
    title = el("summary", f"Evidence: {words.plural(len(evidence), 'line')}")
    yield el("details", title, lines, open="")


def _bounded(texts: Sequence[str]) -> Iterator[str]:
    for text in texts[:MOST_LINES]:
        yield words.cut(text, MOST_LINE)
    if len(texts) > MOST_LINES:
        yield f"… and {len(texts) - MOST_LINES:,} more"
