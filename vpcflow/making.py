"""From what people write - `geoip=City.mmdb`, `parquet:out/?size=64MB` - to enrichers and sinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vpcflow.enrich import Enricher
from vpcflow.errors import PluginError, UsageError, VpcflowError, printable
from vpcflow.options import split_target
from vpcflow.plugins import plugins
from vpcflow.registry import Entry
from vpcflow.sinks import Sink


def enricher_of(text: str) -> list[Enricher]:
    """`NAME[=ARGUMENT][?option=value&...]` to the enricher, or several that belong together.

    Raises UsageError for a name that nobody registered (with the nearest) and for options and
    arguments that the plugin refuses, PluginError if it fails.
    """
    given, options = split_target(text)
    name, _, argument = given.partition("=")
    made = _made(plugins().enrichers.find(name.strip()), argument, options)
    several = list(made) if isinstance(made, Sequence) else [made]
    for enricher in several:
        if not isinstance(enricher, Enricher):
            raise PluginError(f"its factory gave a {type(enricher).__name__}", plugin=name)
        enricher.name = enricher.name or name
    return several


def sink_of(text: str) -> Sink:
    """`NAME:TARGET[?option=value&...]` to the sink. Raises as `enricher_of` does."""
    given, options = split_target(text)
    name, colon, target = given.partition(":")
    if not colon:
        raise UsageError(
            f"{printable(text)!r} is no target",
            hint="write the sink's name, a colon and where to: parquet:out/, jsonl:-, "
            "cloudwatch:GROUP",
        )
    made = _made(plugins().sinks.find(name.strip()), target, options)
    if not isinstance(made, Sink):
        raise PluginError(f"its factory gave a {type(made).__name__}, no Sink", plugin=name)
    made.name = made.name or given
    return made


def _made(entry: Entry, argument: str, options: Mapping[str, str]) -> Any:
    factory: Callable[[str, Mapping[str, str]], Any] = entry.thing
    try:
        return factory(argument, options)
    except VpcflowError:
        raise
    except Exception as error:
        raise PluginError(
            f"{entry.name}: {type(error).__name__}: {error}", plugin=entry.distribution
        ) from error
