"""What a read found, for stderr: counts, what was set aside and why, and how sure the format is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from attrs import define, field

from vpcflow.batch import FlowBatch
from vpcflow.cli.screen import Screen, error_lines, wrap
from vpcflow.errors import InputError, RejectedLine, printable
from vpcflow.flow_format import FlowFormat
from vpcflow.stream import FlowStream

FIRST_REJECTED = 3
FIRST_IN_JSON = 100
_FORMATS = 5
KNOWN_BY = {
    "given": "as given",
    "header": "from the header line",
    "container": "from where the lines came",
    "assumed": "ASSUMED: no header line, and the values fit",
}


@define
class Summary:
    """Collects while batches pass by, then tells.

    formats: each format met, and how it was known, in the order of appearance. errors: what ended
    the reading of a source. found, shown: records read, and printed. complete: False where reading
    stopped before the end of the input.
    """

    counts: Mapping[str, int] = field(factory=dict)
    rejected: Sequence[RejectedLine] = ()
    by_reason: Mapping[str, int] = field(factory=dict)
    formats: dict[tuple[FlowFormat, str], None] = field(factory=dict)
    errors: list[InputError] = field(factory=list)
    found: int = 0
    shown: int = 0
    complete: bool = True

    def saw(self, batch: FlowBatch) -> None:
        self.found += len(batch)
        if batch.format is not None:
            self.formats.setdefault((batch.format, batch.format_source))

    def finish(self, stream: FlowStream) -> None:
        """Take the final counts from the stream."""
        self.counts = dict(stream.counts)
        self.rejected = tuple(stream.rejected)
        self.by_reason = {k: n for k, n in stream.rejected_by_reason.items() if n}

    def lines(self, screen: Screen) -> Iterator[str]:
        """The summary for people."""
        count = self.counts.get
        gaps = [
            screen.paint(f"{count(key, 0):,} {key.upper()}", "odd")
            for key in ("nodata", "skipdata")
            if count(key, 0)
        ]
        of_them = f" ({', '.join(gaps)})" if gaps else ""
        parts = [_plural(count("records", 0), "record") + of_them]
        if count("filtered", 0):
            parts.append(f"{count('filtered', 0):,} filtered out")
        if count("rejected", 0):
            parts.append(screen.paint(f"{count('rejected', 0):,} rejected", "bad"))
        for key, name in (("header", "header line"), ("blank", "blank line")):
            if count(key, 0):
                parts.append(_plural(count(key, 0), name))
        if self.shown < self.found or not self.complete:
            more = f"{self.found - self.shown:,} more" if self.complete else "more"
            yield f"{_plural(self.shown, 'record')} shown; there are {more} (--limit 0 shows all)"
        yield ", ".join(parts) + ("" if self.complete else " so far, not read to the end")
        yield from self._format_lines(screen)
        yield from self._rejected_lines(screen)
        yield from self.damage(screen)

    def damage(self, screen: Screen) -> Iterator[str]:
        """Why not everything could be read."""
        for error in self.errors:
            yield from error_lines(error, screen)

    def _format_lines(self, screen: Screen) -> Iterator[str]:
        for fmt, how in list(self.formats)[:_FORMATS]:
            assumed = how == "assumed"
            known = f"{KNOWN_BY[how]} (--format makes it certain)" if assumed else KNOWN_BY[how]
            for line in wrap(f"{format_name(fmt)}, {known}", screen.width, "  ", "format: "):
                yield screen.paint(line, "odd") if assumed else line
        if len(self.formats) > _FORMATS:
            yield f"and {len(self.formats) - _FORMATS:,} more formats"

    def _rejected_lines(self, screen: Screen) -> Iterator[str]:
        total = self.counts.get("rejected", 0)
        if not total:
            return
        reasons = sorted(self.by_reason.items(), key=lambda item: -item[1])
        because = ", ".join(f"{reason} {number:,}" for reason, number in reasons)
        yield from wrap(because, screen.width, "  ", "rejected: ")
        for line in self.rejected[:FIRST_REJECTED]:
            where = f"{printable(line.source)}:{line.line_number} (byte {line.byte_offset:,})"
            column = f" in {printable(line.field)}" if line.field else ""
            said = f"{where}: {line.reason}{column}: {printable(line.text, 120)}"
            yield from wrap(said, screen.width, "    ", "  ")
        if total > FIRST_REJECTED:
            yield f"  and {total - FIRST_REJECTED:,} more"

    def as_json(self) -> str:
        """The summary for programs: one object on one line."""
        return json.dumps(
            {
                "counts": dict(self.counts),
                "shown": self.shown,
                "complete": self.complete,
                "formats": [{"format": str(f), "known": how} for f, how in self.formats],
                "rejected_by_reason": dict(self.by_reason),
                "rejected": [rejected_json(line) for line in self.rejected[:FIRST_IN_JSON]],
                "errors": [str(error) for error in self.errors],
            }
        )


def rejected_json(line: RejectedLine) -> dict[str, object]:
    """A rejected line for JSON; bytes that are not UTF-8 become `\\xff`."""
    return {
        "source": line.source,
        "line_number": line.line_number,
        "byte_offset": line.byte_offset,
        "reason": line.reason,
        "field": line.field,
        "text": line.text.decode("utf-8", "backslashreplace"),
    }


def format_name(fmt: FlowFormat) -> str:
    """ "VPC default (14 fields)", "custom, 29 fields up to version 5"."""
    if fmt == FlowFormat.default():
        return f"VPC default ({len(fmt)} fields)"
    if fmt == FlowFormat.transit_gateway():
        return f"transit gateway default ({len(fmt)} fields)"
    upto = f" up to version {fmt.version}" if fmt.version else ""
    return f"custom, {_plural(len(fmt), 'field')}{upto}"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
