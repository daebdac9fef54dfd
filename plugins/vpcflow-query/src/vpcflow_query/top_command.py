"""`vpcflow top`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any

import click
from attrs import frozen

from vpcflow.cli.options import json_option
from vpcflow.cli.progress import Progress
from vpcflow.cli.screen import Screen
from vpcflow.errors import UsageError
from vpcflow_query.duck import MEMORY, check_memory, connect
from vpcflow_query.flows import Flows
from vpcflow_query.reading import Reading, source_options
from vpcflow_query.top_count import Counter, Ranking
from vpcflow_query.top_groups import GROUPINGS, grouping
from vpcflow_query.top_names import Names
from vpcflow_query.top_view import View

EPILOG = """\
\b
Examples:
  vpcflow top logs/                                       addresses that send most
  vpcflow top --by pair -n 20 --since 2h logs/
  vpcflow top --by port --rejected logs/                  what is refused most
  vpcflow top --by resource --inventory inventory/ logs/  instances, load balancers, databases ...
  vpcflow top --by country --geoip City.mmdb logs/

A flow is a record: what one interface saw of one connection in one aggregation window. Where both
interfaces of a connection are logged, it counts once, if the format has flow-direction.

Exit code: 0 all was read (rejected lines are counted, not errors), 1 an input failed or is damaged
(the result is of what could be read), 2 wrong usage."""

_MEASURES = ("bytes", "packets", "flows", "rejected")


@frozen
class _Rows:
    shown: int
    more: bool = False  # the table itself says how many more there are


def _measure_options(function: Any) -> Any:
    for measure in reversed(_MEASURES):
        words = "by refused flows" if measure == "rejected" else f"by {measure}"
        default = " (the default)" if measure == "bytes" else ""
        option = click.option(
            f"--{measure}", "measure", flag_value=measure, help=f"Rank {words}{default}."
        )
        function = option(function)
    return function


@click.command(epilog=EPILOG, short_help="Who talks most: addresses, ports, resources, countries.")
@source_options
@click.option(
    "--by",
    type=click.Choice(list(GROUPINGS)),
    default="src",
    show_default=True,
    metavar="WHAT",
    help="What to count by: " + ", ".join(GROUPINGS) + ". port is the lower one of both, which is "
    "the server's. Some need a field that not every log has.",
)
@click.option(
    "-n",
    "rows",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="N",
    help="How many to show.",
)
@_measure_options
@click.option(
    "--inventory",
    metavar="DIR",
    help="Say whose interfaces and addresses they are, by a snapshot of the network (vpcflow-aws).",
)
@click.option(
    "--geoip",
    metavar="FILES",
    help="Say where addresses are, by MaxMind DB files with commas between (vpcflow-geoip).",
)
@click.option(
    "--memory",
    default=MEMORY,
    show_default=True,
    metavar="SIZE",
    help="What counting may use before it goes on in temporary files (reading takes some more).",
)
@click.option("-q", "--quiet", is_flag=True, help="No summary on stderr; errors are still shown.")
@json_option
@click.pass_context
def top(ctx: click.Context, /, **options: Any) -> None:
    """Show who talks most in the records of SOURCE...: bytes, flows, refused flows, and shares.

    Logs are read once. Names (of an inventory, of GeoIP databases) are looked up for the distinct
    interfaces and addresses only.
    """
    from vpcflow_query.sql_summary import conclude

    check_memory(options["memory"])
    screen = Screen.of(sys.stdout)
    measure = options["measure"] or "bytes"
    names = ("sources", "format_", "wheres", "since", "until", "threads")
    reading = Reading.of(*(options[name] for name in names))
    with ExitStack() as stack:
        known = stack.enter_context(Names.opened(options["inventory"], options["geoip"]))
        flows = Flows.of(reading)
        _check_measure(measure, flows.schema.names)
        with Progress(flows.position):
            view = _view(flows, known, measure, options)
    out = [view.as_json()] if options["as_json"] else view.lines(screen)
    click.echo("\n".join(out))
    shown = _Rows(len(view.ranking.rows))
    conclude(flows.summary, shown, quiet=options["quiet"], as_json=options["as_json"])
    ctx.exit(1 if flows.summary.errors else 0)


def _view(flows: Flows, known: Names, measure: str, options: dict[str, Any]) -> View:
    """Count, and look up the names of the first rows."""
    from duckdb import Error

    by, present = options["by"], flows.schema.names
    found = grouping(
        by, present, inventory=known.inventory is not None, geoip=known.geoip is not None
    )
    with connect(memory=options["memory"]) as connection:
        try:
            flows.register(connection)
            counter = Counter(connection, present, by, found, known)
            ranking = counter.rank(measure, options["rows"])
        except Error as error:
            if flows.failure is not None:
                raise flows.failure from error
            raise _failed(error) from error
        finally:
            flows.stop()
    named = bool(found.keys) and by in {"src", "dst", "pair", "interface"}
    about = known.about(ranking.rows) if named else [None] * len(ranking.rows)
    blocks = (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
    return View(by, measure, ranking, ranking.keys, about, _notes(counter, ranking), blocks)


def _notes(counter: Counter, ranking: Ranking) -> list[str]:
    if not counter.grouping.once or not ranking.rows:
        return []
    if not counter.can_tell_ends:
        return [
            "these logs do not have flow-direction: what goes between two interfaces that are both "
            "logged counts twice"
        ]
    if not ranking.twice:
        return []
    return [f"{ranking.twice:,} flows were seen at both ends and count once"]


def _check_measure(measure: str, present: list[str]) -> None:
    column = {"rejected": "action", "flows": None}.get(measure, measure)
    if column is not None and column not in present:
        raise UsageError(
            f"--{measure}: these logs do not have the field {column}", hint="--flows needs no field"
        )


def _failed(error: Exception) -> UsageError:
    from vpcflow_query.sql_errors import usage_error

    return usage_error(error, "", 0, ())
