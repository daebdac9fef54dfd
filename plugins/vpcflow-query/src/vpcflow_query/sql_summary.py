"""What a statement read, on stderr, as `vpcflow read` says it."""

from __future__ import annotations

import sys
from typing import Protocol

import click

from vpcflow.cli.screen import Screen
from vpcflow.cli.summary import Summary


class Shown(Protocol):
    """shown: rows that were. more: there are others, which were not asked for."""

    @property
    def shown(self) -> int: ...
    @property
    def more(self) -> bool: ...


def conclude(summary: Summary, output: Shown, *, quiet: bool, as_json: bool) -> None:
    """The summary, or at least what went wrong."""
    if as_json:
        summary.shown = output.shown
        click.echo(summary.as_json(), err=True)
        return
    screen = Screen.of(sys.stderr)
    if quiet or not summary.counts.get("lines"):
        lines = list(summary.damage(screen))
    else:
        whole, summary.complete, summary.shown = summary.complete, True, summary.found
        lines = list(summary.lines(screen))
        if not whole:
            lines.insert(1, "not read to the end: no more was needed")
    if output.more:
        lines.insert(0, f"{output.shown:,} rows shown; there are more (--limit 0 shows all)")
    for line in lines:
        click.echo(line, err=True)
