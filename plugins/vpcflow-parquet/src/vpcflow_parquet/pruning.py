"""Row groups that cannot hold what is wanted, by the statistics of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

from vpcflow.where import Condition
from vpcflow_parquet.opened import Column

_PER_MILLISECOND = {"us": 1000, "ns": 1_000_000}


def may_hold(group: Any, column: Column | None, condition: Condition) -> bool:
    """Whether a row group may hold rows that meet a condition. group: its metadata. Where the
    statistics do not say for certain, it may."""
    if column is None:
        return condition.null
    statistics = group.column(column.leaf).statistics
    if statistics is None or not statistics.has_min_max:
        return True
    if condition.null and not (statistics.has_null_count and statistics.null_count == 0):
        return True
    bounds = _bounds(statistics, column)
    if bounds is None:
        return True
    least, most = bounds
    ranges = cast("Sequence[tuple[int, int]]", condition.alternatives)
    return any(low <= most and least <= high for low, high in ranges)


def _bounds(statistics: Any, column: Column) -> tuple[int, int] | None:
    """The least and the greatest value as records have them, times in milliseconds; None if they
    are not integers, or cannot be told."""
    held = column.type
    if pa.types.is_timestamp(held):
        return _in_milliseconds(statistics.min_raw, statistics.max_raw, held.unit)
    if not pa.types.is_signed_integer(held):
        return None
    least, most = statistics.min_raw, statistics.max_raw
    if column.field.kind != "time":
        return (least, most) if column.field.type != "utf8" else None
    digits = {len(str(least)), len(str(most))}
    if digits == {10}:
        return least * 1000, most * 1000
    return (least, most) if digits == {13} else None


def _in_milliseconds(least: Any, most: Any, unit: str) -> tuple[int, int] | None:
    if not isinstance(least, int) or not isinstance(most, int):
        return None  # INT96 has no order, and no statistics that could be trusted
    if unit == "s":
        return least * 1000, most * 1000
    divisor = _PER_MILLISECOND.get(unit, 1)
    return least // divisor, most // divisor + 1
