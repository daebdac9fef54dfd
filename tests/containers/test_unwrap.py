"""unwrap: what a stream holds is recognised by its content, at any depth and in any pieces."""

from __future__ import annotations

import base64
import errno
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wrapping import (
    LINE,
    PIECES,
    Drip,
    as_text,
    deflated,
    envelope,
    firehose_record,
    lambda_event,
    log_text,
    unwrapped,
)

from vpcflow.containers import unwrap
from vpcflow.containers.lines import ENOUGH_LINES
from vpcflow.containers.recognise import DEEPEST
from vpcflow.errors import ContainerError, UsageError

MESSAGES = LINE.decode().splitlines() * 3
WRITERS = {
    "text": as_text,
    "cloudwatch": lambda messages: b"".join(envelope([message]) for message in messages),
    "firehose": lambda messages: b"".join(firehose_record(message) for message in messages),
    "export": lambda messages: b"".join(
        f"2024-01-01T00:00:00.000Z {message}\n".encode() for message in messages
    ),
}
KINDS = st.sampled_from([*WRITERS, "lambda"])


def written(kind: str, messages: list[str]) -> bytes:
    return lambda_event(envelope(messages)) if kind == "lambda" else WRITERS[kind](messages)


@st.composite
def nestings(draw):
    """(data, containers): every layer is gzip, in two members cut anywhere, or Base64 of that."""
    kind = draw(KINDS)
    data = written(kind, MESSAGES)
    containers = ["cloudwatch" if kind == "lambda" else kind]
    while len(containers) <= DEEPEST and draw(st.booleans()):
        if containers[0] == "gzip" and draw(st.booleans()):
            data = base64.b64encode(data)
            containers.insert(0, "base64")
        else:
            cut = draw(st.integers(0, len(data)))
            data = deflated(data[:cut]) + deflated(data[cut:], draw(st.integers(0, 9)))
            containers.insert(0, "gzip")
    return data, tuple(containers)


@given(nested=nestings(), pieces=PIECES, seekable=st.booleans())
def test_any_nesting_in_any_pieces_gives_the_same_lines(nested, pieces, seekable):
    data, containers = nested
    assert unwrapped(data, pieces, seekable) == (as_text(MESSAGES), containers, None)


@given(nested=nestings(), pieces=PIECES, end=st.integers(1, 10_000))
def test_a_cut_at_any_depth_gives_a_beginning_of_the_lines_and_one_error(nested, pieces, end):
    data, containers = nested
    cut = data[: -(end % len(data)) or None]
    result = unwrapped(cut, pieces)
    text = result.text.rpartition(b"\n")[0]
    if set(containers) <= {"gzip", "text"} or result.containers == containers:
        assert as_text(MESSAGES).startswith(text)
    wrapped = containers[0] == "gzip" and cut[:3] == data[:3]
    assert not (wrapped and len(cut) < len(data) and result.error is None)


@given(nested=nestings(), pieces=PIECES, place=st.integers(0, 10_000), mask=st.integers(1, 255))
def test_a_spoilt_byte_leads_to_lines_or_a_container_error_and_nothing_else(
    nested, pieces, place, mask
):
    data = bytearray(nested[0])
    data[place % len(data)] ^= mask
    whole, in_pieces = unwrapped(bytes(data)), unwrapped(bytes(data), pieces, seekable=False)
    assert whole == in_pieces


@given(data=st.binary(max_size=300), pieces=PIECES)
def test_any_bytes_lead_to_lines_or_a_container_error(data, pieces):
    for beginning in (b"", b"\x1f\x8b\x08\0\0\0\0\0\0\xff", b'{"message":"', b'{"logEvents":['):
        assert unwrapped(beginning + data) == unwrapped(beginning + data, pieces, seekable=False)


def test_too_many_layers_are_refused():
    data = LINE
    for _ in range(DEEPEST):
        data = gzip.compress(data)
    assert unwrapped(data).text == LINE
    result = unwrapped(gzip.compress(data))
    assert result.text == b""
    assert result.error.message == f"more than {DEEPEST} containers in each other"


@pytest.mark.parametrize("empty", [b"", gzip.compress(b""), gzip.compress(b"") * 3])
def test_nothing_is_no_lines(empty):
    assert unwrapped(empty)[::2] == (b"", None)
    assert unwrap(io.BytesIO(empty), source="x").head() == b""


@pytest.mark.parametrize(
    ("data", "name", "what"),
    [
        (b"PAR1\x15\x04", "parquet", "vpcflow-parquet"),
        (b"Obj\x01\x04", "avro", "Apache Avro"),
        (b"PK\x03\x04rest", "zip", "zip archive"),
        (b"\x28\xb5\x2f\xfdrest", "zstd", "Zstandard"),
        (b"BZh91AY&SY", "bzip2", "bzip2"),
        (b"\x04\x22\x4d\x18rest", "lz4", "LZ4"),
        (b"\xfd7zXZ\x00rest", "xz", "xz file"),
        (b"\xff\x06\x00\x00sNaPpY", "snappy", "Snappy"),
        ("2 123 x".encode("utf-16"), "utf-16", "UTF-16"),
        ("2 123 x".encode("utf-16-be").join([b"\xfe\xff", b""]), "utf-16", "UTF-16"),
        ("2 123 x".encode("utf-32"), "utf-32", "UTF-32"),
        (b'{"Records": [{"s3": {}}]}', "json", "first member is 'Records'"),
        (b'\xef\xbb\xbf [{"eventVersion":"1"}]', "json", "first member is 'eventVersion'"),
    ],
)
@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
def test_what_is_not_read_is_named_and_refused(data, name, what, wrap):
    result = unwrapped(wrap(data), [1])
    assert result.text == b""
    assert result.containers[-1] == result.error.container == name
    assert what in str(result.error)
    assert result.error.hint
    assert unwrap(io.BytesIO(wrap(data)), source="x").head() == b""


