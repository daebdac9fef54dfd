"""Any records, written and read again, are the same; any condition means what it means for text."""

from __future__ import annotations

import io
import ipaddress
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import lines
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from checks import in_milliseconds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vpcflow_parquet.conditions import packed_address

import vpcflow
from vpcflow.errors import ContainerError
from vpcflow.fields import FIELDS, Field
from vpcflow.flow_format import FlowFormat
from vpcflow.testing import HOSTILE
from vpcflow.testing import lines as good_lines

Written = Callable[..., bytes]
RowsOf = Callable[..., list[dict[str, Any]]]

FORMATS = lines.formats(max_size=12)
BY_DEFAULT = settings(deadline=None, suppress_health_check=list(HealthCheck))


def parsed(text: bytes, fmt: FlowFormat, where: Any = None) -> list[dict[str, Any]]:
    batch = vpcflow.parse(text, format=fmt, where=where, text="utf8", on_error="raise")
    return pa.table(batch).to_pylist()  # type: ignore[no-any-return]


def whole_seconds(row: dict[str, Any]) -> dict[str, Any]:
    return {n: v.replace(microsecond=0) if isinstance(v, datetime) else v for n, v in row.items()}


@settings(BY_DEFAULT, max_examples=120)
@given(st.data())
def test_records_come_back(written: Written, rows_of: RowsOf, data: st.DataObject) -> None:
    fmt = data.draw(FORMATS)
    text = data.draw(good_lines(fmt, max_size=40))
    batch = pa.record_batch(vpcflow.parse(text, format=fmt, text="utf8", on_error="raise"))
    cuts = data.draw(lines.chunkings(batch.num_rows))
    at, parts = 0, []
    for size in cuts:
        parts.append(batch.slice(at, size))
        at += size
    file = written(
        [*parts, batch.slice(0, 0)],
        row_group=data.draw(st.integers(1, 50)),
        **data.draw(st.sampled_from([{}, {"compression": "none", "level": None}])),
    )
    assert rows_of(file) == batch.to_pylist()
    assert polars.read_parquet(io.BytesIO(file)).to_dicts() == batch.to_pylist()
    start = data.draw(st.integers(0, batch.num_rows + 1))
    assert rows_of(file, start=start) == batch.to_pylist()[start:]


@settings(BY_DEFAULT, max_examples=120)
@given(st.data())
def test_conditions_mean_what_they_mean_for_text(
    written: Written, rows_of: RowsOf, data: st.DataObject
) -> None:
    fmt = data.draw(FORMATS)
    text = data.draw(documents(fmt))
    rows = parsed(text, fmt)
    where = data.draw(conditions(fmt, rows))
    wanted = parsed(text, fmt, where)
    batch = pa.record_batch(vpcflow.parse(text, format=fmt, text="utf8"))
    file = written([batch], row_group=data.draw(st.integers(1, 30)))
    assert rows_of(file, where=where) == wanted


@settings(BY_DEFAULT, max_examples=120)
@given(st.data())
def test_conditions_on_files_of_others(rows_of: RowsOf, data: st.DataObject) -> None:
    """The tokens of lines as a file that AWS could have written, with all ways to say nothing."""
    fmt = data.draw(FORMATS)
    text = data.draw(documents(fmt)).replace(b"None", b"none")
    rows = parsed(text, fmt)
    where = data.draw(conditions(fmt, rows))
    file = data.draw(as_others_write(text, fmt))
    assert rows_of(file, where=where) == parsed(text, fmt, where)
    assert rows_of(file) == rows


def documents(fmt: FlowFormat) -> st.SearchStrategy[bytes]:
    """Realistic records, with the many equal values that they have, or any that can be parsed."""
    usual = lines.SEEDS.map(lambda seed: lines.text(lines.records(seed, fmt, 60)))
    return st.one_of(usual, good_lines(fmt, max_size=30))


