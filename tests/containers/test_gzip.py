"""gzip: every member is read, and damage costs not a byte of what came before it."""

from __future__ import annotations

import gzip
import io
import sys
import tracemalloc
import zlib
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wrapping import (
    LINE,
    PIECES,
    Drip,
    Unwrapped,
    deflated,
    inflated_byte_by_byte,
    log_text,
    unwrapped,
)

import vpcflow.containers.feed
import vpcflow.containers.gzip
from vpcflow.containers import unwrap

TEXTS = st.binary(max_size=200).filter(lambda text: b"{" not in text)  # nothing like an envelope
HEADER = 10  # bytes before the deflate data, as zlib and gzip.compress write it
TRAILER = 8
VERDICTS = {
    "": "",
    "truncated": "truncated: ",
    "garbage": "garbage follows the last member",
    "incorrect data check": "CRC mismatch: ",
    "incorrect length check": "length mismatch: ",
}
"""What the error says for what zlib says; all else is corrupt deflate data."""
LAX_IN_ISAL = {"invalid distances set", "invalid literal/lengths set"}
"""Incomplete Huffman codes: isal goes on where zlib stops, and only the CRC can tell."""
STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)


@pytest.fixture(params=["isal", "zlib"])
def engine(request, monkeypatch):
    """Runs the test with isal and, as where it is not installed, with zlib alone."""
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal", None)
    return request.param


def test_the_engine_is_isal_where_it_is_installed_and_zlib_otherwise(monkeypatch):
    assert vpcflow.containers.gzip._isal().__name__ == "isal.isal_zlib"
    monkeypatch.setitem(sys.modules, "isal", None)
    assert vpcflow.containers.gzip._isal() is None


@given(
    members=st.lists(st.tuples(TEXTS, st.integers(0, 9)), min_size=1, max_size=4),
    padding=st.sampled_from([b"", b"\0", b"\0" * 700, b"\n", b"\r\n"]),
    pieces=PIECES,
    seekable=st.booleans(),
)
def test_all_members_are_read_in_any_pieces(members, padding, pieces, seekable):
    first = LINE  # the beginning decides what is inside
    texts = [first, *(text for text, _ in members)]
    data = deflated(first) + padding
    data += padding.join(deflated(text, level) for text, level in members) + padding
    result = unwrapped(data, pieces, seekable)
    assert result == (b"".join(texts), ("gzip", "text"), None)


def test_padding_and_members_are_read_without_isal_too(engine):
    data = gzip.compress(LINE) + b"\0" * 100_000 + gzip.compress(LINE) + b"\n"
    assert unwrapped(data) == (LINE * 2, ("gzip", "text"), None)


