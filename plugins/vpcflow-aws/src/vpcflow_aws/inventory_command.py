"""`vpcflow inventory snapshot`: what an account's network looks like now, as files."""

from __future__ import annotations

import json
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vpcflow.cli.options import json_option
from vpcflow.cli.screen import Screen, pad, wrap
from vpcflow.errors import PluginError, UsageError, printable

if TYPE_CHECKING:
    from vpcflow_aws.inventory_snapshot import Taken

    Result = tuple[list[Taken], dict[str, PluginError]]

EPILOG = """\
\b
Examples:
  vpcflow inventory snapshot inventory/
  vpcflow inventory snapshot inventory/ --timestamped      once an hour, from cron
  vpcflow inventory snapshot inventory/ --region eu-west-1 --region us-east-1"""


@click.group(epilog="Example:  vpcflow inventory snapshot inventory/")
def inventory() -> None:
    """Keep what AWS says of your network, for look-ups and diagnosis without AWS."""


@inventory.command(epilog=EPILOG)
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option(
    "--region",
    "regions",
    metavar="R",
    multiple=True,
    help="AWS Region, several times for several: each gets a folder of its name. "
    "By default the Region of your configuration.",
)
@click.option(
    "--timestamped/--into",
    "timestamped",
    default=False,
    help="Add a folder DIR/<time>/ to those that are there, so that look-ups answer as of a "
    "flow's time; or write into DIR itself, in place of what it holds (the default).",
)
@json_option
def snapshot(directory: Path, regions: tuple[str, ...], timestamped: bool, as_json: bool) -> None:
    """Fetch interfaces, security groups, routes and what owns them into DIR.

    Only reads (Describe, Get, List). The files are what `aws ... --output json` prints. What the
    credentials may not see is left out and listed; that is an error (1) only if it is everything.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    how = _take_timestamped if timestamped else _take
    taken, failed = how(directory, _regions(regions), now)
    if as_json:
        told = {
            "snapshots": [_as_json(one) for one in taken],
            "failed": [{"region": r, "reason": error.message} for r, error in failed.items()],
        }
        click.echo(json.dumps(told, indent=2))
        return
    screen = Screen.of(sys.stdout)
    for one in taken:
        for line in _table(one, screen):
            click.echo(line)
    for region, error in failed.items():
        click.echo(screen.paint(f"Nothing of {region}: {printable(error.message)}", "odd"))


def _regions(given: tuple[str, ...]) -> tuple[str, ...]:
    if given:
        for region in given:
            if not region or not all(c.isascii() and (c.isalnum() or c == "-") for c in region):
                raise UsageError(f"--region {printable(region)!r} is no AWS Region")
        return tuple(dict.fromkeys(given))
    from vpcflow_aws.session import session

    configured = session().region_name
    if not configured:
        raise UsageError("no AWS Region is configured", hint="--region R, or set AWS_REGION")
    return (configured,)


def _take(directory: Path, regions: tuple[str, ...], now: datetime) -> Result:
    """A snapshot of one Region in the directory itself, those of several in a folder each. Raises
    the first error if no Region answers."""
    from vpcflow_aws.inventory_snapshot import take

    taken: list[Taken] = []
    failed: dict[str, PluginError] = {}
    for region in regions:
        try:
            taken.append(take(directory / region if len(regions) > 1 else directory, region, now))
        except PluginError as error:
            failed[region] = error
    if not taken:
        raise next(iter(failed.values()))
    return taken, failed


def _take_timestamped(directory: Path, regions: tuple[str, ...], now: datetime) -> Result:
    """The same in a folder named after the time, which appears when it is complete."""
    name = now.strftime("%Y%m%dT%H%M%SZ")
    unfinished, place = directory / f".{name}.{os.getpid()}", directory / name
    if place.exists():
        raise UsageError(f"{printable(str(place))} is there already", hint="wait a second")
    try:
        taken, failed = _take(unfinished, regions, now)
        os.rename(unfinished, place)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    for one in taken:
        one.directory = place / one.directory.relative_to(unfinished)
    return taken, failed


def _as_json(taken: Taken) -> dict[str, object]:
    return {
        "directory": str(taken.directory),
        "account": taken.account,
        "region": taken.region,
        "time": taken.time.isoformat().replace("+00:00", "Z"),
        "files": [{"file": w.file, "items": w.items} for w in taken.written],
        "lacks": [
            {"file": m.file, "permission": m.permission, "denied": m.denied, "reason": m.reason}
            for m in taken.missing
        ],
        "removed": taken.removed,
    }


def _table(taken: Taken, screen: Screen) -> list[str]:
    """Where and when, one line a file, and what is missing and why."""
    account = taken.account or "account unknown"
    when = f"{taken.time:%Y-%m-%d %H:%M:%S}Z"
    lines = [f"{printable(str(taken.directory))}: {account}, {taken.region}, {when}"]
    sums: dict[str, tuple[int, int]] = {}
    for written in taken.written:
        name = written.file.partition("/")[0]
        files, items = sums.get(name, (0, 0))
        sums[name] = (files + 1, items + written.items)
    width = max(map(len, sums), default=0)
    for name, (files, items) in sums.items():
        many = "" if name.endswith(".json") else f"  in {files} file{'s' if files != 1 else ''}"
        lines.append(f"  {pad(name, width)}  {items:>6}{many}")
    if taken.missing:
        lines.append(screen.paint("Missing; everything else is there:", "odd"))
    for missing in taken.missing:
        why = f"needs the permission {missing.permission}" if missing.denied else missing.reason
        lines += wrap(f"{missing.file}: {why}", screen.width, "      ", "  ")
    if taken.removed:
        left = ", ".join(taken.removed)
        lines += wrap(f"Removed, since they were of an earlier snapshot: {left}", screen.width)
    return lines
