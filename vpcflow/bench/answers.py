"""One question, bytes by action, put to a log in the way that suits each reader best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import attrs
from attrs import frozen

import vpcflow
from vpcflow.bench.peers import DuckDB, FlowlogsReader, Polars
from vpcflow.bench.text import Text

Sums = Mapping[str | None, int]
COLUMNS = ("action", "bytes")


@frozen
class Way:
    """A way to the answer. `slow` ones are given the first part of the log only, in memory; the
    others read the file."""

    name: str
    package: str
    how: str
    answer: Callable[[Text], Sums]
    slow: bool = False

    def available(self) -> bool:
        return find_spec(self.package) is not None


def reference(text: Text) -> Sums:
    """The answer, record by record."""
    return _sums(
        (r.action, r.bytes)
        for r in vpcflow.parse(text.content, format=text.format, columns=COLUMNS)
    )


def _vpcflow(text: Text) -> Sums:
    pl = import_module("polars")
    found: list[tuple[str | None, int]] = []
    for batch in vpcflow.scan(text.path, format=text.format, columns=COLUMNS, threads=1):
        grouped = pl.DataFrame(batch).group_by("action").agg(pl.col("bytes").sum())
        found += grouped.iter_rows()
    return _sums(found)


def _polars(text: Text) -> Sums:
    pl = import_module("polars")
    frame = Polars().run(attrs.evolve(text, data=None, columns=COLUMNS))
    return _sums(frame.group_by("action").agg(pl.col("bytes").sum()).iter_rows())


def _duckdb(text: Text) -> Sums:
    connection = import_module("duckdb").connect(config={"threads": 1})
    sql = f"select action, sum(bytes) from {DuckDB.source(text)} group by 1"
    return _sums(connection.execute(sql, [str(text.path)]).fetchall())


def _flowlogs_reader(text: Text) -> Sums:
    return _sums((r.action, r.bytes) for r in FlowlogsReader().run(text))


def _sums(pairs: Any) -> Sums:
    sums: Counter[str | None] = Counter()
    for action, octets in pairs:
        sums[action] += int(octets or 0)
    return dict(sums)


WAYS = (
    Way(
        "vpcflow + polars",
        "polars",
        "scan(path, columns), each batch grouped by polars",
        _vpcflow,
    ),
    Way("polars", "polars", "scan_csv(path), grouped", _polars),
    Way("duckdb", "duckdb", "select ... from read_csv(path) group by action", _duckdb),
    Way(
        "flowlogs-reader",
        "flowlogs_reader",
        "FlowRecord of each line, summed in a dictionary",
        _flowlogs_reader,
        slow=True,
    ),
)
