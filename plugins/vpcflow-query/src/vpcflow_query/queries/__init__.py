"""The named queries, by theme, and how one is found by name."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from vpcflow.errors import UsageError, nearest, printable
from vpcflow_query.queries import connections, cost, rejected, volume
from vpcflow_query.queries.named_query import NamedQuery

__all__ = ["NamedQuery", "find", "named_queries"]

_AWS = "vpcflowlogs"


@functools.cache
def named_queries() -> Mapping[str, NamedQuery]:
    """All of them by name: AWS's first, each group in the order of the alphabet."""
    found = (*volume.QUERIES, *connections.QUERIES, *rejected.QUERIES, *cost.queries())
    ordered = sorted(found, key=lambda query: (query.aws_name is None, query.name))
    return {query.name: query for query in ordered}


def find(text: str) -> NamedQuery:
    """The query of this name: ours, or AWS's with or without VpcFlowLogs, in any case. Raises
    UsageError, which gives the nearest name."""
    wanted = _letters(text)
    known: dict[str, NamedQuery] = {}
    for query in named_queries().values():
        known[_letters(query.name)] = query
        if query.aws_name is not None:
            known[_letters(query.aws_name)] = query
    if wanted in known:
        return known[wanted]
    near = nearest(wanted, known)
    hint = f"did you mean {known[near].name}?" if near else "vpcflow query lists all"
    raise UsageError(f"there is no query {printable(text, 80)!r}", hint=hint)


def _letters(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower().removeprefix(_AWS)
