"""`vpcflow sql`."""

from __future__ import annotations

import click


@click.command()
def sql() -> None:
    """Being written."""
