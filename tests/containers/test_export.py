"""Exported log streams: one time is taken off a line, wherever a block ends."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wrapping import LINE, PIECES, unwrapped

TIMES = ["2024-01-01T00:00:00.000Z", "2024-12-31T23:59:59Z", "2030-06-15T12:30:45.123456789Z"]
LINES = st.one_of(
    st.sampled_from(
        [
            b"",
            b"plain line",
            b"2024",
            b"2024-01-01T00:00:00.000Z",
            b"2024-01-01T00:00:00.000Zx y",
            b"2024-01-01 00:00:00.000Z x",
            b" 2024-01-01T00:00:00.000Z x",
            b"\r",
        ]
    ),
    st.binary(max_size=50).map(lambda text: text.replace(b"\n", b"").replace(b"{", b"")),
)


@given(
    lines=st.lists(st.tuples(st.sampled_from([None, *TIMES]), LINES), max_size=12),
    last=st.sampled_from([b"\n", b""]),
    bom=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    pieces=PIECES,
)
def test_one_time_is_taken_off_each_line_that_has_one(lines, last, bom, pieces):
    lines = [(TIMES[0], b"first"), *lines]
    stamped = [f"{time} ".encode() + line if time else line for time, line in lines]
    data = bom + b"\n".join(stamped) + last
    expected = b"\n".join(line for _, line in lines) + last
    assert unwrapped(data, pieces) == (expected, ("export",), None)


def test_only_one_time_is_taken_off():
    assert unwrapped(f"{TIMES[0]} {TIMES[1]} x".encode()).text == f"{TIMES[1]} x".encode()


@pytest.mark.parametrize("pieces", [[1], [1 << 20]])
def test_damage_comes_after_everything_before_it(pieces):
    data = gzip.compress(f"{TIMES[0]} ".encode() + LINE + TIMES[1].encode()[:9], compresslevel=0)
    result = unwrapped(data[:-8], pieces)
    assert result.text == LINE + TIMES[1].encode()[:9]
    assert result.containers == ("gzip", "export")
    assert "truncated" in result.error.message
