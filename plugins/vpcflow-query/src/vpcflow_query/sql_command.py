"""`vpcflow sql`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import frozen

from vpcflow.cli.options import json_option
from vpcflow.cli.progress import Progress
from vpcflow.cli.screen import Screen
from vpcflow.errors import UsageError
from vpcflow_query.duck import MEMORY, check_memory, connect
from vpcflow_query.flows import Flows
from vpcflow_query.reading import Reading, source_options

if TYPE_CHECKING:
    from vpcflow_query.running import Result

FORMS = ("table", "jsonl", "csv", "parquet")
_COMMENT = re.compile(r"--\s")

EPILOG = """\
\b
Examples:
  vpcflow sql "select srcaddr, sum(bytes) from flows group by 1 order by 2 desc limit 10" logs/
  vpcflow sql "from flows where action = 'REJECT' and dstport = 22 limit 20" logs/
  vpcflow sql --since 2h "select time_bucket(interval 5 minute, start), count(*) from flows
    group by 1 order by 1" logs/
  vpcflow sql "describe flows" logs/                      the columns that these logs have
  vpcflow sql --file top.parquet @top.sql s3://bucket/AWSLogs/
  zcat log.gz | vpcflow sql "summarize flows" -

SQL is DuckDB's. The columns of flows are AWS's field names with _ for -; start and "end" (in double
quotes, since it is a word of SQL) are times in UTC.

Exit code: 0 all was read (rejected lines are counted, not errors), 1 an input failed or is damaged
(the result is of what could be read), 2 wrong usage or wrong SQL."""


class SqlCommand(click.Command):
    """A statement may begin with a comment: what begins with `--` and a blank is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f" {a}" if _COMMENT.match(a) else a for a in args])


@click.command(cls=SqlCommand, epilog=EPILOG, short_help="Run SQL over flow logs (DuckDB).")
@click.argument("statement", metavar="SQL")
@source_options
@click.option(
    "--output",
    type=click.Choice(FORMS),
    help="table: for people (the default on a terminal). jsonl: one JSON object a line (the "
    "default elsewhere). csv: RFC 4180 with a heading; a text may begin with =, +, - or @, which a "
    "spreadsheet may take for a formula. parquet: needs --file or a pipe.",
)
@click.option(
    "-o",
    "--file",
    "file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write the result there, in the form that --output or the ending says. What is there is "
    "replaced when the result is complete.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help="Show N rows at most; 0: all. The default is all, on a terminal a screenful.",
)
@click.option(
    "--memory",
    default=MEMORY,
    show_default=True,
    metavar="SIZE",
    help="What DuckDB may use before it goes on in temporary files (reading takes some more).",
)
@click.option(
    "--allow-files",
    is_flag=True,
    help="Let the statement read files and URLs. Without it, it sees the table flows and "
    "nothing else.",
)
@click.option("-q", "--quiet", is_flag=True, help="No summary on stderr; errors are still shown.")
@json_option
@click.pass_context
def sql(ctx: click.Context, /, statement: str, **options: Any) -> None:
    """Run one SQL statement over the table flows: the records of SOURCE...

    SQL is a SELECT, WITH, FROM, DESCRIBE, SUMMARIZE or EXPLAIN; @FILE takes it from a file. Logs
    are read as they stream by, and only the columns that the statement needs are decoded. A
    statement that names flows several times reads them several times (standard input is kept in
    a temporary file for it).
    """
    from vpcflow_query.sql_output import Output
    from vpcflow_query.sql_summary import conclude

    names = ("sources", "format_", "wheres", "since", "until", "threads")
    chosen = Chosen.of(options, Screen.of(sys.stdout))
    check_memory(options["memory"])
    text = statement_text(statement)
    reading = Reading.of(*(options[name] for name in names))
    output = Output(chosen.form, chosen.file, chosen.limit, chosen.screen)
    with result_of(text, reading, options["memory"], allow_files=options["allow_files"]) as found:
        flows, result = found
        with Progress(flows.position, wanted=output.leaves_stderr_free) as progress:
            output.show(result, progress)
        flows.stop()
    conclude(flows.summary, output, quiet=options["quiet"], as_json=options["as_json"])
    ctx.exit(1 if flows.summary.errors else 0)


@frozen
class Chosen:
    """What the options say of the output."""

    form: str
    file: Path | None
    limit: int | None
    screen: Screen

    @classmethod
    def of(cls, options: dict[str, Any], screen: Screen) -> Chosen:
        """Raises UsageError for options that contradict each other."""
        form, file, as_json = options["output"], options["file"], options["as_json"]
        if as_json and form not in (None, "jsonl"):
            raise UsageError(f"--json and --output {form} contradict each other")
        ending = file.suffix.lstrip(".").lower() if file else ""
        named = {"json": "jsonl", "ndjson": "jsonl"}.get(ending, ending)
        if as_json:
            form = "jsonl"
        elif form is None and file is not None:
            if named not in FORMS:
                raise UsageError(
                    f"--file {file} does not say in which form",
                    hint="let it end in .parquet, .csv or .jsonl, or give --output",
                )
            form = named
        elif form is None:
            form = "table" if screen.terminal else "jsonl"
        if form == "parquet" and file is None and screen.terminal:
            raise UsageError("Parquet is not for terminals", hint="give --file result.parquet")
        if file is not None:
            screen = Screen(False, None, None, screen.paint)
        return cls(form, file, options["limit"], screen)


def statement_text(argument: str) -> str:
    """The SQL, or what the file holds that `@FILE` names. Raises UsageError where there is none."""
    if not argument.startswith("@"):
        return argument
    try:
        return Path(argument[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"the SQL file {argument[1:]} cannot be read: {reason}") from None


@contextmanager
def result_of(
    text: str, reading: Reading, memory: str = MEMORY, *, allow_files: bool = False
) -> Iterator[tuple[Flows, Result]]:
    """The table and the rows of a statement over it, for this block.

    Raises UsageError for SQL that is wrong or may not be run, InputError for sources.
    """
    from duckdb import Error

    from vpcflow_query.pushdown import conditions
    from vpcflow_query.running import running
    from vpcflow_query.sql_errors import usage_error
    from vpcflow_query.statement import BINDING, parsed, scans

    flows: Flows | None = None
    place = (text, 0)  # the text that was run, and what of its beginning is ours
    try:
        with ExitStack() as stack:
            connection = stack.enter_context(
                connect(memory=memory, external=allow_files, ordered=True)
            )
            statement = parsed(connection, text)
            flows = Flows.of(reading)
            place = (statement.query, len(BINDING))
            flows.announce(connection)
            flows.where = conditions(statement, flows.schema.names)
            flows.register(connection, scans=scans(connection, statement))
            stack.callback(flows.stop)
            place = (text, 0)
            yield flows, stack.enter_context(running(connection, text))
    except Error as error:
        if flows is not None and flows.failure is not None:
            raise flows.failure from error
        present = flows.schema.names if flows is not None else ()
        raise usage_error(error, *place, present) from error
