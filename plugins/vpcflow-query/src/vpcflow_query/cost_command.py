"""`vpcflow cost`."""

from __future__ import annotations

import click


@click.command()
def cost() -> None:
    """Being written."""
