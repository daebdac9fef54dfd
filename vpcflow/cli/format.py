"""`vpcflow format`: what a format string means, and what format a file is in."""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import unquote_to_bytes

import click
from attrs import evolve, frozen

import vpcflow
from vpcflow.cli.fields import field_json, field_table
from vpcflow.cli.names import NAMED
from vpcflow.cli.options import format_option, given_format, json_option
from vpcflow.cli.progress import size
from vpcflow.cli.screen import Screen, error_lines, wrap
from vpcflow.cli.summary import KNOWN_BY, format_name, rejected_json
from vpcflow.containers import Lines, open_container
from vpcflow.containers.lines import ENOUGH_LINES
from vpcflow.errors import InputError, UsageError, printable
from vpcflow.fields import FIELDS, Field
from vpcflow.flow_format import FlowFormat, coerce, is_header, recognise, tokens
from vpcflow.scan import plugin_containers, plugin_source
from vpcflow.sources import SourceFile, resolve

EPILOG = """\
\b
Examples:
  vpcflow format '${version} ${srcaddr} ${dstaddr} ${action}'    explain a format
  vpcflow format default                                         AWS's default, field by field
  vpcflow format logs/                                           what is in these files
  vpcflow format --format '${version} ${srcaddr}' old.log        does this format fit?

A format needs single quotes: within double quotes the shell replaces ${version} by nothing.
Exit code: 1 if the format of a file cannot be known, contradicts --format, or fits no line."""

HEAD = 65536
_NO_TRAFFIC = {b"NODATA", b"SKIPDATA"}
_DEFAULTS = ("default", "transit-gateway")


@frozen
class Finding:
    """What one file holds. how: "given", "header", "container", "assumed", "" for no lines.

    sample: the first lines, read in that format; None where it is not known. record: the fields
    of the first record with traffic, as they stand in the file. error: why the format is not
    known, or what damage lies within the first lines.
    """

    name: str
    size: int | None
    containers: tuple[str, ...] = ()
    format: FlowFormat | None = None
    how: str = ""
    sample: vpcflow.FlowBatch | None = None
    record: tuple[bytes, ...] = ()
    error: InputError | None = None

    @property
    def failed(self) -> bool:
        """Nothing can be read with this: no format, or one that fits no line."""
        if self.error is not None:
            return True
        counts = {} if self.sample is None else self.sample.counts
        return bool(counts) and counts["rejected"] > 0 and counts["records"] == 0


@click.command("format", epilog=EPILOG, short_help="Explain a format, or say what files hold.")
@click.argument("arguments", metavar="FORMAT|FILE...", nargs=-1, required=True)
@format_option
@json_option
@click.pass_context
def format_(
    ctx: click.Context, arguments: tuple[str, ...], format_: str | None, as_json: bool
) -> None:
    """Explain a format string, or say what format files are in and how that is known.

    For a file: its containers, its format, a record field by field, and where the format
    cannot be known, what was seen and what would settle it.
    """
    screen = Screen.of(sys.stdout)
    if all(map(_is_format, arguments)):
        if format_ is not None:
            raise UsageError("--format is for checking files, and no file is given")
        fmt = coerce(" ".join(arguments))
        assert fmt is not None
        lines = [json.dumps(_format_json(fmt), indent=2)] if as_json else _explain(fmt, screen)
        click.echo("\n".join(lines))
        return
    given = given_format(format_)
    files = resolve(list(map(_file, arguments)), find=plugin_source)
    findings = [_examine(file, given) for file in files]
    if as_json:
        click.echo(json.dumps([_finding_json(finding) for finding in findings], indent=2))
    else:
        for line in _report(findings, screen):
            click.echo(line)
    ctx.exit(1 if any(finding.failed for finding in findings) else 0)


def _is_format(text: str) -> bool:
    """Whether an argument means a format; a file of that name goes first."""
    if "${" in text:
        return True
    if Path(text).exists():
        return False
    names = text.replace("-", "_").split()
    return text in _DEFAULTS or (bool(names) and any(name in FIELDS for name in names))


def _file(text: str) -> str:
    if not text.strip() or (text != text.strip() and not Path(text).exists()):
        raise UsageError(
            f"{text!r} is neither a file nor a format",
            hint="the shell replaces ${...} within double quotes: use single quotes",
        )
    return text


def _explain(fmt: FlowFormat, screen: Screen) -> Iterator[str]:
    yield screen.paint(f"{format_name(fmt)}; records say version {fmt.version}", "heading")
    yield ""
    yield from field_table(screen, list(fmt.fields), numbered=True)
    yield ""
    yield from wrap(str(fmt), screen.width)


def _examine(file: SourceFile, given: FlowFormat | Literal["strict"] | None) -> Finding:
    """Read the beginning of one file."""
    finding = Finding(file.name, file.size)
    try:
        lines = open_container(file.open(), source=file.name, others=plugin_containers)
        if not isinstance(lines, Lines):
            return _examine_columns(evolve(finding, containers=(lines.name,)), file)
        with lines:
            finding = evolve(finding, containers=lines.containers)
            head, damage = _first_lines(lines)
        split = head.removesuffix(b"\n").split(b"\n")
        strict = given == "strict"
        fmt, how = recognise(
            split, source=file.name, given=None if given == "strict" else given, strict=strict
        )
    except InputError as error:
        return evolve(finding, error=error)
    if fmt is None or not head:
        return evolve(finding, error=damage)
    records = [tuple(tokens(line)) for line in split if tokens(line) and not is_header(line)]
    traffic = (record for record in records if not _NO_TRAFFIC & set(record))
    record = next(traffic, records[0] if records else ())
    sample = vpcflow.parse(head, format=fmt)
    return evolve(finding, format=fmt, how=how, sample=sample, record=record, error=damage)


