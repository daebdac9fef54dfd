"""The C encoder against fastavro.schemaless_writer, value by value; and what it refuses."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from random import Random
from typing import Any

import fastavro
import lines
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vpcflow_avro._native import encode
from vpcflow_avro.schema import avro_schema

import vpcflow
from vpcflow.bench.generate import KINDS, generate

# Bulk comes from a seeded Random; what makes a case special is drawn by hypothesis

SPECIAL_TEXTS = ["", "-", "10.0.0.1", "é" * 8, "日本語", "💩" * 20, "\0", "\x1b[2J", "a\nb", '"']


def text(rng: Random) -> str:
    if rng.random() < 0.3:
        return rng.choice(SPECIAL_TEXTS)
    length = rng.choice(
        [rng.randrange(70), rng.choice([15, 16, 17, 31, 32, 33, 63, 64, 8191, 8192])]
    )
    return "".join(rng.choices("ab01.:-é日💩", k=length))


def integer(rng: Random, bits: int, signed: bool) -> int:
    """Of any length in bits, and often beside a power of two: where varints grow by a byte."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    size = 2 ** rng.randrange(bits)
    near = rng.choice([size - 1, size, size + 1, rng.randrange(size), low, high])
    value = near if rng.random() < 0.5 else -near
    return int(min(max(value, low), high, 2**63 - 1))


Draw = Callable[[Random], Any]
TYPES: dict[str, tuple[pa.DataType, Draw]] = {
    **{
        f"{sign}int{n}": (
            pa.type_for_alias(f"{sign}int{n}"),
            lambda rng, n=n, sign=sign: integer(rng, n, not sign),
        )
        for n in (8, 16, 32, 64)
        for sign in ("", "u")
    },
    "bool": (pa.bool_(), lambda rng: rng.random() < 0.5),
    "float32": (pa.float32(), lambda rng: rng.choice([0.0, -0.5, rng.randrange(9999) / 8])),
    "float64": (
        pa.float64(),
        lambda rng: rng.choice([-0.0, math.inf, math.nan, 5e-324, rng.random(), -1e300]),
    ),
    "utf8": (pa.utf8(), text),
    # what Python's datetime can hold, as the oracle is given one
    "time": (pa.timestamp("ms", "UTC"), lambda rng: rng.randrange(-(10**13), 10**14)),
}


@st.composite
def columns(draw: st.DrawFn, rows: int) -> pa.Array:
    """A column with an offset of its own, with or without nulls, in the midst of more rows."""
    before, after = draw(st.integers(0, 70)), draw(st.integers(0, 3))
    name = draw(st.sampled_from([*TYPES, "dictionary"]))
    null = draw(st.sampled_from([0.0, 0.1, 0.9, 1.0]))
    rng = Random(draw(lines.SEEDS))

    def some(size: int, value: Draw) -> list[Any]:
        return [None if rng.random() < null else value(rng) for _ in range(size)]

    size = before + rows + after
    if name == "dictionary":
        array = dictionary(rng, some, size)
    else:
        kind, value = TYPES[name]
        array = pa.array(some(size, value), pa.int64() if name == "time" else kind).cast(kind)
    return array.slice(before, rows)


def dictionary(rng: Random, some: Callable[[int, Draw], list[Any]], size: int) -> pa.Array:
    """dictionary<int32, utf8> whose values hold nulls too, and begin at an offset."""
    length, skipped = rng.randrange(9), rng.randrange(9)
    values = pa.array(some(skipped + length, text), pa.utf8()).slice(skipped)
    indices = some(size, lambda rng: rng.randrange(length)) if length else [None] * size
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), values)


@st.composite
def batches(draw: st.DrawFn) -> pa.RecordBatch:
    rows = draw(st.integers(0, 40))
    arrays = draw(st.lists(columns(rows), min_size=1, max_size=8))
    return pa.RecordBatch.from_arrays(arrays, names=[f"c{i}" for i in range(len(arrays))])


def oracle(batch: pa.RecordBatch) -> list[bytes]:
    """Each record as fastavro encodes it."""
    schema = fastavro.parse_schema(avro_schema(batch.schema))
    records = []
    for record in batch.to_pylist():
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, record)
        records.append(out.getvalue())
    return records


def encoded(batch: pa.RecordBatch, room: int) -> list[tuple[int, bytes]]:
    """Pieces of at most `room` bytes, or of one record: number of records, and their bytes."""
    schema, array = batch.__arrow_c_array__()
    pieces, first, needed = [], 0, room
    while True:
        out = bytearray(b"\xee" * max(room, needed))
        rows, at, needed = encode(schema, array, first, out, 0)
        assert rows > 0 or needed > len(out) or first == batch.num_rows
        assert bool(needed) == (first + rows < batch.num_rows)
        pieces.append((rows, bytes(out[:at])))
        first += rows
        if not needed:
            return pieces


@given(batches(), st.integers(0, 3000))
@settings(max_examples=300)
def test_any_batch_is_encoded_as_fastavro_does(batch: pa.RecordBatch, room: int) -> None:
    pieces = encoded(batch, room)
    wanted = oracle(batch)
    assert sum(rows for rows, _ in pieces) == len(wanted)
    first = 0
    for rows, data in pieces:
        assert data == b"".join(wanted[first : first + rows])
        first += rows


