"""Kernel = oracle: for every kernel of this machine, every text mode, every way of feeding.

The oracle is tests/oracle.py. A difference found here is a bug of one of the two; the shrunk
example says which.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import permutations, product
from pathlib import Path
from random import Random
from typing import Any

import checks
import lines
import oracle
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vpcflow
from vpcflow import FIELDS, FlowFormat, FormatError, _native

DEFAULT = FlowFormat.default()
CHUNKS = (1, 2, 3, 7, 13, 63, 64, 65, 4095, 4096, 4097)
PIECE = 32 * 1024  # text is decoded in pieces of about this size; nothing may depend on it


@pytest.fixture(params=_native.kernels(), scope="module", autouse=True)
def kernel(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every test of this file runs once with each kernel."""
    _native.force(request.param)
    yield request.param
    _native.force(None)


# One call


def check_parse(data: bytes, texts: Sequence[str] = checks.TEXT_MODES, **options: Any) -> Any:
    """parse() and the oracle agree, also on refusing the format."""
    try:
        expected = oracle.read(data, **options, one_format=True)
    except FormatError:
        with pytest.raises(FormatError):
            vpcflow.parse(data, **options)
        return None
    for text in texts:
        batch = vpcflow.parse(data, text=text, **options)
        checks.same([batch], expected)
        check_shape(batch, expected, text, options.get("columns"))
    return expected


def check_shape(batch: Any, expected: Any, text: str, columns: Sequence[str] | None) -> None:
    assert len(batch) == len(expected.records)
    assert batch.format_source == expected.format_source
    names = (
        columns if columns is not None else expected.formats[0].names if expected.formats else ()
    )
    assert batch.column_names == tuple(names)
    types = {name: checks.arrow_type(name, text) for name in names}
    assert checks.schema_of(batch) == types


@given(st.data())
def test_any_text_of_any_format_gives_the_oracles_columns(data: st.DataObject) -> None:
    format = data.draw(lines.formats())
    check_parse(data.draw(lines.documents(format)), format=format)


@given(st.data())
def test_text_without_a_given_format_has_that_of_its_header_or_is_refused(
    data: st.DataObject,
) -> None:
    check_parse(data.draw(lines.documents(data.draw(lines.formats()))))


@given(st.data())
def test_only_projected_and_filter_columns_are_decoded(data: st.DataObject) -> None:
    format = data.draw(lines.formats())
    document = data.draw(lines.documents(format))
    rows = read_or_nothing(document, format)
    columns = data.draw(lines.projections(format))
    where = data.draw(lines.filters(format, rows))
    check_parse(document, format=format, columns=columns, where=where)


def read_or_nothing(document: bytes, format: FlowFormat | None) -> list[dict[str, Any]]:
    try:
        return oracle.read(document, format).records
    except FormatError:
        return []


@given(st.lists(st.sampled_from(lines.SPOILT), max_size=40), st.sampled_from(checks.TEXT_MODES))
def test_any_values_in_one_column_of_text(values: list[bytes], text: str) -> None:
    for name in ("vpc_id", "srcaddr", "instance_tag"):
        check_parse(lines.text(values), [text], format=name)


@given(st.binary(max_size=300))
def test_any_bytes_at_all(data: bytes) -> None:
    for format in (None, "srcaddr", "start", "dstport bytes", "instance-tag log-status"):
        check_parse(data, ["view"], format=format)


# Every value in every field


@pytest.mark.parametrize("format", [DEFAULT, lines.EVERY_FIELD], ids=["default", "every field"])
def test_every_spoilt_value_in_every_field(format: FlowFormat) -> None:
    expected = spoilt_everywhere(format)[1]
    assert set(expected.rejected_by_reason) >= {"not-an-integer", "out-of-range", "not-utf8"}
    for text in checks.TEXT_MODES:
        checks.same(
            [vpcflow.parse(spoilt_everywhere(format)[0], format=format, text=text)], expected
        )


