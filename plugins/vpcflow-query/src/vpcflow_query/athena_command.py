"""`vpcflow athena`."""

from __future__ import annotations

import click


@click.command()
def athena() -> None:
    """Being written."""
