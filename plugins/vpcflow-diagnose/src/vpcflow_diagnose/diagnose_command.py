"""`vpcflow diagnose`: what is wrong, over all traffic."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from vpcflow_query.reading import Reading, source_options

from vpcflow.cli.options import json_option
from vpcflow.cli.screen import Screen, error_lines

if TYPE_CHECKING:
    from vpcflow_diagnose.finding import Diagnosis

FIRST = 20

EPILOG = """\
\b
Examples:
  vpcflow inventory snapshot inventory/                   once: what AWS says of the network
  vpcflow diagnose --inventory inventory/ logs/
  vpcflow diagnose --since 2h --json logs/ | jq '.findings[0]'

Faults first, the surest and heaviest before others; then scans from the internet (one line an
interface), warnings, notes. Flow logs cannot see payload, DNS, the operating system or the
application: what could not be decided is said at the end.

Exit code: 0 answered, whatever was found; 1 an input failed or is damaged (the rest is answered);
2 wrong usage."""

inventory_option = click.option(
    "--inventory",
    metavar="DIR",
    help="What AWS says of the network (vpcflow inventory snapshot DIR): decides between security "
    "group, network ACL, route and host.",
)
memory_option = click.option(
    "--memory", default="1200MB", show_default=True, metavar="SIZE", help="Before spilling to disk."
)


@click.command(epilog=EPILOG, short_help="Say why traffic fails, over all of it.")
@source_options
@inventory_option
@memory_option
@click.option("--all", "everything", is_flag=True, help=f"Show more than {FIRST} findings.")
@json_option
@click.pass_context
def diagnose(
    ctx: click.Context,
    /,
    inventory: str | None,
    memory: str,
    everything: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Find what fails in flow logs and say why, with the evidence and what to do next."""
    from vpcflow_diagnose.diagnosing import diagnose as diagnosed

    what = Reading.of(**reading)
    found = diagnosed(what, inventory, memory=memory)
    show(found, None if everything else FIRST, as_json=as_json)
    ctx.exit(conclude(what))


def show(found: Diagnosis, most: int | None, *, as_json: bool) -> None:
    """Print a diagnosis on stdout."""
    from vpcflow_diagnose import findings_text

    if as_json:
        click.echo(findings_text.as_json(found))
        return
    screen = Screen.of(sys.stdout)
    if not found.findings:
        click.echo(screen.paint("Nothing in these logs looks wrong.", "good"))
    for line in findings_text.lines(found, screen, most):
        click.echo(line)


def conclude(what: Reading) -> int:
    """Errors of the input on stderr; the exit code."""
    screen = Screen.of(sys.stderr)
    for error in what.errors:
        for line in error_lines(error, screen):
            click.echo(line, err=True)
    return 1 if what.errors else 0
