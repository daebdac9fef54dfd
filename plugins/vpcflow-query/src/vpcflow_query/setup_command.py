"""`vpcflow setup`."""

from __future__ import annotations

import click


@click.command()
def setup() -> None:
    """Being written."""
