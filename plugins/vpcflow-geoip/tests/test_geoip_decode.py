"""Data of every type and shape, against `maxminddb`; and files that `mmdb_writer` wrote."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import maxminddb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import (
    MmdbF32,
    MmdbF64,
    MmdbI32,
    MmdbU16,
    MmdbU32,
    MmdbU64,
    MmdbU128,
    MMDBWriter,
)
from netaddr import IPSet
from vpcflow_geoip._native import _core
from vpcflow_geoip.database import open_database
from vpcflow_geoip.writing import encode, write_database

VALUES = st.recursive(
    st.one_of(
        st.text(max_size=40),
        st.binary(max_size=40),
        st.booleans(),
        st.integers(-(2**31), 2**128 - 1),
        st.floats(allow_nan=False),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=12), inner, max_size=5)
    ),
    max_leaves=25,
)


@given(VALUES)
def test_values_come_back(value: Any) -> None:
    written = encode(value)
    assert _core.decode(written, 0, len(written), 0) == value


@given(record=st.dictionaries(st.text(max_size=12), VALUES, min_size=1, max_size=6))
def test_records_with_pointers_come_back(
    tmp_path_factory: pytest.TempPathFactory, record: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("records") / "one.mmdb"
    twice = {"first": record, "second": dict(record)}
    write_database(path, {"9.0.0.0/8": twice}, database_type="Any")
    assert open_database(path).records() == [twice]
    with maxminddb.open_database(path) as reader:
        assert reader.get("9.1.2.3") == twice


@pytest.mark.parametrize("size", [28, 29, 284, 285, 65820, 65821, 70000])
def test_sizes_at_the_steps_of_their_encoding(tmp_path: Path, size: int) -> None:
    record = {"text": "x" * size, "list": [True] * min(size, 300)}  # maxminddb refuses long lists
    write_database(tmp_path / "big.mmdb", {"9.0.0.0/8": record}, database_type="Any")
    assert open_database(tmp_path / "big.mmdb").records() == [record]
    with maxminddb.open_database(tmp_path / "big.mmdb") as reader:
        assert reader.get("9.1.2.3") == record


def test_every_type_of_the_format_as_another_writer_writes_it(tmp_path: Path) -> None:
    record = {
        "f32": MmdbF32(1.1),
        "f64": MmdbF64(-2.5e300),
        "i32": MmdbI32(-(2**31)),
        "u16": MmdbU16(65535),
        "u32": MmdbU32(2**32 - 1),
        "u64": MmdbU64(2**64 - 1),
        "u128": MmdbU128(2**128 - 1),
        "zero": MmdbU32(0),
        "list": ["a", {"b": [1, 2]}],
        "bytes": b"\x00\xff",
        "yes": True,
        "no": False,
    }
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Any")
    writer.insert_network(IPSet(["9.0.0.0/8", "2a00::/20"]), record)
    writer.to_db_file(str(tmp_path / "all.mmdb"))
    (ours,) = open_database(tmp_path / "all.mmdb").records()
    with maxminddb.open_database(tmp_path / "all.mmdb") as reader:
        theirs = reader.get("9.1.2.3")
    assert ours == theirs
    assert ours["f32"] != 1.1
    assert math.isclose(ours["f32"], 1.1, rel_tol=1e-7)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "past the end"),
        (b"\x45abcd", "past the end"),
        (b"\x5d", "past the end"),
        (b"\x28\x01", "past the end"),
        (b"\x20\x00", "a pointer leads to a pointer"),
        (b"\x20\x09", "past the end"),
        (b"\x00\x00", "type that format 2.0 does not know"),
        (b"\x00\x05", "type that format 2.0 does not know"),
        (b"\x00\x06", "type that format 2.0 does not know"),
        (b"\x00\x09", "type that format 2.0 does not know"),
        (b"\x02\x07", "neither 0 nor 1"),
        (b"\x67" + bytes(7), "not of 8 bytes"),
        (b"\x03\x08" + bytes(3), "not of 4 bytes"),
        (b"\xa3" + bytes(3), "more bytes than its type"),
        (b"\x09\x02" + bytes(9), "more bytes than its type"),
        (b"\xe1\xa1\x01\xa1\x01", "not a string"),
        (b"\x42\xc3\x28", "codec can't decode"),
        (b"\xe1\x41a" * 600 + b"\xe0", "nested more than 512 deep"),
    ],
)
def test_damaged_values_are_said_to_be_so(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        _core.decode(data, 0, len(data), 0)


def test_a_record_that_grows_without_end_is_refused() -> None:
    """Each list holds the one before ten times: a few hundred bytes for 10^12 values."""
    data = bytearray(b"\xa0")
    place = 0
    for _ in range(12):
        pointer = (0x2000 | place).to_bytes(2)
        place = len(data)
        data += b"\x0a\x04" + pointer * 10
    with pytest.raises(ValueError, match="more than a million values"):
        _core.decode(bytes(data), 0, len(data), place)


def test_a_map_that_holds_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="nested more than 512 deep"):
        _core.decode(b"\xe1\x41a\x20\x00", 0, 5, 0)


@pytest.mark.parametrize("bounds", [(-1, 2, 0), (0, 9, 0), (2, 1, 0), (0, 2, -1)])
def test_sections_outside_of_the_file_are_refused(bounds: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="outside of the file"):
        _core.decode(b"\xa1\x01", *bounds)
