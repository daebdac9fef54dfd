"""`vpcflow read`: records as a table for people, as jsonl or csv for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import islice

import click

import vpcflow
from vpcflow.cli.options import column_list, given_format, json_option, selection, sources_argument
from vpcflow.cli.progress import Position, Progress
from vpcflow.cli.reading import check_columns, read_on
from vpcflow.cli.screen import Screen
from vpcflow.cli.summary import Summary
from vpcflow.cli.table import Table
from vpcflow.cli.text import safe_json, safe_lines
from vpcflow.cli.where import conditions
from vpcflow.errors import UsageError

SCREENFUL = 50
AROUND = 10  # lines of a screen that are not records: heading, notes, summary
PAGE = 500
COUNTING = 1.0  # seconds to find out how much more there is than was shown

EPILOG = """\
\b
Examples:
  vpcflow read logs/                                      look at what there is
  vpcflow read --where action=REJECT --since 2h logs/     refused in the last two hours
  vpcflow read --where dstport=443 --where 'bytes>=1000000' big.log.gz
  vpcflow read --columns srcaddr,dstaddr,bytes logs/ > flows.jsonl
  aws s3 cp s3://bucket/key.log.gz - | vpcflow read -

Exit code: 0 all was read (rejected lines are counted, not errors), 1 an input failed or is damaged
(what could be read was printed), 2 wrong usage."""


@click.command(epilog=EPILOG, short_help="Show records: a table, jsonl or csv.")
@sources_argument
@selection
@click.option(
    "--output",
    type=click.Choice(["table", "jsonl", "csv"]),
    help="table: for people (the default on a terminal). jsonl: one JSON object a line (the "
    "default elsewhere). csv: RFC 4180 with a heading; a text may begin with =, +, - or @, which a "
    "spreadsheet may take for a formula.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help="Stop after N records; 0: all. The default is all, on a terminal a screenful.",
)
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Files to read at the same time."
)
@click.option("-q", "--quiet", is_flag=True, help="No summary on stderr; errors are still shown.")
@json_option
@click.pass_context
def read(
    ctx: click.Context,
    sources: tuple[str, ...],
    format_: str | None,
    columns: str | None,
    wheres: tuple[str, ...],
    since: str | None,
    until: str | None,
    output: str | None,
    limit: int | None,
    threads: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Show the records of flow logs: files, directories, globs, or - for stdin.

    Gzip, CloudWatch and Firehose envelopes and exported lines are recognised by their content. The
    summary on stderr counts what was read and says which lines were set aside, and why. With --json
    records are jsonl and the summary is one JSON object.
    """
    if as_json and output not in (None, "jsonl"):
        raise UsageError(f"--json and --output {output} contradict each other")
    screen = Screen.of(sys.stdout)
    form = "jsonl" if as_json else output or ("table" if screen.terminal else "jsonl")
    if limit is None and form == "table" and screen.terminal:
        limit = min(max((screen.height or 0) - AROUND, AROUND), SCREENFUL)
    given, names = given_format(format_), column_list(columns)
    where = conditions(wheres, since=since, until=until)
    summary = Summary()
    with vpcflow.scan(
        *sources, format=given, columns=names, where=where, threads=threads
    ) as stream:
        if names is None:
            check_columns(where or {}, stream.schema.names)
        wanted = form == "table" or not screen.terminal
        with Progress(lambda: _position(stream), wanted=wanted) as progress:
            if form == "table":
                table = Table(screen, stream.schema.names, chosen=names is not None)
                _show(stream, table, limit or None, summary, progress)
            else:
                _write(stream, form, limit or None, summary, terminal=screen.terminal)
        summary.finish(stream)
    _conclude(summary, quiet=quiet, as_json=as_json)
    ctx.exit(1 if summary.errors else 0)


def _batches(stream: vpcflow.FlowStream, summary: Summary) -> Iterator[vpcflow.FlowBatch]:
    """The batches of all that can be read; an error of the input goes to the summary."""
    for batch in read_on(stream, summary.errors):
        summary.saw(batch)
        yield batch


def _show(
    stream: vpcflow.FlowStream,
    table: Table,
    limit: int | None,
    summary: Summary,
    progress: Progress,
) -> None:
    """Print a table, page by page."""
    batches = _batches(stream, summary)
    records = (record for batch in batches for record in batch)
    while page := list(
        islice(records, PAGE if limit is None else min(PAGE, limit - summary.shown))
    ):
        progress.pause()
        click.echo("\n".join(table.page(page)))
        summary.shown += len(page)
        progress.resume()
    if summary.shown == limit:
        deadline = time.monotonic() + COUNTING
        summary.complete = all(time.monotonic() < deadline for _ in batches)
    progress.pause()
    for note in table.notes():
        click.echo(note)


def _write(
    stream: vpcflow.FlowStream,
    form: str,
    limit: int | None,
    summary: Summary,
    *,
    terminal: bool,
) -> None:
    """Write jsonl or csv, a batch at a time."""
    csv = form == "csv"
    if csv:
        _put(",".join(stream.schema.names).encode() + b"\r\n", form, terminal=terminal)
    batches = _batches(stream, summary)
    for batch in batches:
        data = batch.to_csv(header=False) if csv else batch.to_jsonl()
        rows = len(batch) if limit is None else min(len(batch), limit - summary.shown)
        if rows < len(batch):
            data = first_rows(data, rows, quotes=csv)
        _put(data, form, terminal=terminal)
        summary.shown += rows
        if summary.shown == limit:
            summary.complete = next(batches, None) is None
            break
    sys.stdout.buffer.flush()


def _put(data: bytes, form: str, *, terminal: bool) -> None:
    if not terminal:
        sys.stdout.buffer.write(data)
    elif form == "csv":
        click.echo(safe_lines(data.decode().replace("\r\n", "\n")), nl=False)
    else:
        click.echo(safe_json(data), nl=False)


def _conclude(summary: Summary, *, quiet: bool, as_json: bool) -> None:
    """The summary, or at least what went wrong, on stderr."""
    if as_json:
        click.echo(summary.as_json(), err=True)
        return
    screen = Screen.of(sys.stderr)
    nothing = summary.errors and not summary.counts.get("lines")
    for line in summary.damage(screen) if quiet or nothing else summary.lines(screen):
        click.echo(line, err=True)


def _position(stream: vpcflow.FlowStream) -> Position:
    at = stream.progress
    return Position(at.files_done, at.files, at.bytes_done, at.bytes, stream.counts["records"])


def first_rows(data: bytes, rows: int, *, quotes: bool) -> bytes:
    """The first `rows` lines of `data`; with `quotes`, a newline between quotes ends no row."""
    end = quoted = 0
    while rows:
        following = data.find(b"\n", end) + 1
        if not following:
            return data
        if quotes:
            quoted += data.count(b'"', end, following)
        rows -= quoted % 2 == 0
        end = following
    return data[:end]
