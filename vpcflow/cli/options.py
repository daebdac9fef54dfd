"""Options that several commands share, and how their text becomes what the API takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import click

from vpcflow.errors import UsageError
from vpcflow.flow_format import FlowFormat, coerce

F = TypeVar("F", bound=Callable[..., Any])

WHERE_HELP = """\
Keep records for which COLUMN=VALUE: one value or several with commas between, a CIDR block for
addresses, LOW..HIGH (both included), - for no value; or COLUMN and >=, >, <=, < with a number or
time. Given several times: all must hold."""

sources_argument = click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)

format_option = click.option(
    "--format",
    "format_",
    metavar="FORMAT",
    help="Order of the fields: AWS's '${version} ${srcaddr} ...' (in single quotes), or default, "
    "or transit-gateway. strict: refuse files that do not say it themselves.",
)
columns_option = click.option(
    "--columns",
    metavar="A,B,...",
    help="Only these columns, in this order (vpcflow fields lists all).",
)
where_option = click.option("--where", "wheres", metavar="EXPR", multiple=True, help=WHERE_HELP)
since_option = click.option(
    "--since",
    metavar="TIME",
    help="Keep records that start at TIME or later: 2024-05-01, 2024-05-01T12:30:00Z (UTC when it "
    "has no zone), epoch seconds, or an age: 90s, 15m, 2h, 7d.",
)
until_option = click.option("--until", metavar="TIME", help="Keep records that start before TIME.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def selection(function: F) -> F:
    """--format, --columns, --where, --since and --until: what to read of the sources."""
    for option in (until_option, since_option, where_option, columns_option, format_option):
        function = option(function)
    return function


def column_list(text: str | None) -> list[str] | None:
    """ "srcaddr, dst-port" -> ["srcaddr", "dst_port"]; UsageError for a name given twice."""
    if text is None:
        return None
    names = [name.replace("-", "_").lower() for name in text.replace(",", " ").split()]
    if not names:
        raise UsageError("--columns names no column", hint="as in --columns srcaddr,dstaddr,bytes")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise UsageError(f"--columns names {', '.join(sorted(twice))} twice")
    return names


def given_format(text: str | None) -> FlowFormat | Literal["strict"] | None:
    """What --format says; UsageError, before anything is opened, if it names no format."""
    return "strict" if text == "strict" else coerce(text)
