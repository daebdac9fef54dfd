"""Findings on a screen: one paragraph each, what to do next below."""

from __future__ import annotations

import json
from collections.abc import Iterator

from vpcflow.cli.screen import Screen, wrap
from vpcflow.cli.text import safe_json
from vpcflow.errors import printable
from vpcflow_diagnose.finding import Diagnosis, Finding

_STYLES = {"fault": "bad", "warning": "odd", "note": "quiet"}


def as_json(diagnosis: Diagnosis) -> str:
    """One object, `{"findings": [...], "notes": [...]}`; nothing in it speaks to a terminal."""
    return safe_json(json.dumps(diagnosis.as_dict(), ensure_ascii=False, indent=2).encode())


def lines(diagnosis: Diagnosis, screen: Screen, most: int | None = None) -> Iterator[str]:
    """All of it for people. most: how many findings to show; the rest is counted."""
    shown = diagnosis.findings if most is None else diagnosis.findings[:most]
    for number, finding in enumerate(shown, 1):
        yield from finding_lines(number, finding, screen)
        yield ""
    left = len(diagnosis.findings) - len(shown)
    if left:
        yield screen.paint(f"and {left:,} more (--all, or --json)", "quiet")
        yield ""
    if diagnosis.notes:
        yield screen.paint("What could not be decided, and for lack of what:", "heading")
        for note in diagnosis.notes:
            yield from wrap(printable(note, 1000), screen.width, "    ", "  - ")


def finding_lines(number: int, f: Finding, screen: Screen) -> Iterator[str]:
    """One finding: what and how sure, in words, the evidence, what to do next."""
    style = _STYLES[f.kind]
    title = f"{number}. {f.kind}: {f.cause}"
    facts: list[str] = [f.confidence]
    if f.flows:
        facts.append(f"{f.flows:,} record{'s' if f.flows != 1 else ''}")
    if f.first_seen is not None and f.last_seen is not None:
        facts.append(f"{f.first_seen:%Y-%m-%d %H:%M:%S} to {f.last_seen:%H:%M:%S}Z")
    yield f"{screen.paint(title, style)}  {screen.paint(', '.join(facts), 'quiet')}"
    yield from wrap(printable(f.explanation, 2000), screen.width, "   ", "   ")
    for other in f.also:
        yield from wrap(f"also: {printable(other, 300)}", screen.width, "     ", "   ")
    for line in f.evidence:
        for part in wrap(printable(line, 500), screen.width, "     ", "   - "):
            yield screen.paint(part, "quiet")
    for step in f.next_steps:
        # a command stays in one line, so that it can be pasted
        shown = printable(step, 1000)
        if shown.startswith("aws "):
            yield f"   {screen.paint('$', 'name')} {shown}"
        else:
            yield from wrap(shown, screen.width, "     ", "   > ")