@st.composite
def conditions(draw: st.DrawFn, fmt: FlowFormat, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of values that occur, of values beside them, and of some that need not occur."""
    found = [{name: in_milliseconds(value) for name, value in row.items()} for row in rows]
    where: dict[str, Any] = {}
    kinds = draw(st.sampled_from([["beside"], ["beside"], ["usual"], ["any"], ["usual", "any"]]))
    if "usual" in kinds:
        where |= draw(lines.filters(fmt, found))
    if "beside" in kinds:
        numbers = [field for field in fmt.fields if field.type != "utf8"]
        field = draw(st.sampled_from([*fmt.fields, *numbers]))
        where[field.name] = draw(_beside(field, [row[field.name] for row in rows]))
    if "any" in kinds:
        field = draw(st.sampled_from(list(FIELDS.values())))
        where[field.name] = draw(_anything_for(field))
    return where


def _beside(field: Field, values: list[Any]) -> st.SearchStrategy[Any]:
    """Bounds that just take in a value, or just do not."""
    present = [value for value in values if value is not None]
    if field.kind == "address":
        present = [value for value in present if lines.is_address(value)]
    if not present or (field.type == "utf8" and field.kind != "address"):
        return st.sampled_from([None, [None], *present])
    one = st.sampled_from(present)
    if field.kind == "address":
        near: Any = st.tuples(one, st.integers(0, 3)).map(lambda pair: _network(*pair))
        return st.one_of(near, st.lists(st.one_of(near, st.none()), max_size=3))
    step = timedelta(milliseconds=1) if field.kind == "time" else 1
    near = st.tuples(one, st.integers(-1, 1)).map(lambda pair: pair[0] + pair[1] * step)
    around = st.tuples(one, st.integers(-2, 0), st.integers(0, 2)).map(
        lambda drawn: (drawn[0] + drawn[1] * step, drawn[0] + drawn[2] * step)
    )
    several = st.lists(st.one_of(near, around, st.none()), max_size=3)
    return st.one_of(near, around, st.tuples(near, st.none()), several)


def _network(address: str, host_bits: int) -> str:
    bits = ipaddress.ip_address(address).max_prefixlen
    return str(ipaddress.ip_network(f"{address}/{bits - host_bits}", strict=False))


def _anything_for(field: Field) -> st.SearchStrategy[Any]:
    if field.kind == "address":
        some = st.sampled_from(["10.0.0.0/9", "0.0.0.0/0", "::/0", "fe80::/10", "::ffff:0:0/96"])
        return st.one_of(some, st.lists(st.one_of(some, st.none()), max_size=2))
    if field.type == "utf8":
        some = st.sampled_from([*HOSTILE, "OK", "unknown", "-", "None", ""])
        return st.one_of(some, st.lists(st.one_of(some, st.none()), max_size=3))
    if field.kind == "time":
        moment = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
            lambda at: at.isoformat(timespec="milliseconds") + "Z"
        )
        bound = st.one_of(st.none(), moment, st.integers(-5, 2**40))
        return st.one_of(st.none(), moment, st.tuples(bound, bound), st.lists(moment, max_size=2))
    number = st.one_of(st.integers(-2, 300), st.integers(-(2**70), 2**70))
    end = st.one_of(st.none(), number)
    return st.one_of(number, st.tuples(end, end), st.lists(st.one_of(number, end), max_size=3))


@st.composite
def as_others_write(draw: st.DrawFn, text: bytes, fmt: FlowFormat) -> bytes:
    tokens = [line.split() for line in text.splitlines()]
    columns = {
        field.aws_name: draw(_column([row[i].decode() for row in tokens], field))
        for i, field in enumerate(fmt.fields)
    }
    out = io.BytesIO()
    statistics = draw(st.booleans())
    size = draw(st.integers(1, 40))
    pq.write_table(pa.table(columns), out, row_group_size=size, write_statistics=statistics)
    return out.getvalue()


def _column(values: list[str], field: Field) -> st.SearchStrategy[Any]:
    if field.type == "utf8":
        missing = [None if value == "-" else value for value in values]
        named = ["None" if value == "-" else value for value in values]
        return st.sampled_from(
            [
                pa.array(values, pa.utf8()),
                pa.array(missing, pa.utf8()),
                pa.array(named, pa.utf8()),
                pa.array(values, pa.utf8()).dictionary_encode(),
                pa.array([value.encode() for value in values], pa.binary()),
            ]
        )
    numbers = [None if value == "-" else int(value) for value in values]
    kinds = [
        pa.array(numbers, pa.int64()),
        pa.array(numbers, pa.uint64()),
        pa.array(values, pa.utf8()),
    ]
    if field.type == "int32":
        kinds += [pa.array(numbers, pa.int32()), pa.array(numbers, pa.float64())]
    if field.kind == "time":
        times = [None if n is None else n * (1000 if n < 10**10 else 1) for n in numbers]
        kinds.append(pa.array(times, pa.timestamp("ms", "UTC")))
        kinds.append(pa.array(times, pa.timestamp("ms", "UTC")).cast(pa.timestamp("us", "UTC")))
    return st.sampled_from(kinds)


# Addresses


@settings(BY_DEFAULT, max_examples=500)
@given(
    st.one_of(
        st.ip_addresses().map(str),
        st.text("0123456789abcdefABCDEF:.%/ \0x", max_size=46),
        st.text(max_size=20),
        st.sampled_from(HOSTILE),
    )
)
def test_what_is_an_address_is_what_the_kernel_takes_for_one(text: str) -> None:
    if not text or any(c in " \t\n\r" for c in text) or text == "-":
        return
    fmt = FlowFormat.parse("srcaddr dstport")
    everything = {"srcaddr": ["0.0.0.0/0", "::/0"]}
    line = text.encode("utf-8", "replace") + b" 1\n"
    found = vpcflow.parse(line, format=fmt, where=everything, on_error="raise")
    assert (packed_address(text) is not None) == (len(found) == 1)


def test_the_latest_time_of_13_digits(written: Written, rows_of: RowsOf) -> None:
    batch = pa.record_batch({"end": pa.array([9_999_999_999_999], pa.timestamp("ms", "UTC"))})
    (row,) = rows_of(written([batch]))
    assert row["end"] - datetime.fromisoformat("2286-11-20T17:46:39Z") == timedelta(
        milliseconds=999
    )


# Damage of any kind


@pytest.fixture(scope="module")
def file(written: Written, batch: pa.RecordBatch) -> bytes:
    return written([batch.slice(0, 300)], row_group=100)


@settings(BY_DEFAULT, max_examples=300)
@given(st.data())
def test_spoilt_files_give_records_or_an_error_that_names_them(
    file: bytes, rows_of: RowsOf, batch: pa.RecordBatch, data: st.DataObject
) -> None:
    spoilt = bytearray(file)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(
            st.one_of(st.integers(0, len(file) - 1), st.integers(len(file) - 9000, len(file) - 1))
        )
        spoilt[at] = data.draw(st.integers(0, 255))
    source = "flow.parquet"
    try:
        assert len(rows_of(bytes(spoilt), ["srcaddr", "bytes"])) <= 300
    except ContainerError as error:
        source = error.source
    assert source == "flow.parquet"
