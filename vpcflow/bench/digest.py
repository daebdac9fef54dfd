"""What a reader read, in a few numbers: two readers with equal digests read the same table.

Of an integer column the nulls and the sum; of a text column the nulls, the number of distinct
values and a hash over values and how often each occurs; beside them the bytes by action, which
ties columns to rows. None of it depends on the order of rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from importlib import import_module
from typing import Any
from urllib.parse import unquote_to_bytes

from attrs import frozen

from vpcflow.fields import Field

BY_ACTION = "bytes by action"

Counted = Iterable[tuple[str | None, int]]
"""Distinct values of a text column with the number of times each occurs."""


@frozen
class Digest:
    """The digest of a table: its rows, and by column name a tuple to be compared as a whole."""

    rows: int
    columns: Mapping[str, tuple[object, ...]]

    def difference(self, other: Digest) -> str:
        """Where two tables differ, in words; empty if they are equal."""
        if self.rows != other.rows:
            return f"{self.rows:,} rows, expected {other.rows:,}"
        names = [*self.columns, *(name for name in other.columns if name not in self.columns)]
        wrong = [name for name in names if self.columns.get(name) != other.columns.get(name)]
        return f"differs in {', '.join(wrong)}" if wrong else ""


def of_integers(nulls: int, total: int) -> tuple[object, ...]:
    """The digest of an integer column, and of a time column by its milliseconds since 1970."""
    return nulls, int(total)


def of_texts(field: Field, values: Counted) -> tuple[object, ...]:
    """The digest of a text column. A tag's text may come as it is in the log or decoded: AWS
    percent-encodes tag values, which no peer undoes."""
    nulls = distinct = digest = 0
    for value, count in values:
        if value is None:
            nulls += count
            continue
        text = unquote_to_bytes(value) if field.kind == "tag" else value.encode()
        distinct += 1
        digest += count * int.from_bytes(blake2b(text, digest_size=8).digest(), "little")
    return nulls, distinct, digest % 2**64


def of_actions(sums: Iterable[tuple[str | None, int | None]]) -> tuple[object, ...]:
    """The digest of bytes by action."""
    return tuple(sorted((action or "-", int(total or 0)) for action, total in sums))


def of_columns(fields: Sequence[Field], columns: Mapping[str, Sequence[Any]]) -> Digest:
    """The digest of columns of Python values: int, str, None, and for times datetimes (UTC if
    they do not say) or milliseconds."""
    digests: dict[str, tuple[object, ...]] = {}
    for field in fields:
        values = columns[field.name]
        if field.type == "utf8":
            digests[field.name] = of_texts(field, Counter(values).items())
            continue
        numbers = [_number(value) for value in values if value is not None]
        digests[field.name] = of_integers(len(values) - len(numbers), sum(numbers))
    if "action" in columns and "bytes" in columns:
        sums: Counter[str | None] = Counter()
        for action, octets in zip(columns["action"], columns["bytes"], strict=True):
            sums[action] += octets or 0
        digests[BY_ACTION] = of_actions(sums.items())
    return Digest(len(columns[fields[0].name]), digests)


def of_arrow(fields: Sequence[Field], table: Any) -> Digest:
    """The digest of a pyarrow table; times may be in any unit."""
    pa, pc = import_module("pyarrow"), import_module("pyarrow.compute")
    digests: dict[str, tuple[object, ...]] = {}
    for field in fields:
        column = table[field.name]
        if field.type == "utf8":
            counts = pc.value_counts(column.cast(pa.string()))
            pairs = zip(*(part.to_pylist() for part in counts.flatten()), strict=True)
            digests[field.name] = of_texts(field, pairs)
            continue
        if field.kind == "time":
            column = column.cast(pa.timestamp("ms", "UTC"))
        total = pc.sum(column.cast(pa.int64())).as_py() or 0
        digests[field.name] = of_integers(column.null_count, total)
    if {"action", "bytes"} <= set(table.column_names):
        pair = pa.table({"action": table["action"].cast(pa.string()), "bytes": table["bytes"]})
        sums = pair.group_by("action").aggregate([("bytes", "sum")]).to_pydict()
        digests[BY_ACTION] = of_actions(zip(sums["action"], sums["bytes_sum"], strict=True))
    return Digest(table.num_rows, digests)


def _number(value: int | datetime) -> int:
    if isinstance(value, int):
        return value
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1_000)
