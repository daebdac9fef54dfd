"""What a run did, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vpcflow.cli.progress import size
from vpcflow.cli.screen import Screen, pad, wrap
from vpcflow.cli.summary import KNOWN_BY, format_name
from vpcflow.errors import printable
from vpcflow.flow_format import FlowFormat
from vpcflow.report import RunReport

_MOST_DAMAGED = 5


def report_lines(report: RunReport, screen: Screen, settings: Mapping[str, Any]) -> Iterator[str]:
    """The report of a run. settings: of the command, to name where things were set aside."""
    yield from _read(report, screen)
    yield from _formats(report, screen)
    yield from _delivered(report, screen)
    yield from _set_aside(report, screen, settings)
    yield from _trouble(report, screen)
    if report.interrupted:
        goes_on = "the next run goes on from here" if settings.get("state") else "the rest is not"
        yield screen.paint(f"stopped by Ctrl-C: what was read is delivered, {goes_on}", "odd")
    if report.too_many_rejected:
        yield screen.paint("more lines were rejected than --max-rejects allows", "bad")


def _read(report: RunReport, screen: Screen) -> Iterator[str]:
    counts = report.counts
    rate = counts["lines"] / report.seconds if report.seconds > 0 else 0
    yield (
        f"{report.files_done:,} of {_plural(report.files, 'file')}, {size(report.bytes_in)}, "
        f"{report.seconds:.1f} s, {rate:,.0f} lines/s"
    )
    gaps = [f"{counts[k]:,} {k.upper()}" for k in ("nodata", "skipdata") if counts[k]]
    parts = [
        _plural(counts["records"], "record")
        + (screen.paint(f" ({', '.join(gaps)})", "odd") if gaps else "")
    ]
    if counts["filtered"]:
        parts.append(f"{counts['filtered']:,} filtered out")
    if counts["rejected"]:
        parts.append(screen.paint(f"{counts['rejected']:,} rejected", "bad"))
    yield ", ".join(parts)


def _formats(report: RunReport, screen: Screen) -> Iterator[str]:
    for text, known_by in report.formats.items():
        if known_by == "assumed":
            name = format_name(FlowFormat.parse(text, unknown="text"))
            yield screen.paint(f"format: {name}, {KNOWN_BY[known_by]}", "odd")


def _delivered(report: RunReport, screen: Screen) -> Iterator[str]:
    if not report.delivered:
        yield "nothing new to deliver" if report.error is None else "nothing was delivered"
        return
    width = max(map(len, map(printable, report.delivered)))
    for name, records in report.delivered.items():
        notes = [
            f"{counted[name]:,} {what}"
            for counted, what in (
                (report.dead_letters, "refused for good"),
                (report.retries, "requests repeated"),
                (report.duplicates, "records may have arrived twice"),
            )
            if counted.get(name)
        ]
        line = f"  {pad(screen.paint(printable(name), 'name'), width)}  {records:>12,} records"
        yield line + (f" ({', '.join(notes)})" if notes else "")


def _set_aside(report: RunReport, screen: Screen, settings: Mapping[str, Any]) -> Iterator[str]:
    if report.rejected_by_reason:
        reasons = sorted(report.rejected_by_reason.items(), key=lambda item: -item[1])
        because = ", ".join(f"{reason} {number:,}" for reason, number in reasons)
        where = settings.get("rejects")
        kept = f"; they are in {printable(str(where))}" if where else " (--rejects FILE keeps them)"
        yield from wrap(because + kept, screen.width, "  ", "rejected: ")
    if report.dead_letters and settings.get("dead_letter"):
        yield f"refused records are in {printable(str(settings['dead_letter']))}"
    for name, batches in report.enricher_errors.items():
        said = f"{printable(name)} failed for {_plural(batches, 'batch', 'es')}: nulls"
        yield screen.paint(said, "bad")


def _trouble(report: RunReport, screen: Screen) -> Iterator[str]:
    for _, reason in list(report.damaged.items())[:_MOST_DAMAGED]:
        first, *rest = [printable(line) for line in reason.split("\n")]
        lines = wrap(first, screen.width, "  ", "damaged: ")
        lines[0] = lines[0].replace("damaged:", screen.paint("damaged:", "bad"), 1)
        yield from lines
        for line in rest:
            yield from wrap(line.strip(), screen.width, "    ", "  ")
    if len(report.damaged) > _MOST_DAMAGED:
        yield f"  and {len(report.damaged) - _MOST_DAMAGED:,} more (--json lists all)"


def _plural(number: int, noun: str, ending: str = "s") -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else ending)
