"""`vpcflow fields`: what AWS can write into a record."""

from __future__ import annotations

import fnmatch
import json
import sys

import click

from vpcflow.cli.options import json_option
from vpcflow.cli.screen import Screen, pad, wrap
from vpcflow.errors import UsageError, nearest
from vpcflow.fields import FIELDS, Field

EPILOG = """\
\b
Examples:
  vpcflow fields            all of them
  vpcflow fields ecs        those with "ecs" in their name or description
  vpcflow fields 'pkt-*'    by pattern
  vpcflow fields --json     for programs"""


_TYPES = {"utf8": "text", "timestamp[ms, tz=UTC]": "time"}


@click.command(epilog=EPILOG, short_help="List what AWS writes into a record.")
@click.argument("pattern", required=False)
@json_option
def fields(pattern: str | None, as_json: bool) -> None:
    """List the fields of flow logs: column name, version, type and meaning.

    The name in AWS's formats and headers is the column name with - for _.
    """
    found = [field for field in FIELDS.values() if pattern is None or _matches(field, pattern)]
    if not found:
        near = nearest(pattern or "", FIELDS)
        hint = f"did you mean {near}?" if near else "vpcflow fields lists all"
        raise UsageError(f"no field matches {pattern!r}", hint=hint)
    if as_json:
        click.echo(json.dumps([field_json(field) for field in found], indent=2))
        return
    screen = Screen.of(sys.stdout)
    for line in field_table(screen, found):
        click.echo(line)


def field_json(field: Field) -> dict[str, object]:
    """A field for JSON."""
    return {
        "name": field.name,
        "aws_name": field.aws_name,
        "version": field.version,
        "type": field.type,
        "kind": field.kind,
        "description": field.description,
    }


def field_table(screen: Screen, found: list[Field], *, numbered: bool = False) -> list[str]:
    """One line a field (more where the description needs it), with a heading."""
    rows = [
        (
            str(number),
            field.name,
            str(field.version or "?"),
            _TYPES.get(field.type, field.type),
            field.description,
        )
        for number, field in enumerate(found, 1)
    ]
    headings = ("#", "column", "version", "type", "description")
    widths = [max(map(len, texts)) for texts in zip(headings, *rows, strict=True)]
    right = (True, False, True, False, False)
    lines = []
    for row in (headings, *rows):
        parts = [pad(t, w, right=r) for t, w, r in zip(row, widths, right, strict=True)]
        first = 0 if numbered else 1
        before = "  ".join(parts[first:-1])
        room = None if screen.width is None else max(screen.width - len(before) - 2, 20)
        described = wrap(row[-1], room)
        if row is headings:
            lines.append(screen.paint(f"{before}  {described[0]}", "heading"))
            continue
        lines.append(f"{before}  {described[0]}")
        lines += [" " * (len(before) + 2) + more for more in described[1:]]
    return lines


def _matches(field: Field, pattern: str) -> bool:
    wanted = pattern.lower()
    names = (field.name, field.aws_name)
    if any(character in wanted for character in "*?["):
        return any(fnmatch.fnmatchcase(name, wanted) for name in names)
    return any(wanted in text for text in (*names, field.description.lower()))
