"""`vpcflow query`."""

from __future__ import annotations

import click


@click.command()
def query() -> None:
    """Being written."""
