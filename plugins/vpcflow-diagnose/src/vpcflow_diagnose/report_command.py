"""`vpcflow report`: the whole answer as one HTML page."""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click
from vpcflow_query.reading import Reading, source_options

from vpcflow.cli.options import json_option
from vpcflow.cli.screen import Screen, wrap
from vpcflow.cli.text import safe_json
from vpcflow.errors import UsageError, printable
from vpcflow_diagnose.diagnose_command import conclude, inventory_option, memory_option

if TYPE_CHECKING:
    from vpcflow_diagnose.network.history import History
    from vpcflow_diagnose.report.data import Making, ReportData
    from vpcflow_diagnose.report.reading import MeteredReading

MEASURED = 1_000_000  # records for the cost; of more, a sample

EPILOG = """\
\b
Examples:
  vpcflow report logs/ -o report.html
  vpcflow report --inventory inventory/ --since 24h logs/ -o report.html

The page loads nothing and runs nothing: it can be mailed, archived and printed. It holds the
findings with their evidence and next steps, traffic over time, who talks most, a map of subnets
and what the logs cost. Account numbers, addresses and names are in it.

Exit code: 0 written, whatever was found; 1 an input failed or is damaged (the page tells of it), or
the page could not be written; 2 wrong usage."""


@click.command(epilog=EPILOG, short_help="Write all of it as one HTML page.")
@source_options
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    help="The page to write; - for standard output. A page that is there is replaced.",
)
@inventory_option
@memory_option
@json_option
@click.pass_context
def report(
    ctx: click.Context,
    /,
    output: str,
    inventory: str | None,
    memory: str,
    as_json: bool,
    **reading: Any,
) -> None:
    """Diagnose flow logs and draw what they hold on one page.

    The logs are read once. With --json, what was written is said as one JSON object.
    """
    from vpcflow_diagnose.report.page import page
    from vpcflow_diagnose.report.writing import Target

    target = None if output == "-" else Target.of(output)
    if target is None:
        _check_standard_output(as_json)
    what = Reading.of(**reading)
    data = _read(what, inventory, memory)
    content = page(data).encode()
    if target is None:
        sys.stdout.buffer.write(content)
    else:
        target.write(content)
        _say(data, output, len(content), as_json=as_json)
    ctx.exit(conclude(what))


def _check_standard_output(as_json: bool) -> None:
    if as_json:
        raise UsageError("--json and -o - both want standard output", hint="name a file after -o")
    if sys.stdout.isatty():
        raise UsageError(
            "a page of HTML is nothing for a terminal", hint="name a file: -o report.html"
        )


def _read(reading: Reading, inventory: str | None, memory: str) -> ReportData:
    """Everything that the page shows."""
    from vpcflow_query.cost.estimate import estimate
    from vpcflow_query.cost.meter import Meter

    from vpcflow_diagnose.diagnosing import diagnose_traffic
    from vpcflow_diagnose.network.history import History
    from vpcflow_diagnose.report.collecting import collected, cost_of
    from vpcflow_diagnose.report.reading import MeteredReading
    from vpcflow_diagnose.traffic.traffic import gather

    history = None if inventory is None else History.read(inventory)
    with Meter(full=MEASURED) as meter:
        what = MeteredReading.over(reading, meter)
        reading.errors = what.errors
        with gather(what, memory=memory) as traffic:
            cost = cost_of(estimate(meter.volume()))
            diagnosis = diagnose_traffic(traffic, history)
            networks = [] if history is None else history.latest()
            making = _making(what, inventory, history)
            return collected(traffic, networks, diagnosis, making, cost)


def _making(what: MeteredReading, inventory: str | None, history: History | None) -> Making:
    from vpcflow_diagnose.report import words
    from vpcflow_diagnose.report.data import Making

    said = None
    if inventory is not None and history is not None:
        snapshots = [snapshot for series in history.series for snapshot in series.snapshots]
        times = [snapshot.time for snapshot in snapshots if snapshot.time is not None]
        last = f", the last of {words.time(max(times))} UTC" if times else ""
        said = f"{inventory}: {words.plural(len(snapshots), 'snapshot')}{last}"
    return Making(
        version("vpcflow-diagnose"),
        datetime.now(UTC),
        tuple(str(source) for source in what.sources),
        counts=what.counts,
        rejected=what.rejected,
        errors=tuple(str(error) for error in what.errors),
        inventory=said,
        bytes_read=what.bytes_read,
        files=what.files,
    )


def _say(data: ReportData, name: str, size: int, *, as_json: bool) -> None:
    """Where the page is, and the answer in a line."""
    from vpcflow_diagnose.report import words
    from vpcflow_diagnose.report.answer import headline

    findings = data.diagnosis.findings
    first = next((finding for finding in findings if finding.kind == "fault"), None)
    if as_json:
        said = {
            "report": name,
            "bytes": size,
            "records": data.records,
            "findings": dict(Counter(finding.kind for finding in findings)),
            "first": None if first is None else first.as_dict(),
        }
        click.echo(safe_json(json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")))
        return
    screen = Screen.of(sys.stdout)
    style = "bad" if first else "good"
    click.echo(screen.paint(f"{headline(data)}.", style))
    if first is not None:
        for line in wrap(printable(first.explanation, 1000), screen.width, "  ", "  "):
            click.echo(line)
    click.echo(f"{printable(name)}: {words.size(size)}")
