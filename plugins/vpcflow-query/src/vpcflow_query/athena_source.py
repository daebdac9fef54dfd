"""The flow log at hand: its format, and what the names of its files say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from attrs import frozen

import vpcflow
from vpcflow.errors import UsageError, printable
from vpcflow.flow_format import FlowFormat
from vpcflow.scan import plugin_source
from vpcflow.selection import facts_of
from vpcflow.sources import SourceFile, resolve
from vpcflow_query.athena_layout import Layout, seen_in

_MOST = 100  # files whose names tell nothing of their flow log that are opened


@frozen
class FlowLog:
    """format_source: "given", "header", "container", "assumed". parquet: None where not known.
    layout: what the names of its files say, if anything."""

    format: FlowFormat
    format_source: str
    parquet: bool | None = None
    layout: Layout | None = None


def without_sources(format: FlowFormat | Literal["strict"] | None) -> FlowLog:
    """A flow log of which only the format is known; the default one where none is given."""
    if format == "strict":
        raise UsageError("--format strict is about sources, and none is given")
    if format is None:
        return FlowLog(FlowFormat.default(), "assumed")
    return FlowLog(format, "given")


def at_hand(
    sources: Sequence[str], format: FlowFormat | Literal["strict"] | None = None
) -> FlowLog:
    """What the first lines and the names of the sources say.

    Raises UsageError for files of several formats: a table has one. InputError for a format that
    cannot be known.
    """
    files = resolve(list(sources), find=plugin_source)
    found: dict[FlowFormat, tuple[str, str]] = {}
    for file in _one_of_each(files):
        with vpcflow.scan(file, format=format) as stream:
            batch = next(stream, None)
        if batch is not None and batch.format is not None:
            found.setdefault(batch.format, (batch.format_source, file.name))
    if not found:
        raise UsageError("there is no record in these sources, so their format is not known")
    if len(found) > 1:
        (one, (_, first)), (other, (_, second)), *_ = found.items()
        raise UsageError(
            f"these are several flow logs: {printable(first)} has {len(one)} fields, "
            f"{printable(second)} {'others' if len(one) == len(other) else len(other)}",
            hint="a table is for one format: name the files of one flow log",
        )
    (known, (said_by, _)), *_ = found.items()
    names = [file.name for file in files]
    endings = {name.endswith(".parquet") for name in names}
    parquet = endings.pop() if len(endings) == 1 else None
    return FlowLog(known, said_by, parquet, seen_in(names))


def _one_of_each(files: Sequence[SourceFile]) -> list[SourceFile]:
    """A file of each flow log: the format of one cannot change. Files whose names tell nothing are
    all looked at, up to a number."""
    by_flow_log: dict[str, SourceFile] = {}
    others: list[SourceFile] = []
    for file in files:
        facts = facts_of(file.name)
        if facts is None:
            others.append(file)
        else:
            by_flow_log.setdefault(facts.flow_log, file)
    return [*by_flow_log.values(), *others[:_MOST]]