@lru_cache
def spoilt_everywhere(format: FlowFormat) -> tuple[bytes, Any]:
    rows = []
    for number in range(len(format)):
        good = lines.record(Random(number), format).split(b" ")
        values = lines.SPOILT if len(format) < 20 else lines.SPOILT[number % 3 :: 3]
        rows += [b" ".join([*good[:number], v, *good[number + 1 :]]) for v in values]
    data = lines.text(rows)
    return data, oracle.read(data, format)


@pytest.mark.parametrize("column", ["bytes", "dstport", "protocol", "tcp_flags", "start"])
def test_every_number_of_digits_with_one_byte_wrong_anywhere(column: str) -> None:
    """Digits are decoded many at a time: any length, any neighbour, any byte, at any place."""
    data, expected = digits(column)
    assert {"not-an-integer", "out-of-range"} <= set(expected.rejected_by_reason)
    format = f"srcaddr {column} action"
    checks.same([vpcflow.parse(data, format=format)], expected)


@lru_cache
def digits(column: str) -> tuple[bytes, Any]:
    wrong = [bytes([b]) for b in b"/:;-+.aAfx\x00\x01\x0f\x7f\x80\xb0\xb9\xff@P?"]
    values = []
    for length in range(1, 22):
        number = b"1234567890123456789012"[:length]
        values += [number, b"9" * length, b"0" * length, b"1" + b"0" * (length - 1)]
        values += [number[:at] + w + number[at + 1 :] for at in range(length) for w in wrong]
    before = [b"10.0.0.1", b"1.2.3.4", b"-", b"7", b"2001:db8::1"]
    rows = [b" ".join([before[n % 5], value, b"ACCEPT"]) for n, value in enumerate(values)]
    data = lines.text(rows)
    return data, oracle.read(data, f"srcaddr {column} action")


def test_every_byte_at_every_place_of_a_line() -> None:
    data, expected = bytes_everywhere()
    assert len(expected.rejected_by_reason) >= 4
    checks.same([vpcflow.parse(data, format=lines.SMALL_FORMAT)], expected)


@lru_cache
def bytes_everywhere() -> tuple[bytes, Any]:
    line = b"eni-1235b8ca123456789 2001:db8::1:2:3:4 443 4249 1418530010 ACCEPT"
    rows = [
        line[:place] + bytes([byte]) + line[place + 1 :]
        for place in range(len(line))
        for byte in range(256)
    ]
    data = lines.text(rows)
    return data, oracle.read(data, lines.SMALL_FORMAT)


# Sizes and places


@pytest.mark.parametrize("fields", [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 54, 71, 72])
def test_formats_of_every_width(fields: int) -> None:
    format = FlowFormat(lines.EVERY_FIELD.fields[:fields])
    check_parse(lines.text(lines.records(fields, format, 40)), format=format)


def test_every_number_of_rows_around_the_sizes_of_internal_groups() -> None:
    rows = [b"%d" % (n % 300) for n in range(1100)]
    for count in [*range(140), *range(500, 530), *range(1015, 1035)]:
        check_parse(lines.text(rows[:count]), ["view"], format="protocol")


@pytest.mark.parametrize("header", [False, True])
def test_a_text_cut_after_every_byte(header: bool) -> None:
    format = lines.SMALL_FORMAT
    rows = [
        b"eni-1235b8ca123456789 10.0.0.1 443 4249 1418530010 ACCEPT",
        b"eni-1235b8ca123456789 fd12:3456:789a:bcde:f012:3456:789a:bcde 80 1 1418530010 -\r",
        b"-  10.0.0.2\t53 0 1418530010000 REJECT ",
    ]
    data = (lines.header(format) + b"\r\n" if header else b"") + lines.text(rows)
    for size in range(len(data) + 1):
        check_parse(data[:size], ["view"], format=None if header else format)
    for size in range(4):
        check_parse((lines.BOM + data)[:size], ["view"], format=format)


