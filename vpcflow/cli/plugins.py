"""`vpcflow plugins`: what is loaded, from where, with what; and what is not, and why."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import attrs
import click

from vpcflow.cli.options import json_option
from vpcflow.cli.screen import Screen, pad, wrap
from vpcflow.errors import PluginError, printable
from vpcflow.plugins import Loaded, NotLoaded, Plugins
from vpcflow.plugins import plugins as installed

EPILOG = """\
\b
Examples:
  vpcflow plugins                              what is loaded, and what failed to load
  vpcflow plugins --json                       for programs
  VPCFLOW_BLOCK_PLUGINS=geoip vpcflow plugins  without one
  VPCFLOW_TRACE_PLUGINS=1 vpcflow run ...      show every hook call on stderr"""


@click.command(epilog=EPILOG, short_help="List plugins: what is loaded, what failed.")
@json_option
@click.pass_context
def plugins(ctx: click.Context, as_json: bool) -> None:
    """List the installed plugins, what they register, and those that could not be loaded.

    Exit code: 0, or 1 if a plugin could not be loaded or two register the same name.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what could not be loaded is in the list
        found = installed()
    clash: str | None = None
    try:
        things = {kind: dict(registry) for kind, registry in found.registered()}
    except PluginError as error:
        clash, things = str(error), {}
    broken = [plugin for plugin in found.failed if not plugin.blocked]
    if as_json:
        click.echo(json.dumps(_as_json(found, things, clash), indent=2))
    else:
        for line in _lines(found, things, clash, Screen.of(sys.stdout)):
            click.echo(line)
    ctx.exit(1 if broken or clash else 0)


def _as_json(found: Plugins, things: dict[str, Any], clash: str | None) -> dict[str, Any]:
    return {
        "loaded": [attrs.asdict(plugin) for plugin in found.loaded],
        "failed": [attrs.asdict(plugin) for plugin in found.failed],
        "registered": {
            kind: {name: entry.distribution for name, entry in entries.items()}
            for kind, entries in things.items()
        },
        "clash": clash,
    }


def _lines(
    found: Plugins, things: dict[str, Any], clash: str | None, screen: Screen
) -> Iterator[str]:
    shown: list[Loaded | NotLoaded] = [*found.loaded, *found.failed]
    width = max(len(plugin.name) for plugin in shown)
    for plugin in found.loaded:
        version = f"{plugin.distribution} {plugin.version}".strip()
        name = pad(printable(plugin.name), width)
        yield f"{screen.paint(name, 'name')}  {printable(version)}"
        indent = " " * (width + 2)
        for kind, entries in things.items():
            names = [name for name, e in entries.items() if e.distribution == plugin.distribution]
            if names:
                yield from wrap(
                    ", ".join(map(printable, names)), screen.width, indent, f"{indent}{kind}s: "
                )
        yield from wrap(", ".join(plugin.hooks), screen.width, indent, f"{indent}hooks: ")
        yield screen.paint(f"{indent}{printable(plugin.location)}", "quiet")
    for failed in found.failed:
        word = "blocked" if failed.blocked else "failed"
        said = screen.paint(word, "odd" if failed.blocked else "bad")
        version = f"{failed.distribution} {failed.version}".strip()
        yield f"{pad(printable(failed.name), width)}  {printable(version)}: {said}"
        yield from wrap(printable(failed.reason), screen.width, "    ", "    ")
    if clash:
        yield f"{screen.paint('Error:', 'bad')} {printable(clash)}"