def _examine_columns(finding: Finding, file: SourceFile) -> Finding:
    """A file of columns names them itself."""
    with vpcflow.scan(file) as stream:
        sample = next(stream, None)
    if sample is None:
        return finding
    records = [record.asdict() for record in itertools.islice(sample, ENOUGH_LINES)]
    traffic = (r for r in records if str(r.get("log_status")).encode() not in _NO_TRAFFIC)
    shown = next(traffic, records[0] if records else {})
    return evolve(
        finding,
        format=sample.format,
        how=sample.format_source,
        sample=sample,
        record=tuple(_as_written(value) for value in shown.values()),
    )


def _as_written(value: object) -> bytes:
    """A value as a line of text has it."""
    if value is None:
        return b"-"
    return str(int(value.timestamp()) if isinstance(value, datetime) else value).encode()


def _first_lines(lines: Lines) -> tuple[bytes, InputError | None]:
    """The first lines, whole ones, and what is wrong with the input right behind them."""
    head = lines.head(HEAD)
    if len(head) >= HEAD or head.count(b"\n") >= ENOUGH_LINES:
        return head[: head.rfind(b"\n") + 1] or head, None
    try:
        for _ in lines:
            pass  # the head was all there is: is this an end, or damage?
    except InputError as error:
        return head[: head.rfind(b"\n") + 1], error
    return head, None


def _report(findings: Sequence[Finding], screen: Screen) -> Iterator[str]:
    """A block for each file; a file like one that has been shown takes one line."""
    shown: dict[object, str] = {}
    for number, finding in enumerate(findings):
        name = printable(finding.name)
        kind = (finding.containers, finding.format, finding.how)
        sample = finding.sample
        clean = sample is not None and not sample.counts["rejected"] and finding.error is None
        if clean and kind in shown:
            yield f"{screen.paint(name, 'heading')}  like {shown[kind]}"
            continue
        if clean:
            shown[kind] = name
        if number:
            yield ""
        yield from _block(finding, name, screen)


def _block(finding: Finding, name: str, screen: Screen) -> Iterator[str]:
    yield screen.paint(name, "heading")
    wrapped = " in ".join(reversed(finding.containers)) or "unknown"
    yield f"  holds   {wrapped}" + ("" if finding.size is None else f", {size(finding.size)}")
    if finding.error is not None:
        yield from error_lines(finding.error, screen, "  ")
    if finding.format is None and finding.error is not None:
        return
    if finding.format is None or finding.sample is None:
        yield "  format  not known: there is no line in it"
        return
    how = screen.paint(KNOWN_BY[finding.how], "odd" if finding.how == "assumed" else "good")
    yield f"  format  {format_name(finding.format)}, {how}"
    yield from _sample(finding.sample, screen)
    yield from _record(finding, screen)


def _sample(sample: vpcflow.FlowBatch, screen: Screen) -> Iterator[str]:
    counts = sample.counts
    found = f"{counts['records']:,} records in the first {counts['lines']:,} lines"
    if counts["rejected"]:
        reasons = ", ".join(
            f"{reason} {n:,}" for reason, n in sample.rejected_by_reason.items() if n
        )
        found += ", " + screen.paint(f"{counts['rejected']:,} rejected", "bad") + f" ({reasons})"
    yield f"  lines   {found}"
    if counts["rejected"] and sample.rejected:
        yield f"          {printable(sample.rejected[0].verdict)}"


def _record(finding: Finding, screen: Screen) -> Iterator[str]:
    """The values of a record beside the fields that the format says they are."""
    assert finding.format is not None
    if not finding.record:
        return
    yield "  a record"
    width = max(map(len, finding.format.names))
    for position in range(max(len(finding.record), len(finding.format))):
        field = finding.format.fields[position] if position < len(finding.format) else None
        token = finding.record[position] if position < len(finding.record) else None
        label = "(no field)" if field is None else field.name
        value = screen.paint("(no value)", "bad") if token is None else printable(token)
        meaning = "" if field is None or token is None else _meaning(field, token)
        note = f"  {screen.paint(meaning, 'quiet')}" if meaning else ""
        yield f"    {screen.paint(label.ljust(width), 'name')}  {value}{note}"


def _meaning(field: Field, token: bytes) -> str:
    """What a value in a log stands for, where that is not plain; empty otherwise."""
    if field.kind == "tag" and b"%" in token:
        return printable(unquote_to_bytes(token))
    if not re.fullmatch(rb"0|[1-9][0-9]{0,12}", token):
        return ""
    number = int(token)
    if field.name in NAMED:
        named = NAMED[field.name](number)
        return "" if named == str(number) else named.removeprefix(f"{number} ")
    if field.kind == "time" and len(token) in (10, 13):
        seconds = number if len(token) == 10 else number // 1000
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return ""


def _format_json(fmt: FlowFormat) -> dict[str, object]:
    return {
        "format": str(fmt),
        "version": fmt.version,
        "fields": [{"position": n, **field_json(field)} for n, field in enumerate(fmt.fields, 1)],
    }


def _finding_json(finding: Finding) -> dict[str, object]:
    sample = finding.sample
    return {
        "file": finding.name,
        "bytes": finding.size,
        "containers": list(finding.containers),
        "format": None if finding.format is None else str(finding.format),
        "known_by": finding.how or None,
        "first_lines": None if sample is None else dict(sample.counts),
        "rejected": [] if sample is None else [rejected_json(r) for r in sample.rejected[:5]],
        "error": None if finding.error is None else str(finding.error),
    }
