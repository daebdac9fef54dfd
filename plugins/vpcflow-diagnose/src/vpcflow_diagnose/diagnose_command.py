"""`vpcflow diagnose`."""

from __future__ import annotations

import click


@click.command()
def diagnose() -> None:
    """Being written."""
