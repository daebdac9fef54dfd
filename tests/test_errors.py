"""Errors as values: what they say, how they compare, that they survive a process boundary."""

from __future__ import annotations

import copy
import pickle
from contextlib import contextmanager
from string import printable as ascii_printable

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.errors import (
    REASON_MEANINGS,
    REASONS,
    ContainerError,
    FormatError,
    InputError,
    PluginError,
    RecordError,
    RejectedLine,
    UsageError,
    VpcflowError,
    nearest,
    printable,
)
from vpcflow.fields import FIELDS

BAD_PORT = RejectedLine("a.log", 3, 120, "not-an-integer", "srcport", b"2 unknown eni-1 \x1b[31m")
ONE_OF_EACH = [
    InputError("no logs in it", source="logs/", hint="give a directory of logs"),
    FormatError("not known", source="a.log", line=b"a b", hint="give it"),
    RecordError(BAD_PORT),
    ContainerError("the checksum is wrong", source="a.gz", container="gzip", offset=17),
    UsageError("threads=0", hint="1 or more"),
    PluginError("not importable", plugin="geoip"),
]
each_error = pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda e: type(e).__name__)


def test_the_families_are_those_that_callers_catch():
    assert {type(e): type(e).__mro__[1] for e in ONE_OF_EACH} == {
        InputError: VpcflowError,
        FormatError: InputError,
        RecordError: InputError,
        ContainerError: InputError,
        UsageError: VpcflowError,
        PluginError: VpcflowError,
    }


def test_the_base_itself_cannot_be_raised():
    with pytest.raises(TypeError, match="subclasses"):
        VpcflowError("something")


@each_error
def test_an_error_is_equal_to_its_copies_and_to_no_other(error):
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert other is not error
        assert other == error
        assert hash(other) == hash(error)
        assert str(other) == str(error)
    assert [e for e in ONE_OF_EACH if e == error] == [error]


@each_error
def test_an_error_cannot_be_changed_but_can_be_raised_chained_and_noted(error):
    with pytest.raises(FrozenInstanceError):
        error.message = "another"

    @contextmanager
    def passing_through():
        yield

    with pytest.raises(type(error)) as caught, passing_through():
        raise copy.copy(error) from ValueError("cause")
    caught.value.add_note("while testing")
    assert caught.value == error
    assert str(caught.value.__cause__) == "cause"
    assert caught.value.__notes__ == ["while testing"]


@each_error
def test_tools_that_look_at_args_find_the_message(error):
    assert error.args == (error.message,)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ONE_OF_EACH[0], "logs/: no logs in it\n  to mend it: give a directory of logs"),
        (ONE_OF_EACH[1], "a.log: not known\n  the line: a b\n  to mend it: give it"),
        (
            ONE_OF_EACH[2],
            "a.log: line 3 (at byte 120): not-an-integer in field srcport: "
            "not a plain decimal integer\n"
            "  the line: 2 unknown eni-1 \\x1b[31m\n"
            '  to mend it: on_error="collect" sets bad lines aside and goes on',
        ),
        (ONE_OF_EACH[3], "a.gz (gzip, byte 17): the checksum is wrong"),
        (
            ContainerError("no JSON", source="a", container="cloudwatch"),
            "a (cloudwatch): no JSON",
        ),
        (ONE_OF_EACH[4], "threads=0\n  to mend it: 1 or more"),
        (ONE_OF_EACH[5], "plugin geoip: not importable"),
    ],
)
def test_the_text_says_where_what_and_what_would_mend_it(error, text):
    assert str(error) == text


def test_a_record_error_has_the_facts_of_its_line():
    error = RecordError(BAD_PORT)
    assert (error.line, error.source) == (BAD_PORT, "a.log")
    assert error.message == BAD_PORT.verdict


def test_the_reasons_are_a_closed_list():
    assert REASONS == (
        "too-few-fields",
        "too-many-fields",
        "not-an-integer",
        "out-of-range",
        "not-utf8",
        "bad-percent-encoding",
        "line-too-long",
        "truncated",
    )
    assert tuple(REASON_MEANINGS) == REASONS
    with pytest.raises(ValueError, match="because"):
        RejectedLine("a", 1, 0, "because", None, b"")


@pytest.mark.parametrize("reason", REASONS)
def test_a_rejected_line_says_its_position_and_reason(reason):
    line = RejectedLine("a.log", 7, 99, reason, None, b"2 x")
    expected = f"a.log: line 7 (at byte 99): {reason}: {REASON_MEANINGS[reason]}: 2 x"
    assert str(line) == expected


@given(st.binary(max_size=10_000))
def test_no_more_than_4096_bytes_of_a_line_are_kept(text):
    rejected = RejectedLine("a", 1, 0, "line-too-long", None, text)
    assert rejected.text == text[:4096]
    assert FormatError("m", line=text).line == text[:4096]


@given(st.text() | st.binary(), st.none() | st.integers(0, 40))
def test_shown_text_cannot_steer_a_terminal(text, limit):
    shown = printable(text, limit)
    assert shown.isprintable()
    if limit is not None:
        assert len(shown) <= 10 * limit + 40


@given(st.text(ascii_printable[:95]), st.integers(0, 40))
def test_shown_text_is_the_text_or_says_that_it_was_cut(text, limit):
    assert printable(text) == printable(text.encode()) == text
    cut = f"{text[:limit]}... ({len(text)} characters)"
    assert printable(text, limit) == (text if len(text) <= limit else cut)


@each_error
def test_names_from_outside_cannot_steer_a_terminal(error):
    hostile = "x\x1b]0;\x07\n"
    facts = {"source": hostile, "plugin": hostile, "line": hostile.encode()}
    if isinstance(error, RecordError):
        facts = {"line": RejectedLine(hostile, 1, 0, "truncated", hostile, hostile.encode())}
    kept = {name: value for name, value in facts.items() if hasattr(error, name)}
    rebuild, (kind, known) = error.__reduce__()
    lines = str(rebuild(kind, {**known, **kept})).split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) == len(str(error).split("\n"))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("src-adr", "srcaddr"),
        ("source-port", "srcport"),
        ("srcAddr", "srcaddr"),
        ("${pkt-srcaddr", "pkt_srcaddr"),
        ("nextHopAzId", "next_hop_az_id"),
        ("Account-Id", "account_id"),
        ("zzz", None),
        ("", None),
    ],
)
def test_a_misspelt_name_finds_the_one_that_was_meant(name, meant):
    assert nearest(name, FIELDS) == meant


@given(st.sampled_from(sorted(FIELDS)), st.data())
def test_a_name_with_one_letter_lost_finds_a_known_name(name, data):
    at = data.draw(st.integers(0, len(name) - 1))
    assert nearest(name[:at] + name[at + 1 :], FIELDS) in FIELDS


def test_nothing_known_nothing_near():
    assert nearest("srcaddr", []) is None