def test_header_fields_are_passed_over(engine):
    body = gzip.compress(LINE)[HEADER:]
    header = b"\x1f\x8b\x08" + bytes([0x04 | 0x08 | 0x10 | 0x02]) + b"\0\0\0\0\0\xff"
    header += b"\x05\x00extra" + b"name.log\0" + b"a comment\0"
    crc = (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    assert unwrapped(header + crc + body, [1]) == (LINE, ("gzip", "text"), None)
    error = unwrapped(header + b"\0\0" + body).error
    assert "corrupt header (CRC mismatch)" in error.message


@pytest.mark.parametrize(
    ("header", "what", "offset"),
    [
        (b"\x1f\x8b", "truncated in the header", 2),
        (b"\x1f\x8b\x08\x08\0\0\0\0\0\xffname", "truncated in the header", 14),
        (b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\xff\xffextra", "truncated in the header", 17),
        (b"\x1f\x8b\x07\x00\0\0\0\0\0\xff", "compression method 7", 0),
        (b"\x1f\x8b\x08\x80\0\0\0\0\0\xff", "flags 0x80", 0),
        (b"\x1f\x8b\x08\x08\0\0\0\0\0\xff" + b"n" * 70_000, "endless file name", 10),
    ],
)
def test_a_bad_header_is_an_error_after_the_members_before_it(header, what, offset):
    good = gzip.compress(LINE)
    alone, second = unwrapped(header), unwrapped(good + header)
    assert (alone.text, second.text) == (b"", LINE)
    assert what in alone.error.message
    assert what in second.error.message
    assert (alone.error.offset, second.error.offset) == (offset, len(good) + offset)


@given(pieces=PIECES, garbage=st.binary(min_size=1, max_size=60))
def test_garbage_after_the_last_member_is_an_error_after_all_records(pieces, garbage):
    data = gzip.compress(LINE * 50)
    result = unwrapped(data + b"\0\0" + b"x" + garbage, pieces)
    assert result.text == LINE * 50
    assert "garbage follows the last member" in result.error.message
    assert result.error.offset == len(data) + 2


@st.composite
def damaged_members(draw):
    text = log_text(draw(st.integers(0, 99)), draw(st.integers(1, 300)))
    data = bytearray(deflated(text, draw(st.integers(0, 9)), draw(st.sampled_from(STRATEGIES))))
    start = draw(st.integers(HEADER, len(data) - 1))
    size = draw(st.integers(1, 300))
    match draw(st.sampled_from(["cut", "flip", "overwrite", "remove", "insert"])):
        case "cut":
            del data[start:]
        case "flip":
            data[start] ^= draw(st.integers(1, 255))
        case "overwrite":
            junk = draw(st.binary(min_size=size, max_size=size))
            data[start : start + size] = junk
        case "remove":
            del data[start : start + size]
        case "insert":
            data[start:start] = draw(st.binary(min_size=1, max_size=size))
    return bytes(data)


def matches(verdict: str, result: Unwrapped) -> bool:
    """Whether the error says what zlib says."""
    if result.error is None:
        return verdict == ""
    expected = VERDICTS.get(verdict, f"corrupt deflate data ({verdict})")
    return verdict != "" and result.error.message.startswith(expected)


@given(data=damaged_members(), pieces=PIECES, seekable=st.booleans())
def test_damage_costs_nothing_that_zlib_decodes_byte_by_byte(data, pieces, seekable):
    text, verdict = inflated_byte_by_byte(data)
    sizes = [size * 50 for size in pieces]
    with mock.patch.dict(sys.modules, {"isal": None}):
        alone = unwrapped(data, sizes, seekable)
    assert alone.text == text
    assert matches(verdict, alone)
    result = unwrapped(data, sizes, seekable)
    if verdict not in LAX_IN_ISAL:
        assert result.text == text
        assert matches(verdict, result)
    else:
        assert result.text.startswith(text)
        crc_is_right = int.from_bytes(data[-TRAILER:-4], "little") == zlib.crc32(result.text)
        assert result.error is not None or crc_is_right


@pytest.mark.usefixtures("engine")
def test_every_possible_cut_is_reported_as_truncated_at_the_end():
    data = deflated(log_text(1, 12))
    for end in range(HEADER, len(data)):
        result = unwrapped(data[:end])
        assert result.text == inflated_byte_by_byte(data[:end])[0]
        assert result.error.message.startswith("truncated")
        assert result.error.offset == end


def test_crc_and_length_mismatch_come_after_the_whole_text(engine):
    data = bytearray(gzip.compress(LINE * 9))
    data[-TRAILER] ^= 1
    result = unwrapped(bytes(data))
    assert result.text == LINE * 9
    assert result.error.message.startswith("CRC mismatch")
    assert result.error.offset == len(data) - TRAILER
    data[-TRAILER] ^= 1
    data[-1] ^= 1
    result = unwrapped(bytes(data))
    assert result.text == LINE * 9
    assert result.error.message.startswith("length mismatch")
    assert result.error.offset == len(data) - 4


def damaged_in_the_middle(lines: int) -> tuple[bytes, int]:
    """A member with a stretch that cannot be decoded, and the offset of that stretch."""
    data = bytearray(deflated(log_text(7, lines)))
    middle = len(data) // 2
    data[middle : middle + 3000] = b"\xff" * 3000
    return bytes(data), middle


@pytest.mark.parametrize("seekable", [True, False])
def test_a_large_damaged_member_is_recovered_up_to_the_byte(seekable):
    data, middle = damaged_in_the_middle(60_000)
    text, verdict = inflated_byte_by_byte(data)
    result = unwrapped(data, seekable=seekable)
    assert result.text == text
    assert result.error.message == f"corrupt deflate data ({verdict})"
    assert middle <= result.error.offset < middle + 4000


def test_a_stream_that_cannot_go_back_loses_at_most_one_small_piece(monkeypatch):
    monkeypatch.setattr(vpcflow.containers.feed, "REMEMBERED", 300_000)
    data, _ = damaged_in_the_middle(60_000)
    text, _ = inflated_byte_by_byte(data)
    result = unwrapped(data, seekable=False)
    assert text.startswith(result.text)
    assert len(text) - len(result.text) <= vpcflow.containers.gzip.SMALL_PIECE
    assert "corrupt deflate data" in result.error.message
    assert "up to 64 KiB of text before it are lost" in result.error.message


def test_a_stream_whose_seek_fails_counts_as_one_that_cannot_go_back():
    class Tape(Drip):
        def seek(self, offset: int, whence: int = 0) -> int:
            raise OSError("not that way")

    data = gzip.compress(log_text(2, 500))[:-3000]
    lines = unwrap(Tape(data, [1000]), source="tape")
    blocks = []
    with pytest.raises(vpcflow.errors.ContainerError, match="truncated"):
        blocks.extend(lines)
    assert log_text(2, 500).startswith(b"".join(blocks))
    assert blocks


def test_what_a_fast_engine_wrongly_refuses_is_still_read(monkeypatch):
    class Faulty:
        error = zlib.error

        def __init__(self):
            self.crc32 = zlib.crc32

        def decompressobj(self, wbits):
            return self

        eof = False
        unconsumed_tail = b""

        def decompress(self, packed, limit):
            raise zlib.error("never works")

    monkeypatch.setattr(vpcflow.containers.gzip, "_isal", Faulty)
    assert unwrapped(gzip.compress(LINE) * 2) == (LINE * 2, ("gzip", "text"), None)


@pytest.mark.usefixtures("engine")
def test_a_bomb_is_read_in_bounded_memory():
    size = 200 * 1024 * 1024
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = packer.compress(LINE)
    for _ in range(size // (1 << 20)):
        bomb += packer.compress(b" " * (1 << 20))
    bomb += packer.flush()
    assert len(bomb) < size // 900
    tracemalloc.start()
    largest = total = 0
    for block in unwrap(io.BytesIO(bomb), source="bomb"):
        largest = max(largest, len(block))
        total += len(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == size + len(LINE)
    assert largest <= 1 << 20
    assert peak < 8 * 1024 * 1024