@pytest.mark.parametrize("kind", KINDS)
def test_generated_logs_are_encoded_as_fastavro_does(kind: str) -> None:
    log = generate(kind, lines=4000)
    batch = pa.record_batch(vpcflow.parse(log.data, text="utf8"))
    assert b"".join(data for _, data in encoded(batch, 1 << 16)) == b"".join(oracle(batch))


def test_a_part_of_a_struct_array_is_encoded_from_its_offset() -> None:
    numbers = pa.array([1, None, 3, 4, 5], pa.int32())
    texts = pa.array(["a", "bb", None, "d", "e"])
    whole = pa.StructArray.from_arrays([numbers, texts], ["n", "t"])
    schema, array = whole.slice(1, 3).__arrow_c_array__()
    out = bytearray(1000)
    rows, at, needed = encode(schema, array, 0, out, 0)
    assert (rows, needed) == (3, 0)
    batch = pa.RecordBatch.from_arrays([numbers, texts], ["n", "t"]).slice(1, 3)
    assert bytes(out[:at]) == b"".join(oracle(batch))


def test_what_stands_in_the_buffer_before_the_place_is_left_alone() -> None:
    schema, array = pa.record_batch({"n": [7, 8]}).__arrow_c_array__()
    out = bytearray(b"before" + bytes(200))
    assert encode(schema, array, 1, out, 6) == (1, 8, 0)
    assert out[:8] == b"before\x02\x10"


# Refused


def of(array: pa.Array) -> tuple[object, object]:
    capsules: tuple[object, object] = pa.record_batch({"n": array}).__arrow_c_array__()
    return capsules


def test_an_unsigned_integer_above_avros_is_refused_with_its_place() -> None:
    schema, array = of(pa.array([1, 2**63 - 1, 2**63], pa.uint64()))
    with pytest.raises(ValueError, match="unsigned integer") as caught:
        encode(schema, array, 1, bytearray(500), 0)
    column, row, reason = caught.value.args
    assert (column, row) == (0, 2)
    assert "2^63" in reason


@pytest.mark.parametrize("index", [-1, 2, 2**31 - 1])
def test_an_index_outside_of_its_dictionary_is_refused(index: int) -> None:
    indices = pa.array([0, index], pa.int32())
    damaged = pa.DictionaryArray.from_arrays(indices, ["a", "b"], safe=False)
    with pytest.raises(ValueError, match="index is out of range"):
        encode(*of(damaged), 0, bytearray(500), 0)


@pytest.mark.parametrize("ends", [(0, 4, 3), (0, 100, 3), (3, 0, 3)])
def test_offsets_that_cannot_be_are_refused(ends: tuple[int, ...]) -> None:
    buffers = [None, pa.array(ends, pa.int32()).buffers()[1], pa.py_buffer(b"abc")]
    damaged = pa.Array.from_buffers(pa.utf8(), 2, buffers)
    with pytest.raises((ValueError, TypeError)):
        encode(*of(damaged), 0, bytearray(500), 0)


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a"], pa.string_view()),
        pa.array(["a"], pa.large_utf8()),
        pa.array([b"a"], pa.binary()),
        pa.array([1], pa.timestamp("us", "UTC")),
        pa.array([1], pa.timestamp("ms", "Europe/Berlin")),
        pa.array([1], pa.timestamp("ms")),
        pa.array([[1]], pa.list_(pa.int64())),
        pa.array([{"a": 1}]),
        pa.array([None], pa.null()),
        pa.array(["a"]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.utf8())),
        pa.array([1]).dictionary_encode(),
    ],
    ids=lambda array: str(array.type),
)
def test_other_types_are_refused(array: pa.Array) -> None:
    with pytest.raises(TypeError, match="column 0: "):
        encode(*of(array), 0, bytearray(500), 0)


def test_what_is_no_record_batch_is_refused() -> None:
    schema, array = pa.array([1]).__arrow_c_array__()
    with pytest.raises(TypeError, match="not an Arrow record batch"):
        encode(schema, array, 0, bytearray(500), 0)
    nulls = pa.array([{"n": 1}, None])
    with pytest.raises(TypeError, match="with nulls"):
        encode(*nulls.__arrow_c_array__(), 0, bytearray(500), 0)
    schema, array = of(pa.array([1]))
    with pytest.raises(ValueError, match="PyCapsule_GetPointer"):
        encode(array, schema, 0, bytearray(500), 0)
    pa.RecordBatch._import_from_c_capsule(schema, array)
    with pytest.raises(TypeError, match="consumed already"):
        encode(schema, array, 0, bytearray(500), 0)


@pytest.mark.parametrize(("first", "at"), [(-1, 0), (2, 0), (0, -1), (0, 501)])
def test_places_that_do_not_exist_are_refused(first: int, at: int) -> None:
    with pytest.raises(IndexError):
        encode(*of(pa.array([1])), first, bytearray(500), at)


def test_a_buffer_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(TypeError):
        encode(*of(pa.array([1])), 0, bytes(500), 0)  # type: ignore[arg-type]