def test_lines_that_lie_across_every_boundary() -> None:
    """The same lines, moved on byte by byte: the same records, whatever is cut where."""
    rows = lines.records(1, DEFAULT, 1300)
    rows[::50] = [row + b" more" for row in rows[::50]]
    data = lines.text(rows)
    assert len(data) > 4 * PIECE
    expected = oracle.read(data, DEFAULT)
    columns = checks.expected_columns(expected)
    offsets = [line.byte_offset for line in expected.rejected]
    for shift in range(130):
        batch = vpcflow.parse(b" " * shift + b"\n" + data, format=DEFAULT)
        assert checks.columns(batch) == columns, shift
        assert [line.byte_offset - shift - 1 for line in batch.rejected] == offsets


@pytest.mark.parametrize("every", [1, 2, 3, 40, 400])
def test_long_texts_in_which_every_so_many_lines_are_spoilt(every: int) -> None:
    data, expected = long_text(every)
    assert len(data) > 200_000
    assert expected.rejected or every == 1
    for text in checks.TEXT_MODES:
        checks.same([vpcflow.parse(data, format=DEFAULT, text=text)], expected)


@lru_cache
def long_text(every: int) -> tuple[bytes, Any]:
    rng = Random(every)
    rows = lines.records(every, DEFAULT, 2200)
    edits = [name for name in lines.EDITS if name != "many short fields"]
    for number in range(0, len(rows), every):
        name = rng.choice([*edits, *["spoil a value"] * 20])
        rows[number] = lines.EDITS[name](rows[number], DEFAULT, rng.randrange(2**20))
    data = lines.text(rows)
    return data, oracle.read(data, DEFAULT)


@pytest.mark.parametrize("length", [2**20 - 1, 2**20, 2**20 + 1, 2**20 + 70_000])
def test_a_line_of_exactly_one_mebibyte_is_read_and_a_longer_one_set_aside(length: int) -> None:
    long = b"v" * (length - 5) + b" 443\r"
    data = lines.text([b"short 1", long, b"short 2"])
    check_parse(data, ["view", "utf8"], format="vpc-id dstport")
    check_parse(data, ["view"], format="instance-id dstport bytes")
    check_parse(data.replace(b"v", b" "), ["view"], format="vpc-id dstport")
    check_parse(data[: -len(b"\nshort 2\n")], ["view"], format="vpc-id dstport")
    check_chunks(data, lines.pieces(data, 100_000), format="vpc-id dstport")
    check_chunks(data[: 2**20], lines.pieces(data[: 2**20], 100_000), format="vpc-id dstport")


ODD_LINES = (b"a  2", b"a 2 ", b" a 2", b"\na 2", b"a\t2", b"a 2\r", b"a \x002", b"a 2 3", b"")


@pytest.mark.parametrize("odd", ODD_LINES)
def test_one_odd_line_among_plain_ones_is_noticed_wherever_it_stands(odd: bytes) -> None:
    """Blocks of 64 bytes are looked at alone: what is odd may lie across two of them."""
    for before in range(1, 135):
        data = lines.text([b"v" * before + b" 1", odd, b"last 3"])
        check_parse(data, ["view"], format="vpc-id dstport")


