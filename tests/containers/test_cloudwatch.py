"""CloudWatch Logs subscriptions: one message is one line, and no message before damage is lost."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wrapping import LINE, MESSAGES, PIECES, as_text, envelope, lambda_event, unwrapped

import vpcflow.containers.cloudwatch
from vpcflow.containers import json_stream

BLANKS = st.text(" \t\r\n", max_size=4).map(str.encode)
EVENTS = [f"{number} some message" for number in range(9)]


@given(
    objects=st.lists(
        st.tuples(MESSAGES, st.sampled_from(["DATA_MESSAGE", "CONTROL_MESSAGE"]), BLANKS),
        min_size=1,
        max_size=5,
    ),
    bom=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    as_events=st.booleans(),
    pieces=PIECES,
)
def test_messages_of_data_objects_become_lines(objects, bom, as_events, pieces):
    wrap = lambda_event if as_events else bytes
    data = bom + b"".join(wrap(envelope(texts, kind)) + blank for texts, kind, blank in objects)
    lines = [text for texts, kind, _ in objects if kind == "DATA_MESSAGE" for text in texts]
    assert unwrapped(data, pieces) == (as_text(lines), ("cloudwatch",), None)


def test_members_may_come_in_any_order_and_new_ones_are_ignored():
    event = {"message": "a b", "extractedFields": {"message": "no", "x": [1, {}]}, "id": "1"}
    whole = {"logEvents": [event, event], "@aws.region": None, "messageType": "DATA_MESSAGE"}
    for data in (json.dumps(whole), json.dumps(whole, indent=2)):
        assert unwrapped(data.encode()).text == b"a b\na b\n"


@pytest.mark.parametrize("forged", ["a\nb", "a\rb"])
def test_a_newline_in_a_message_forges_no_line(forged):
    assert unwrapped(envelope(["x", forged, "y"])).text == b"x\na b\ny\n"
    assert unwrapped(envelope([forged])).text == b"a b\n"


def test_escaped_and_plain_characters_come_out_as_utf8():
    message = "café 日本 \U0001f600 \x7f \\u00e9"
    escaped = envelope([message])
    plain = (
        escaped.decode()
        .encode()
        .replace(json.dumps(message).encode(), json.dumps(message, ensure_ascii=False).encode())
    )
    assert escaped != plain
    for data in (escaped, plain, escaped + plain):
        assert set(unwrapped(data).text.splitlines()) == {message.encode()}


def test_bytes_that_are_not_utf8_come_out_unchanged():
    data = envelope(["first", "MARK"]).replace(b"MARK", b"a\xff\xc3b")
    assert unwrapped(data).text == b"first\na\xff\xc3b\n"
    beside_an_escape = data.replace(b"first", b"\\u00e9")
    assert unwrapped(beside_an_escape).text == b"\xc3\xa9\na\xff\xc3b\n"


def test_half_a_surrogate_pair_is_left_to_be_rejected_as_not_utf8():
    text = unwrapped(envelope(["MARK"]).replace(b"MARK", b"a\\ud800b")).text
    assert text == b"a\xed\xa0\x80b\n"


@pytest.mark.parametrize("pieces", [[7], [1 << 20]])
@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (b"{oops}", "malformed JSON"),
        (b"2 123 plain line\n", "a JSON object is expected, not '2'"),
        (b'{"messageType" "x"}', "malformed JSON"),
        (b'{"messageType":"DATA_MESSAGE","logEvents":[{"message":"x\ny"}]}', "malformed JSON"),
        (b'{"a":' + b"[" * 5000, "malformed JSON"),
        (b'{"n":' + b"1" * 5000 + b"}", "malformed JSON"),
        (b'{"messageType":"DATA_MESSAGE"}', "without logEvents; its members: 'messageType'"),
        (b'{"logEvents":[{"id":"1"}]}', "a log event without a message"),
        (b'{"logEvents":[{"message":5}]}', "a log event without a message"),
        (b"{}", "its members: none"),
        (b"[]", "a JSON object is expected, not '['"),
        (b'{"awslogs":{}}', "without awslogs.data"),
        (b'{"awslogs":{"data":"YWJj"}}', "is not gzip in Base64"),
    ],
)
def test_what_does_not_belong_is_an_error_after_the_messages_before_it(bad, what, pieces):
    good = envelope(EVENTS)
    result = unwrapped(good + bad + b"\n" + good, pieces)
    assert result.text == as_text(EVENTS)
    assert what in result.error.message
    assert result.error.container == "cloudwatch"
    assert len(good) <= result.error.offset <= len(good + bad)


@given(end=st.integers(0, 10_000), pieces=PIECES)
def test_complete_events_of_a_cut_object_are_kept(end, pieces):
    first, second = envelope(EVENTS[:2]), envelope(EVENTS[2:])
    cut = len(first) + 1 + end % (len(second) - 1)
    data = first + second
    result = unwrapped(data[:cut], pieces)
    assert result.text == as_text(EVENTS[: data[:cut].count(b'"}')])
    assert result.error.message == "truncated: the data ends within a JSON object"


@given(end=st.integers(0, 10_000), pieces=PIECES)
def test_complete_events_before_damage_of_the_gzip_stream_are_kept(end, pieces):
    packed = gzip.compress(envelope(EVENTS), compresslevel=0)
    cut = packed[: len(packed) - 8 - end % 900]
    result = unwrapped(cut, pieces)
    assert result.containers == ("gzip", "cloudwatch")
    assert result.text == as_text(EVENTS[: cut.count(b'"}')])  # stored, so it can be seen
    assert (result.error.container, result.error.message[:9]) == ("gzip", "truncated")


def test_an_error_at_the_same_place_whatever_the_pieces():
    data = envelope(EVENTS) + b'  {"messageType":"DATA_MESSAGE","logEvents":[{"message":"x"},}'
    errors = {unwrapped(data, [size]).error for size in (1, 3, 64, 1000, 1 << 20)}
    assert [error.offset for error in errors] == [len(data) - 1]


def test_a_large_object_is_read_event_by_event():
    messages = [f"{number} {'x' * 900}" for number in range(5000)]
    data = envelope(messages)
    assert len(data) > 4 * vpcflow.containers.cloudwatch.WHOLE
    assert unwrapped(data + envelope(["after"])).text == as_text([*messages, "after"])
    control = envelope(messages, "CONTROL_MESSAGE")
    assert unwrapped(control + envelope(["after"])).text == b"after\n"
    other = json.dumps({"messageType": "DATA_MESSAGE", "members": messages}).encode()
    result = unwrapped(envelope(["before"]) + other)
    assert (result.text, result.error.message) == (b"before\n", "an object without logEvents")


def test_a_large_lambda_event_is_read():
    messages = [base64.b64encode(gzip.compress(str(n).encode())).decode() for n in range(60_000)]
    data = lambda_event(envelope(messages))
    assert len(data) > vpcflow.containers.cloudwatch.WHOLE
    assert unwrapped(data).text == as_text(messages)


@pytest.mark.parametrize(
    ("start", "unit"),
    [
        (b'{"messageType":"DATA_MESSAGE","logEvents":[{"message":"', b"x"),
        (b'{"owner":"', b"x"),
        (b'{"owner":[', b'"item", '),
    ],
)
def test_an_object_of_more_than_64_mib_is_an_error(start, unit, monkeypatch):
    assert json_stream.LARGEST == 64 * 1024 * 1024
    limit = 4 * 1024 * 1024
    monkeypatch.setattr(json_stream, "LARGEST", limit)
    monkeypatch.setattr(vpcflow.containers.cloudwatch, "LARGEST", limit)
    monkeypatch.setattr(json_stream.JsonStream.value, "__defaults__", (limit,))
    data = envelope(EVENTS) + start + unit * (5 * limit // len(unit))
    tracemalloc.start()
    result = unwrapped(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.text == as_text(EVENTS)
    assert f"a JSON object of more than {limit} bytes" in result.error.message
    assert peak < 16 * limit  # of which the stream itself holds 5


def test_many_events_end_at_the_limit_with_those_before_it(monkeypatch):
    monkeypatch.setattr(vpcflow.containers.cloudwatch, "LARGEST", 2 * 1024 * 1024)
    messages = [f"{number} {'x' * 900}" for number in range(5000)]
    result = unwrapped(envelope(messages))
    assert as_text(messages).startswith(result.text)
    assert 1900 * 1024 > len(result.text) > 1700 * 1024
    assert "a JSON object of more than" in result.error.message


def test_lambda_events_in_lambda_events_come_to_an_end():
    data = envelope(EVENTS)
    for _ in range(3):
        data = lambda_event(data)
    assert unwrapped(data).text == as_text(EVENTS)
    for _ in range(3):
        data = lambda_event(data)
    assert "nested too deeply" in unwrapped(data).error.message


def test_damage_within_a_lambda_event_comes_after_its_messages():
    payload = gzip.compress(envelope(EVENTS))
    event = {"awslogs": {"data": base64.b64encode(payload[:-4]).decode()}}
    result = unwrapped(json.dumps(event).encode())
    assert result.text == as_text(EVENTS)
    assert result.error.container == "gzip"
    assert "truncated" in result.error.message


def test_small_pieces_of_a_large_object_take_no_quadratic_time():
    messages = ["x" * 900_000, LINE.decode().strip()]
    sizes = []
    decode = json_stream._decode

    def counted(text, at):
        sizes.append(len(text) - at)
        return decode(text, at)

    json_stream._decode = counted
    try:
        assert unwrapped(envelope(messages), [16]).text == as_text(messages)
    finally:
        json_stream._decode = decode
    assert sum(sizes) < 4 * 900_000
