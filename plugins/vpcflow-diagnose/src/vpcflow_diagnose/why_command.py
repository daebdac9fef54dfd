"""`vpcflow why`."""

from __future__ import annotations

import click


@click.command()
def why() -> None:
    """Being written."""
