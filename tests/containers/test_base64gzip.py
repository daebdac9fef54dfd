"""Base64 of gzip: payloads follow each other with or without anything between them."""

from __future__ import annotations

import base64
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wrapping import LINE, PIECES, unwrapped

PAYLOAD = base64.b64encode(gzip.compress(LINE))


@given(
    texts=st.lists(st.binary(max_size=90).filter(lambda t: b"{" not in t), max_size=4),
    between=st.sampled_from([b"", b"\n", b"\r\n", b"  \t\n"]),
    width=st.integers(1, 90),
    pieces=PIECES,
)
def test_all_payloads_are_read_in_any_pieces_and_line_widths(texts, between, width, pieces):
    texts = [LINE, *texts]
    payloads = [base64.b64encode(gzip.compress(text)) for text in texts]
    wrapped = [b"\n".join(p[i : i + width] for i in range(0, len(p), width)) for p in payloads]
    data = between + between.join(wrapped)
    assert unwrapped(data, pieces) == (b"".join(texts), ("base64", "gzip", "text"), None)


def test_the_last_padding_may_be_missing():
    assert PAYLOAD.endswith(b"=")
    assert unwrapped(PAYLOAD.rstrip(b"=")) == (LINE, ("base64", "gzip", "text"), None)


@pytest.mark.parametrize("pieces", [[1], [3], [1 << 20]])
@pytest.mark.parametrize(
    ("bad", "what", "offset"),
    [
        (b"!", "b'!' is not Base64", 0),
        (b"AAAA-", "b'-' is not Base64", 4),
        (b"A", "a single digit is left over", 1),
    ],
)
def test_what_is_not_base64_is_an_error_after_the_text(bad, what, offset, pieces):
    result = unwrapped(PAYLOAD + b"\n" + bad, pieces)
    assert result.text == LINE
    assert what in result.error.message
    assert result.error.container == "base64"
    assert result.error.offset == len(PAYLOAD) + 1 + offset


@pytest.mark.parametrize("bad", [b"====", b"A===", b"AB=C"])
def test_padding_in_the_wrong_place_is_an_error(bad):
    result = unwrapped(PAYLOAD + bad)
    assert result.text == LINE
    assert "bad padding" in result.error.message


def test_truncated_base64_gives_all_that_it_holds():
    result = unwrapped(PAYLOAD[:-12])
    assert LINE.startswith(result.text)
    assert len(result.text) > len(LINE) - 20
    assert result.error.container == "gzip"
    assert "truncated" in result.error.message
