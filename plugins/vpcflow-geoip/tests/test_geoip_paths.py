"""Paths into records: all of them in one reading, which ends when nothing is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vpcflow_geoip._native import _core
from vpcflow_geoip.columns import Column, at
from vpcflow_geoip.database import open_database
from vpcflow_geoip.table import Table
from vpcflow_geoip.writing import write_database

TEXT = 0
KEYS = st.sampled_from(["a", "b", "c", "0", "1", "names"])
RECORDS = st.dictionaries(
    KEYS,
    st.recursive(
        st.sampled_from(["x", "y", "zebra", 5, True]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=12,
    ),
    min_size=1,
)
PATHS = st.lists(KEYS, min_size=1, max_size=3).map(tuple)


def read(path: Path, record: dict[str, Any], columns: list[Column]) -> list[Any]:
    write_database(path, {"9.0.0.0/8": record}, database_type="Any")
    table = Table(open_database(path), columns)
    rows = table.find(_core.addresses(["9.1.2.3"]), 0)
    return [table.column(number, rows)[0].as_py() for number in range(len(columns))]


@given(
    record=RECORDS,
    columns=st.lists(st.lists(PATHS, min_size=1, max_size=3), min_size=1, max_size=5),
)
def test_paths_lead_where_python_says(
    tmp_path_factory: pytest.TempPathFactory,
    record: dict[str, Any],
    columns: list[list[tuple[str, ...]]],
) -> None:
    found = read(
        tmp_path_factory.mktemp("paths") / "any.mmdb",
        record,
        [Column(f"c{n}", TEXT, tuple(paths)) for n, paths in enumerate(columns)],
    )
    for values, paths in zip(found, columns, strict=True):
        texts = [v for path in paths for v in at(record, path) if isinstance(v, str)]
        assert values == next(iter(texts), None)


def test_more_ways_than_there_are_bits(tmp_path: Path) -> None:
    """What is missing is kept in 63 bits; a map of which more is wanted is read to its end."""
    record = {f"k{n}": f"v{n}" for n in range(200)}
    columns = [
        Column(f"c{n}", TEXT, ((f"k{n}",), (f"k{n + 60}",), (f"none{n}",))) for n in range(60)
    ]
    assert read(tmp_path / "wide.mmdb", record, columns) == [f"v{n}" for n in range(60)]
    only_last = {"first": "x", **{f"k{n}": f"v{n}" for n in range(60, 200)}}
    assert read(tmp_path / "last.mmdb", only_last, columns) == [f"v{n + 60}" for n in range(60)]


def test_values_behind_the_last_that_is_wanted_do_not_matter(tmp_path: Path) -> None:
    record = {"a": {"b": "here", "c": ["x"] * 20}, "b": "too"}
    columns = [Column("c", TEXT, (("a", "b"),))]
    assert read(tmp_path / "early.mmdb", record, columns) == ["here"]