@pytest.mark.parametrize("odd", [*ODD_LINES, lines.BOM + b"a 2", b"vpc-id dstport"])
def test_one_odd_line_at_the_edge_of_an_internal_piece_is_noticed(odd: bytes) -> None:
    rows = [b"vpc-%053d %05d" % (n, n) for n in range(1200)]
    length = len(rows[0]) + 1
    for place in range(PIECE // length - 3, PIECE // length + 4):
        data = lines.text([*rows[:place], odd, *rows[place:]])
        check_parse(data, ["view"], format="vpc-id dstport")


@pytest.mark.parametrize("text", ["view", "utf8", "dictionary"])
def test_more_distinct_values_than_one_dictionary_holds(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 65,536 values a dictionary is full, and the batch ends before the piece that filled it.
    What had been read of that piece - nulls, bad, blank, filtered lines - must not count twice."""
    data, expected = many_values()
    assert all(expected.counts[name] > 0 for name in expected.counts if name != "header")
    monkeypatch.setattr(sys.modules["vpcflow.scan"], "BATCH_ROWS", 1 << 20)  # it ends none
    options = {"format": MANY_FORMAT, "where": MANY_WHERE, "text": text}
    without_rejects = list(vpcflow.scan(data, **options, on_error="skip"))
    assert (len(without_rejects) > 1) == (text != "utf8")  # rejected lines end batches, too
    checks.same(list(vpcflow.scan(data, **options)), expected)
    checks.same([vpcflow.parse(data, **options)], expected)


MANY_FORMAT = "vpc-id srcaddr dstport action log-status"
MANY_WHERE = {"action": ["ACCEPT", None]}


@lru_cache
def many_values() -> tuple[bytes, Any]:
    """Most lines are bad in their port: their values fill the dictionary, but not the batch."""
    rng = Random(5)
    rows = []
    for n in range(150_000):
        port = n % 65536 if rng.random() < 0.2 else 65536 + n
        status = b"NODATA" if n % 101 == 0 else b"SKIPDATA" if n % 103 == 0 else b"OK"
        action = b"-" if n % 7 == 0 else b"REJECT" if n % 5 == 0 else b"ACCEPT"
        address = b"-" if n % 11 == 0 else b"2001:db8:1:2::%x" % n
        rows.append(b"%x %s %d %s %s" % (n, address, port, action, status))
        if n % 997 == 0:
            rows.append(b"")
    data = lines.text(rows)
    return data, oracle.read(data, MANY_FORMAT, where=MANY_WHERE)


@pytest.mark.parametrize("seed", range(12))
def test_values_that_share_beginnings_ends_and_lengths_stay_apart(seed: int) -> None:
    """Dictionaries compare many bytes, and several values, at a time, and take other ways for few
    values than for many: values come in phases of few and many, short and long ones."""
    rng = Random(seed)
    columns = []
    for _ in range(3):
        column: list[bytes] = []
        for _ in range(4):
            longest = rng.choice([3, 7, 8, 15, 16, 17, 33, 70])
            pool = [alike(rng, longest) for _ in range(rng.choice([1, 3, 5, 30, 400]))]
            column += rng.choices(pool, k=700)
        columns.append(column)
    rows = [b" ".join(row) for row in zip(*columns, strict=True)]
    rows[:: 2 + seed] = [row + b"\r" * (seed % 2) for row in rows[:: 2 + seed]]
    format = "vpc-id instance-tag az-id"
    check_parse(lines.text(rows), ["view", "dictionary"], format=format)
    check_parse(lines.text(rows[:900]), ["dictionary"], format=format, columns=["az_id", "vpc_id"])


def alike(rng: Random, longest: int) -> bytes:
    """Mostly `a`, with one or two bytes that differ; a NUL is a byte like any other."""
    text = bytearray(b"a" * rng.randint(1, longest))
    for _ in range(rng.randrange(3)):
        text[rng.randrange(len(text))] = rng.choice(b"ab-\x00~")
    return bytes(text)


def test_more_values_than_a_dictionary_holds_within_one_piece() -> None:
    """The first piece of a batch may pass the bound; whatever comes next begins a new one."""
    rows = [b"%x" % n for n in range(140_000)]
    for text in ("view", "dictionary"):
        stream = vpcflow.scan(lines.text(rows), format="vpc-id", text=text)
        assert pa.table(stream).column("vpc_id").cast(pa.utf8()).to_pylist() == [
            f"{n:x}" for n in range(140_000)
        ]


def test_the_first_bad_field_in_line_order_is_named_whatever_the_order_of_columns() -> None:
    values = [b"1", b"x", b"99999", b"\xff", b"%", b"-"]
    rows = [b" ".join(row) for row in product(values, repeat=4)]
    data = lines.text(rows)
    names = ["dstport", "instance_tag", "vpc_id", "bytes"]
    for columns in permutations(names):
        check_parse(data, ["view"], format=" ".join(names), columns=list(columns))
    for filtered in names:
        where = {filtered: [oracle_value(filtered), None]}
        check_parse(data, ["view"], format=" ".join(names), columns=names[::-1], where=where)


def oracle_value(name: str) -> object:
    return 1 if FIELDS[name].type != "utf8" else "1"


def test_addresses_compare_as_addresses_and_nothing_else_is_one() -> None:
    data = lines.text([spelling.encode() for spelling in ADDRESSES.split()])
    networks = (
        "0.0.0.0 0.0.0.0/0 10.0.0.0/8 10.1.2.3 10.1.2.0/31 ::/0 :: ::1 fe80::/9 2001:db8::/127"
    )
    networks += " 1:2:3:4:5:6:7:8 1:2:3:4::/64 ::ffff:0:0/96"
    for network in networks.split():
        check_parse(data, ["view"], format="srcaddr", where={"srcaddr": network})


ADDRESSES = """
    10.1.2.3 10.1.2.2 10.1.2.4 11.0.0.0 9.255.255.255 0.0.0.0 255.255.255.255 256.1.1.1
    10.1.2 10.1.2.3.4 10.1.2.3. .10.1.2.3 10..2.3 010.1.2.3 10.1.2.03 10.1.2.0 1e.1.2.3 0x0a.1.2.3
    10.1.2.3/8 10.1.2.3:80 -10.1.2.3 +10.1.2.3 10.1.2.1000 4294967295 10 :: ::1 ::2 :1 1: : ::: 1::
    1::2::3 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8
    1:2:3:4::5:6:7:8 1:2:3::4:5:6:7:8 ::1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:8:: 1:2:3:4:0:0:0:0 1:2:3:4::
    1:2:3:4:ffff:ffff:ffff:ffff 1:2:3:5:: 0001:2:3:4:5:6:7:8 00001:2:3:4:5:6:7:8 FE80::1 fe80::g
    FE00:: ff00:: fe7f:ffff:: febf::1 ::ffff:10.1.2.3 ::ffff:a01:203 ::10.1.2.3 1:2:3:4:5:6:10.1.2.3
    1:2:3:4:5:6:7:10.1.2.3 1:2:3:4:5:10.1.2.3 10.1.2.3:: ::10.1.2.3:1 ::10.1.2 ::010.1.2.3
    ::ffff:10.1.2.256 2001:db8::1 2001:db8::2 2001:DB8:0:0:0:0:0:0001 [::1] ::1%eth0 fe80::1%1
    ::12345 1:::2 ::1: 1:2 12345::1 g:: localhost eni-1 - %3A%3A1
"""


def test_a_batch_keeps_a_thousand_rejected_lines_and_counts_all() -> None:
    data = lines.text([b"10.0.0.1 %d" % (65_500 + n) for n in range(2500)])
    batch = vpcflow.parse(data, format="srcaddr dstport")
    assert len(batch.rejected) == checks.KEPT
    assert batch.counts["rejected"] == 2464
    assert batch.rejected_by_reason == {"out-of-range": 2464}
    checks.same([batch], oracle.read(data, "srcaddr dstport"))


# Memory


def test_nothing_outside_the_buffer_is_touched(kernel: str) -> None:
    """Texts of every size that end, or begin, at a page that may not be read."""
    if os.name != "posix":
        return
    program = Path(__file__).with_name("at_the_edge.py")
    done = subprocess.run([sys.executable, program, kernel], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "untouched\n"), done.stderr


# FlowParser and scan: any chunking, the same result


def feed(chunks: Sequence[bytes], **options: Any) -> list[Any]:
    parser = vpcflow.FlowParser(**options)
    return [*[parser.feed(chunk) for chunk in chunks], parser.finish()]


def check_chunks(data: bytes, chunks: Sequence[bytes], **options: Any) -> None:
    assert b"".join(chunks) == data
    try:
        expected = oracle.read(data, **options, one_format=True)
    except FormatError:
        with pytest.raises(FormatError):
            feed(chunks, **options)
        return
    checks.same(feed(chunks, **options), expected)


@given(st.data())
def test_any_chunking_gives_the_same(data: st.DataObject) -> None:
    format = data.draw(lines.formats(max_size=20))
    document = data.draw(lines.documents(format, max_lines=20))
    chunks, rest = [], document
    for size in data.draw(lines.chunkings(len(document))):
        chunks.append(rest[:size])
        rest = rest[size:]
    check_chunks(document, chunks, format=data.draw(st.sampled_from([format, None])))


@given(st.data())
def test_byte_by_byte_gives_the_same(data: st.DataObject) -> None:
    format = data.draw(lines.formats(max_size=8))
    document = data.draw(lines.documents(format, max_lines=6))[:1500]
    where = data.draw(lines.filters(format, read_or_nothing(document, format)))
    check_chunks(document, lines.pieces(document, 1), format=format, where=where)


@pytest.mark.parametrize("size", [*CHUNKS, 10**9])
def test_chunks_of_every_odd_size_give_the_same(size: int) -> None:
    data, expected = long_text(40) if size > 13 else medium_text()
    checks.same(feed(lines.pieces(data, size), format=DEFAULT), expected)


@lru_cache
def medium_text() -> tuple[bytes, Any]:
    data = long_text(3)[0][:20_000]
    return data, oracle.read(data, DEFAULT)


def test_the_chunk_may_be_reused_by_its_owner() -> None:
    """A reader that fills one buffer again and again must not see old records change."""
    data, expected = medium_text()
    buffer = bytearray(1000)
    parser = vpcflow.FlowParser(DEFAULT)
    batches = []
    for piece in lines.pieces(data, 1000):
        buffer[: len(piece)] = piece
        batches.append(parser.feed(memoryview(buffer)[: len(piece)]))
    buffer[:] = b"x" * 1000
    checks.same([*batches, parser.finish()], expected)


@given(st.data())
def test_scan_of_bytes_gives_what_parse_gives(data: st.DataObject) -> None:
    format = data.draw(lines.formats(max_size=20))
    document = data.draw(lines.documents(format))
    columns = data.draw(lines.projections(format))
    text = data.draw(st.sampled_from(checks.TEXT_MODES))
    options = {"format": format, "columns": columns}
    try:
        expected = oracle.read(document, **options)
    except FormatError:
        with pytest.raises(FormatError):
            list(vpcflow.scan(document, text=text, **options))
        return
    stream = vpcflow.scan(document, text=text, **options)
    checks.same(stream, expected)
    assert dict(stream.counts) == expected.counts


@given(st.data())
def test_scan_of_several_formats_in_one_text_goes_on_in_each(data: st.DataObject) -> None:
    """A header with other fields in mid-file: from there on lines are of its format."""
    first = data.draw(lines.formats(max_size=8))
    fields = data.draw(st.permutations(first.fields))
    second = FlowFormat(tuple(fields[: data.draw(st.integers(1, len(fields)))]))
    document = b"\n".join(
        lines.header(format) + b"\n" + data.draw(lines.documents(format, max_lines=8))
        for format in (first, second, first)
    )
    where = data.draw(lines.filters(first, read_or_nothing(document, None)))
    options = {"columns": data.draw(lines.projections(first)), "where": where}
    text = data.draw(st.sampled_from(checks.TEXT_MODES))
    try:
        expected = oracle.read(document, **options)
    except FormatError:
        with pytest.raises(FormatError):
            list(vpcflow.scan(document, text=text, **options))
        return
    checks.same(vpcflow.scan(document, text=text, **options), expected)


def test_scan_of_long_bytes_gives_what_parse_gives() -> None:
    data, expected = long_text(40)
    for text in checks.TEXT_MODES:
        checks.same(vpcflow.scan(data, format=DEFAULT, text=text), expected)
        table = pa.table(vpcflow.scan(data, format=DEFAULT, text=text, on_error="skip"))
        assert table.num_rows == len(expected.records)


def test_a_header_that_lies_across_two_blocks_of_a_file(tmp_path: Path) -> None:
    """Files are read in blocks; the lines behind the header are in its format all the same."""
    other = b"bytes dstport srcaddr"
    for block in (64 << 10, 256 << 10, 1 << 20):
        for overlap in range(len(other) + 2):
            data = b"srcaddr dstport bytes\n"
            data += b"10.0.0.1 443 1\n" * ((block - overlap - len(data) - 1) // 15)
            data += b"\n".rjust(block - overlap - len(data))
            assert len(data) == block - overlap
            path = tmp_path / "flows.log"
            path.write_bytes(data + lines.text([other, b"99 53 10.9.9.9", b"98 54 10.9.9.8"]))
            with vpcflow.scan(path, columns=["bytes", "srcaddr"]) as stream:
                tail = list(stream)[-1]
            assert [checks.row(record) for record in tail] == [
                {"bytes": 99, "srcaddr": "10.9.9.9"},
                {"bytes": 98, "srcaddr": "10.9.9.8"},
            ]
            assert stream.counts["header"] == 2
            assert stream.counts["rejected"] == 0


# on_error=


@given(st.data())
def test_on_error_raise_stops_at_the_line_that_the_oracle_rejects_first(
    data: st.DataObject,
) -> None:
    format = data.draw(lines.formats(max_size=8))
    document = data.draw(lines.documents(format))
    try:
        expected = oracle.read(document, format, one_format=True)
    except FormatError:
        return
    if not expected.rejected:
        checks.same([vpcflow.parse(document, format=format, on_error="raise")], expected)
        return
    with pytest.raises(vpcflow.RecordError) as caught:
        vpcflow.parse(document, format=format, on_error="raise")
    checks.same_rejected([caught.value.line], oracle.OracleResult(rejected=expected.rejected[:1]))


def test_on_error_skip_keeps_no_lines_but_counts_them() -> None:
    data, expected = long_text(3)
    batch = vpcflow.parse(data, format=DEFAULT, on_error="skip")
    assert batch.rejected == ()
    assert dict(batch.counts) == expected.counts
    assert dict(batch.rejected_by_reason) == expected.rejected_by_reason


# Rows as text


@given(st.data())
def test_jsonl_and_csv_hold_the_oracles_records(data: st.DataObject) -> None:
    format = data.draw(lines.formats(max_size=30))
    document = data.draw(lines.documents(format))
    try:
        expected = oracle.read(document, format, one_format=True)
    except FormatError:
        return
    text = data.draw(st.sampled_from(checks.TEXT_MODES))
    check_rows(vpcflow.parse(document, format=format, text=text), expected, format)


def test_jsonl_and_csv_of_every_spoilt_value() -> None:
    data, expected = spoilt_everywhere(lines.EVERY_FIELD)
    check_rows(vpcflow.parse(data, format=lines.EVERY_FIELD), expected, lines.EVERY_FIELD)


def check_rows(batch: Any, expected: Any, format: FlowFormat) -> None:
    shown = [{name: rfc3339(name, v) for name, v in row.items()} for row in expected.records]
    jsonl = batch.to_jsonl().decode().split("\n")
    assert jsonl.pop() == ""
    assert [json.loads(line) for line in jsonl] == [
        {name: v for name, v in row.items() if v is not None} for row in shown
    ]
    table = csv.reader(io.StringIO(batch.to_csv().decode(), newline=""), strict=True)
    blank = [["" if v is None else str(v) for v in row.values()] for row in shown]
    assert [row or [""] for row in table] == [list(format.names), *blank]
    assert batch.to_csv().endswith(batch.to_csv(header=False))


def rfc3339(name: str, value: Any) -> Any:
    """Times as "2024-01-01T00:00:00Z", with milliseconds where there are any."""
    if value is None or FIELDS[name].kind != "time":
        return value
    seconds, milliseconds = divmod(value, 1000)
    at = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{at}.{milliseconds:03}Z" if milliseconds else f"{at}Z"


# Choosing a kernel


def test_the_environment_forces_a_kernel(kernel: str) -> None:
    program = "import vpcflow; print(vpcflow._native.kernel())"
    environment = {**os.environ, "VPCFLOW_KERNEL": kernel}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == kernel


def test_a_kernel_that_this_machine_lacks_is_an_error_and_not_ignored() -> None:
    program = "import vpcflow; vpcflow.parse(b'1', format='version')"
    environment = {**os.environ, "VPCFLOW_KERNEL": "sse9"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.returncode != 0
    assert "sse9" in done.stderr
    assert "scalar" in done.stderr
