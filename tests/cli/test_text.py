"""What is shown of a log never speaks to the terminal, whatever stands in it."""

from __future__ import annotations

import json
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from vpcflow.cli.screen import Screen, cells, pad, shorten, wrap
from vpcflow.cli.table import Table
from vpcflow.cli.text import safe_json, safe_lines

PLAIN = Screen(True, 80, 24, lambda text, style: text)
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\u2066\x7f\x00\r\b"
any_text = st.text() | st.text(alphabet=HOSTILE)


@given(any_text)
def test_messages_keep_their_lines_and_nothing_else_that_does_not_print(text: str) -> None:
    assert all(line.isprintable() for line in safe_lines(text).split("\n"))


def test_escapes_are_visible() -> None:
    assert safe_lines("a\x1b[31mb\u202ec\nd") == "a\\x1b[31mb\\u202ec\nd"


@given(st.dictionaries(any_text, any_text))
def test_json_for_a_terminal_prints_and_means_the_same(record: dict[str, str]) -> None:
    try:
        line = json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate: jsonl of records never holds one
        return
    shown = safe_json(line + b"\n")
    assert shown.removesuffix("\n").isprintable()
    assert json.loads(shown) == record


@given(any_text, any_text, st.integers(20, 200))
def test_a_table_holds_nothing_that_does_not_print(tag: str, address: str, width: int) -> None:
    record = SimpleNamespace(instance_tag=tag, srcaddr=address, action=tag, log_status=None)
    screen = Screen(True, width, 24, lambda text, style: text)
    for chosen in (True, False):
        table = Table(screen, list(vars(record)), chosen=chosen)
        lines = [*table.page([record]), *table.notes()]
        assert all(line.isprintable() for line in lines)


@given(st.text(alphabet="ab é漢😀", max_size=40), st.integers(1, 60))
def test_shortened_text_fits_and_says_that_it_was_cut(text: str, width: int) -> None:
    short = shorten(text, width)
    assert cells(short) <= width
    assert short == text or "…" in short
    assert cells(pad(short, width)) == width


@given(st.lists(st.text(alphabet="abc漢", min_size=1, max_size=12), min_size=1),
       st.integers(20, 80))  # fmt: skip
def test_wrapped_text_loses_no_word_and_stays_within_the_width(
    words: list[str], width: int
) -> None:
    lines = wrap(" ".join(words), width, "    ", "said: ")
    assert " ".join(line.strip() for line in lines) == "said: " + " ".join(words)
    assert all(cells(line) <= max(width, 4 + 24) for line in lines)
