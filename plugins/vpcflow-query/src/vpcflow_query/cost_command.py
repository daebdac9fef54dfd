"""`vpcflow cost`: what flow logs cost a month, why, and what would make them cheaper."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from vpcflow.cli.options import json_option
from vpcflow.cli.progress import Position, Progress
from vpcflow.cli.screen import Screen, error_lines
from vpcflow.cli.text import safe_json
from vpcflow.errors import UsageError
from vpcflow_query.prices import DESTINATIONS
from vpcflow_query.reading import Reading, reading_options

if TYPE_CHECKING:
    from vpcflow_query.cost import Estimate, Monthly, Volume
    from vpcflow_query.cost.owners import Owners

EPILOG = """\
\b
Examples:
  vpcflow cost logs/
  vpcflow cost --destination cloudwatch --retention 12 logs/2024-05-01/
  vpcflow cost --inventory inventory/ --covers 24h logs/
  vpcflow cost --records-per-second 1000          without logs: the usual line length
  vpcflow cost --per-month 72TB --region us-east-1

Exit code: 0 done, 1 an input failed or is damaged (what could be read was measured), 2 wrong
usage."""


@click.command(epilog=EPILOG, short_help="What flow logs cost a month, and why.")
@click.argument("sources", metavar="[SOURCE]...", nargs=-1)
@reading_options
@click.option(
    "--destination",
    type=click.Choice(DESTINATIONS),
    help="Where these logs are delivered to. By default what their names and envelopes tell, "
    "else s3.",
)
@click.option("--region", metavar="R", help="By default the Region that the logs name.")
@click.option(
    "--retention",
    type=click.FloatRange(0, 1200),
    default=1.0,
    show_default=True,
    metavar="MONTHS",
    help="How long the logs are kept.",
)
@click.option("--covers", metavar="TIME", help="How long a time the logs are of: 90m, 24h, 7d.")
@click.option(
    "--per-month",
    metavar="GB|RECORDS",
    help="The volume of a month, if you know it: 500GB, 2TB (of text), 40M or 2e9 records.",
)
@click.option(
    "--records-per-second", type=float, metavar="N", help="The same, as records in a second."
)
@click.option(
    "--inventory", metavar="DIR", help="Names the interfaces, and tells which are NAT gateways."
)
@click.option(
    "--prices", metavar="FILE", help="Prices in place of the built-in ones (prices.toml)."
)
@json_option
@click.pass_context
def cost(
    ctx: click.Context,
    sources: tuple[str, ...],
    format_: str | None,
    wheres: tuple[str, ...],
    since: str | None,
    until: str | None,
    threads: int | None,
    destination: str | None,
    region: str | None,
    retention: float,
    covers: str | None,
    per_month: str | None,
    records_per_second: float | None,
    inventory: str | None,
    prices: str | None,
    as_json: bool,
) -> None:
    """Measure flow logs and say what they cost a month at each destination, what drives that, and
    what each way to pay less would save.

    What AWS bills is the text of the records before compression; it is measured from the records,
    and a month is thirty days at the rate that was seen. Prices are a dated table; those that are
    not confirmed are marked *.
    """
    from vpcflow_query.cost import estimate
    from vpcflow_query.cost.owners import Owners
    from vpcflow_query.prices import load

    _check(sources, per_month, records_per_second, covers)
    table, reading = load(prices), Reading.of(sources, format_, wheres, since, until, threads)
    owners = Owners.read(inventory) if inventory else Owners()
    volume = owners.told(_measured(reading)) if sources else None
    month = _month(volume, format_, covers, per_month, records_per_second)
    made = estimate(
        volume or month,
        table,
        region=region,
        destination=next((one for one in DESTINATIONS if one == destination), None),
        retention=retention,
        month=month,
    )
    _show(made, owners, as_json=as_json)
    screen = Screen.of(sys.stderr)
    for error in reading.errors:
        for line in error_lines(error, screen):
            click.echo(line, err=True)
    ctx.exit(1 if reading.errors else 0)


def _check(
    sources: tuple[str, ...],
    per_month: str | None,
    records_per_second: float | None,
    covers: str | None,
) -> None:
    known = per_month is not None or records_per_second is not None
    if not sources and not known:
        raise UsageError(
            "there is nothing to measure",
            hint="name flow logs, or give --per-month or --records-per-second",
        )
    if per_month is not None and records_per_second is not None:
        raise UsageError("--per-month and --records-per-second contradict each other")
    if covers is not None and (known or not sources):
        raise UsageError("--covers is for logs whose volume is measured")


def _measured(reading: Reading) -> Volume:
    """The volume of all sources; while it is measured, a terminal shows how far it is."""
    from vpcflow_query.cost import Meter

    with reading.scan() as stream, Meter() as meter:

        def position() -> Position:
            at = stream.progress
            return Position(at.files_done, at.files, at.bytes_done, at.bytes, meter.records)

        with Progress(position):
            for batch in reading.batches(stream):
                meter.add(batch)
        return meter.volume()


def _month(
    volume: Volume | None,
    format_: str | None,
    covers: str | None,
    per_month: str | None,
    records_per_second: float | None,
) -> Monthly:
    from vpcflow_query.cost import given

    if per_month is not None:
        return given.per_month(per_month, given.line_length(volume, format_))
    if records_per_second is not None:
        return given.per_second(records_per_second, given.line_length(volume, format_))
    assert volume is not None  # _check has seen to it
    return volume.per_month(given.seconds(covers) if covers else None)


def _show(made: Estimate, owners: Owners, *, as_json: bool) -> None:
    from vpcflow_query.cost.report_lines import lines

    if as_json:
        click.echo(safe_json(json.dumps(made.as_dict(), indent=2).encode()))
        return
    for line in lines(made, Screen.of(sys.stdout), owners.names):
        click.echo(line)
