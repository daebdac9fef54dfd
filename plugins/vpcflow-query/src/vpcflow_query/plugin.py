"""The hooks. DuckDB and pyarrow are imported by the commands, when they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vpcflow.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def vpcflow_register_commands(cli: click.Group) -> None:
    from vpcflow_query.athena_command import athena
    from vpcflow_query.cost_command import cost
    from vpcflow_query.query_command import query
    from vpcflow_query.setup_command import setup
    from vpcflow_query.sql_command import sql
    from vpcflow_query.top_command import top

    for command in (sql, query, top, athena, cost, setup):
        cli.add_command(command)