@pytest.mark.parametrize("text", [b"{", b"{oops", b"[1,2]\n", b"2 {\n", b"\x1f", b"H4s", b"\0\0"])
def test_what_only_looks_a_little_like_a_container_is_text(text):
    assert unwrapped(text) == (text, ("text",), None)


# head


@given(
    lines=st.integers(0, 400),
    n=st.integers(1, 9000),
    kind=KINDS,
    wrap=st.sampled_from([bytes, gzip.compress]),
    pieces=PIECES,
)
def test_head_shows_the_beginning_and_takes_nothing(lines, n, kind, wrap, pieces):
    text = log_text(5, lines)
    data = wrap(written(kind, text.decode().splitlines()))
    unwrapping = unwrap(Drip(data, [size * 100 for size in pieces]), source="x")
    head = unwrapping.head(n)
    assert text.startswith(head)
    if len(head) < min(n, len(text)):
        assert head.count(b"\n") >= ENOUGH_LINES
        assert head.endswith(b"\n")
    assert len(head) <= n
    assert unwrapping.head(n) == head
    assert b"".join(unwrapping) == text
    assert unwrapping.head(n) == b""


def test_blank_lines_do_not_count_as_enough():
    text = b"\n" * 5000 + LINE
    assert unwrap(io.BytesIO(text), source="x").head() == text


def test_head_of_a_damaged_beginning_is_what_there_is():
    data = deflated(LINE * 3, level=0)[:150]
    lines = unwrap(io.BytesIO(data), source="x")
    assert (LINE * 3).startswith(head := lines.head())
    assert len(head) == 150 - 15
    assert next(lines) == head
    with pytest.raises(ContainerError, match="truncated"):
        next(lines)
    assert lines.head() == b""


def test_head_in_the_middle_of_the_iteration_shows_what_comes_next():
    lines = unwrap(Drip(LINE * 400, [1]), source="x")
    first = next(lines)
    rest = lines.head(200)
    assert (LINE * 400).startswith(first + rest)


# the stream


def test_bytes_in_counts_compressed_bytes_and_ends_at_the_size():
    data = gzip.compress(log_text(1, 60_000), 1)
    lines = unwrap(io.BytesIO(data), source="x")
    counts = [lines.bytes_in for _ in lines]
    assert counts == sorted(counts)
    assert 0 < counts[0] < len(data) == lines.bytes_in


def test_bytes_in_does_not_go_back_when_a_damaged_member_is_read_again():
    data = gzip.compress(log_text(1, 60_000), 1)[:-5000]
    lines = unwrap(io.BytesIO(data), source="x")
    counts = []
    with pytest.raises(ContainerError):
        counts.extend(lines.bytes_in for _ in lines)
    assert counts == sorted(counts)
    assert lines.bytes_in == len(data)


def test_reading_begins_where_the_stream_stands():
    stream = io.BytesIO(b"skipped" + gzip.compress(LINE * 99)[:-3])
    stream.seek(7)
    lines = unwrap(stream, source="x")
    blocks = []
    with pytest.raises(ContainerError, match="truncated"):
        blocks.extend(lines)
    assert b"".join(blocks) == LINE * 99


@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
def test_a_read_that_fails_is_an_error_after_what_was_read(wrap):
    class Failing(Drip):
        def read(self, size: int = -1) -> bytes:
            if data := super().read(size):
                return data
            raise OSError(errno.EIO, "Input/output error")

    lines = unwrap(Failing(wrap(LINE)[:-9], [40]), source="disk")
    blocks = []
    with pytest.raises(ContainerError, match="Input/output error") as caught:
        blocks.extend(lines)
    assert LINE.startswith(b"".join(blocks))
    assert len(b"".join(blocks)) >= len(LINE) - 10
    assert caught.value.source == "disk"


def test_a_stream_of_text_is_a_usage_error():
    with pytest.raises(UsageError, match="gives str, not bytes"):
        unwrap(io.StringIO("2 123"), source="x")


def test_a_stream_that_does_not_wait_is_an_error_not_an_end():
    class Impatient(Drip):
        def read(self, size: int = -1) -> bytes:
            return super().read(size) or None

    lines = unwrap(Impatient(LINE, [40]), source="x")
    assert lines.head() == LINE
    with pytest.raises(ContainerError, match="does not wait"):
        list(lines)


def test_the_error_stays_so_that_nobody_takes_the_end_for_a_good_one():
    lines = unwrap(io.BytesIO(gzip.compress(LINE)[:-1]), source="x")
    assert next(lines) == LINE
    for _ in range(2):
        with pytest.raises(ContainerError, match="truncated"):
            next(lines)


def test_close_closes_the_stream():
    stream = io.BytesIO(LINE)
    with unwrap(stream, source="x") as lines:
        assert list(lines) == [LINE]
    assert stream.closed
