"""Firehose records: the message of each object is a line; nothing between them disappears."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wrapping import LINE, MESSAGES, PIECES, as_text, firehose_record, log_text, unwrapped

from vpcflow.containers import firehose

RECORD = b'{"message":"2 x y"}\n'
SEPARATORS = st.sampled_from([b"\n", b"", b"\r\n", b" \n\n", b"  "])
TEXT = st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")


def spelt(message: str, style: str) -> bytes:
    """The same record as different writers put it."""
    match style:
        case "tight":
            return firehose_record(message)
        case "spaced":
            return json.dumps({"message": message}).encode()
        case "plain":
            return json.dumps({"message": message}, ensure_ascii=False).encode()
        case "more":
            return firehose_record(message, timestamp=5, more={"message": "no"})
        case _:
            return json.dumps({"first": [1], "message": message}, indent=1).encode()


@given(
    records=st.lists(
        st.tuples(
            st.text(TEXT, max_size=20),
            st.sampled_from(["tight", "spaced", "plain", "more", "indented"]),
            SEPARATORS,
        ),
        min_size=1,
        max_size=12,
    ),
    bom=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    pieces=PIECES,
)
def test_messages_become_lines_however_the_records_are_spelt(records, bom, pieces):
    data = bom + b"".join(spelt(message, style) + end for message, style, end in records)
    expected = as_text([message for message, _, _ in records])
    assert unwrapped(data, pieces) == (expected, ("firehose",), None)


@given(messages=MESSAGES, pieces=PIECES, form=st.sampled_from(["tight", "spaced"]))
def test_the_fast_way_and_the_careful_way_give_the_same(messages, pieces, form):
    data = b"".join(spelt(message, form) + b"\n" for message in ["first", *messages])
    fast = unwrapped(data)
    assert fast.text == as_text(["first", *messages])
    assert unwrapped(data, pieces) == fast


def test_plain_records_are_taken_in_one_go():
    text = log_text(3, 50)
    data = b"".join(b'{"message":"' + line + b'"}\n' for line in text.splitlines())
    assert firehose._plain_records(data) == text


@pytest.mark.parametrize(
    "line",
    [
        b'{"message":"a\\nb"}\n',
        b'{"message":"a\\"}\n',
        b'{"message":"a","x":"b"}\n',
        b'{"message": "spaced"}\n',
        b'{"message":"a"} \n',
        b'{"message":"a\tb"}\n',
        b'{"message":"a\0b"}\n',
        b'{"message":"a"}{"message":"b"}\n',
        b'{"message":"a"\n',
        b'"}\n',
        b"plain line\n",
        b"\n",
    ],
)
def test_what_is_not_plain_is_left_to_the_careful_way(line):
    assert firehose._plain_records(RECORD + line + RECORD) == b""
    assert firehose._plain_records(RECORD + RECORD) == b"2 x y\n2 x y\n"


@pytest.mark.parametrize("pieces", [[1], [5], [1 << 20]])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"2 123 a bare line\n", b"2 123 a bare line\n"),
        (b"[1, 2]\n", b"[1, 2]\n"),
        (b'"2 x"\n', b'"2 x"\n'),
        (b'{"message": oops}\n', b'{"message":\\u0020oops}\n'),
        (b'{"message":"2\tx"}\n', b'{"message":"2\\tx"}\n'),
        (b'{"message":"no end\n', b'{"message":"no\\u0020end\n'),
        (b'{"other": "2 x y"}\n', b'{"other":\\u0020"2\\u0020x\\u0020y"}\n'),
        (b'{"message": 5}\n', b'{"message":\\u00205}\n'),
        (b'{"n":\n {}}\n', b'{"n":\\n\\u0020{}}\n'),
        (b'{"message":"x"} rest\n', b"x\nrest\n"),
        (b'{"message":"\xff"}\n', b"\xff\n"),
        (b'{"message":"a\\u000ab\\r"}\n', b"a b \n"),
    ],
)
def test_nothing_disappears_between_records(line, expected, pieces):
    data = RECORD + line + RECORD
    assert unwrapped(data, pieces) == (b"2 x y\n" + expected + b"2 x y\n", ("firehose",), None)


def test_a_bare_line_first_does_not_hide_the_records():
    assert unwrapped(b"a bare line\n" + RECORD) == (b"a bare line\n2 x y\n", ("firehose",), None)


@given(end=st.integers(1, len(RECORD) - 3), pieces=PIECES)
def test_data_that_end_within_a_record_leave_its_beginning_without_a_line_end(end, pieces):
    result = unwrapped(RECORD * 3 + RECORD[:end], pieces)
    beginning = RECORD[:end].replace(b" ", b"\\u0020")
    assert result.text == b"2 x y\n" * 3 + beginning
    assert result.error.message == "truncated: the data ends within a JSON object"
    assert result.error.offset == 3 * len(RECORD)


def test_a_bare_line_without_a_newline_ends_the_text():
    assert unwrapped(RECORD + b"bare") == (b"2 x y\nbare", ("firehose",), None)


@pytest.mark.parametrize("start", [b"bare ", b'{"message":', b'{"message":oops'])
def test_a_line_of_any_length_is_passed_on(start):
    line = start + b"x" * 3_000_000 + b"\n"
    result = unwrapped(RECORD + line + RECORD)
    assert result == (b"2 x y\n" + line + b"2 x y\n", ("firehose",), None)


def test_one_record_with_an_escape_slows_only_its_neighbours_down():
    plain = b'{"message":"' + LINE.strip() + b'"}\n'
    data = plain * 3000 + b'{"message":"\\u0032 x"}\n' + plain * 3000
    assert unwrapped(data) == (LINE * 3000 + b"2 x\n" + LINE * 3000, ("firehose",), None)
