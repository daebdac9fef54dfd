"""The hooks. DuckDB and pyarrow are imported by the commands, when they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vpcflow.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def vpcflow_register_commands(cli: click.Group) -> None:
    from vpcflow_diagnose.diagnose_command import diagnose
    from vpcflow_diagnose.report_command import report
    from vpcflow_diagnose.why_command import why

    for command in (diagnose, why, report):
        cli.add_command(command)
