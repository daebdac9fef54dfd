"""What named queries there are, for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click

from vpcflow.cli.screen import Screen, wrap
from vpcflow_query.queries import NamedQuery, named_queries
from vpcflow_query.queries.named_query import in_aws_order
from vpcflow_query.queries.parameters import Declared, Value


def show(as_json: bool) -> None:
    if as_json:
        told = [_described(asked) for asked in named_queries().values()]
        click.echo(json.dumps(told, indent=2))
        return
    for line in _listing(Screen.of(sys.stdout)):
        click.echo(line)


def _listing(screen: Screen) -> Iterator[str]:
    """A block for each query: name, what it answers, what it needs."""
    heading = "Named queries, AWS's own first. What a query takes is given as --param NAME=VALUE."
    yield from wrap(heading, screen.width)
    for asked in named_queries().values():
        yield ""
        yield from _names(asked, screen)
        yield from wrap(asked.answers, screen.width, "  ", "  ")
        ways = [", ".join(in_aws_order(v.select.fields)) for v in asked.variants]
        yield from wrap(f"needs {'; or '.join(ways)}", screen.width, "    ", "  ")
        taken = "; ".join(map(_parameter, _parameters(asked)))
        if taken:
            yield from wrap(f"takes {taken}", screen.width, "    ", "  ")


def _names(asked: NamedQuery, screen: Screen) -> Iterator[str]:
    """Its name and AWS's, in one line if that holds both."""
    name = screen.paint(asked.name, "name")
    if asked.aws_name is None:
        yield name
        return
    aws = screen.paint(asked.aws_name, "quiet")
    if screen.width is None or len(asked.name) + len(asked.aws_name) + 2 <= screen.width:
        yield f"{name}  {aws}"
    else:
        yield from (name, f"  {aws}")


def _parameters(asked: NamedQuery) -> list[Declared]:
    found = {one.name: one for variant in asked.variants for one in variant.parameters}
    return list(found.values())


def _parameter(declared: Declared) -> str:
    default = "needed" if declared.default is None else _plain(declared.default)
    return f"{declared.name} ({default}): {declared.meaning}"


def _plain(value: Value) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _described(asked: NamedQuery) -> dict[str, object]:
    return {
        "name": asked.name,
        "aws_name": asked.aws_name,
        "answers": asked.answers,
        "ways": [
            {
                "needs": in_aws_order(variant.select.fields),
                "uses": in_aws_order(variant.select.optional_fields),
                "parameters": [
                    {"name": one.name, "meaning": one.meaning, "default": one.default}
                    for one in variant.parameters
                ],
                "notes": list(variant.notes),
            }
            for variant in asked.variants
        ],
    }
