"""What the values of a result are in JSON, and as text."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def unique(names: Sequence[str]) -> list[str]:
    """The names with `_2`, `_3` behind those that were there before: SQL may give one twice, an
    object in JSON and a Parquet file may not."""
    found: dict[str, None] = {}
    for name in names:
        number, candidate = 1, name
        while candidate in found:
            number += 1
            candidate = f"{name}_{number}"
        found[candidate] = None
    return list(found)


def fitted(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with whole numbers and times in the types that logs have, where that changes no
    value: sums are 128 bits wide and times have microseconds in DuckDB."""
    import pyarrow as pa

    columns = [_fitted(column) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, unique(batch.schema.names))


def _fitted(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    kind = column.type
    wanted = None
    if pa.types.is_decimal(kind) and kind.scale == 0:
        wanted = pa.int64()
    elif pa.types.is_timestamp(kind) and kind.tz is not None:
        wanted = pa.timestamp("ms", "UTC")
    elif pa.types.is_null(kind):
        wanted = pa.string()
    if wanted is None:
        return column
    try:
        return column.cast(wanted)
    except pa.ArrowInvalid:
        return column  # it would change a value


def is_plain(kind: pa.DataType) -> bool:
    """Whether vpcflow's own writer renders a column of that type, as it does columns of logs."""
    import pyarrow as pa

    t = pa.types
    if t.is_timestamp(kind):
        return bool(kind.unit == "ms" and kind.tz is not None)
    if t.is_dictionary(kind):
        return bool(t.is_string(kind.value_type))
    tests = (t.is_string, t.is_string_view, t.is_integer, t.is_boolean, t.is_floating)
    return any(test(kind) for test in tests)


def json_value(value: Any) -> Any:
    """A value of `pylist` as JSON has it; null for what it has no number for (NaN, infinity)."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(key): json_value(member) for key, member in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "nanoseconds"):
        return [json_value(member) for member in value]
    return text_value(value)


def text_value(value: Any) -> str:
    """A value of `pylist` as text, for CSV and tables: times in RFC 3339."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return "".join(f"\\x{byte:02x}" for byte in value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict | list):
        return json.dumps(json_value(value), ensure_ascii=False)
    if isinstance(value, tuple) and hasattr(value, "nanoseconds"):  # pyarrow's MonthDayNano
        return _interval(*value)
    return str(value)


def _interval(months: int, days: int, nanoseconds: int) -> str:
    parts = [f"{months} months"] if months else []
    parts += [f"{days} days"] if days else []
    if nanoseconds or not parts:
        parts.append(str(datetime.timedelta(microseconds=nanoseconds // 1000)))
    return " ".join(parts)


def pylist(column: pa.Array) -> list[Any]:
    """The values of a column as Python objects; times with nanoseconds as text."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        texts: list[Any] = column.cast(pa.string()).to_pylist()
        return texts
    values: list[Any] = column.to_pylist()
    return values
