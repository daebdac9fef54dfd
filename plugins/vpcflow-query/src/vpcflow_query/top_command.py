"""`vpcflow top`."""

from __future__ import annotations

import click


@click.command()
def top() -> None:
    """Being written."""
