"""How tests compare what the package gives with what the oracle says: by rows and by columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from oracle import OracleResult

from vpcflow.fields import FIELDS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEPT = 1000  # rejected lines that a batch keeps; it counts all
TEXT_MODES = ("view", "utf8", "dictionary")


def row(record: Any) -> dict[str, Any]:
    """A FlowRecord as the oracle writes it: times as milliseconds."""
    return {name: in_milliseconds(value) for name, value in record.asdict().items()}


def in_milliseconds(value: Any) -> Any:
    if isinstance(value, datetime):
        assert value.utcoffset() == timedelta(0)
        return (value - EPOCH) // timedelta(milliseconds=1)
    return value


def columns(batch: Any) -> dict[str, list[Any]]:
    """What pyarrow reads from a batch or stream, column by column; times as milliseconds."""
    table = pa.table(batch)
    table.validate(full=True)
    return {name: values(table.column(name)) for name in table.column_names}


def values(column: Any) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return list(column.to_pylist())


def expected_columns(expected: OracleResult) -> dict[str, list[Any]]:
    names = expected.records[0] if expected.records else ()
    return {name: [record[name] for record in expected.records] for name in names}


def arrow_type(name: str, text: str) -> pa.DataType:
    """The type that a column has in the text mode, from the table of fields."""
    field = FIELDS.get(name)
    if field is not None and field.type != "utf8":
        times = pa.timestamp("ms", tz="UTC")
        return times if field.kind == "time" else pa.type_for_alias(field.type)
    in_dictionary = text == "dictionary" or (text == "view" and field and field.dictionary)
    if in_dictionary:
        return pa.dictionary(pa.int32(), pa.utf8())
    return pa.utf8() if text == "utf8" else pa.string_view()


def schema_of(batch: Any) -> dict[str, pa.DataType]:
    schema = pa.schema(batch)
    return dict(zip(schema.names, schema.types, strict=True))


def same(batches: Iterable[Any], expected: OracleResult) -> None:
    """The batches together hold the expected records, counts and rejected lines."""
    batches = list(batches)
    full = [batch for batch in batches if len(batch)]
    assert [row(record) for batch in full for record in batch] == expected.records
    tables = [columns(batch) for batch in full]
    for name, wanted in expected_columns(expected).items():
        assert [value for table in tables for value in table[name]] == wanted, name
    same_counts(batches, expected)


def same_counts(batches: Sequence[Any], expected: OracleResult) -> None:
    totals = {name: sum(b.counts[name] for b in batches) for name in expected.counts}
    assert totals == expected.counts
    reasons: dict[str, int] = {}
    for batch in batches:
        assert set(batch.counts) == set(expected.counts)
        for reason, count in batch.rejected_by_reason.items():
            reasons[reason] = reasons.get(reason, 0) + count
    assert {reason: count for reason, count in reasons.items() if count} == (
        expected.rejected_by_reason
    )
    same_rejected([line for batch in batches for line in batch.rejected], expected)


def same_rejected(lines: Sequence[Any], expected: OracleResult) -> None:
    """All facts agree, for the first 1,000; the source's name is what it is, but one."""
    assert len({line.source for line in lines}) <= 1
    facts = [(r.line_number, r.byte_offset, r.reason, r.field, r.text) for r in lines]
    wanted = [(r.line_number, r.byte_offset, r.reason, r.field, r.text) for r in expected.rejected]
    assert facts[:KEPT] == wanted[:KEPT]
    assert len(facts) >= min(KEPT, len(wanted))
