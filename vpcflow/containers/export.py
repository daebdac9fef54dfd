"""Lines that CloudWatch Logs exported to S3: `<ISO 8601 time> <message>`.

One such token is taken off each line that has it; other lines are passed on as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vpcflow.containers.feed import Feed
from vpcflow.containers.json_stream import BOM
from vpcflow.containers.text import BLOCK
from vpcflow.errors import InputError

NAME = "export"
_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z[ \t]"
_LONGEST_TIME = len("2024-01-01T00:00:00.000000000Z ")
_AT_LINE_START = re.compile(rb"\n" + _TIME)
_LOOKED_AT = 4096


def sniff(head: bytes) -> bool:
    return _AT_LINE_START.search(b"\n" + head[:_LOOKED_AT].removeprefix(BOM)) is not None


def blocks(feed: Feed, *, source: str) -> Iterator[bytes]:
    """The lines without their times."""
    if feed.peek(len(BOM)) == BOM:
        feed.exactly(len(BOM))
    stripped = _stripped(feed)
    first = next(stripped)
    yield first[1:]  # without the newline that _stripped began with
    yield from stripped


def _stripped(feed: Feed) -> Iterator[bytes]:
    held = b"\n"  # the end of the text so far, if it is a newline and too little to decide
    try:
        for chunk in _chunks(feed):
            text = held + chunk
            last = text.rfind(b"\n")
            if last >= 0 and len(text) - last <= _LONGEST_TIME:
                text, held = text[:last], text[last:]
            else:
                held = b""
            if text:
                yield _AT_LINE_START.sub(b"\n", text)
    except InputError:
        yield _AT_LINE_START.sub(b"\n", held)
        raise
    yield _AT_LINE_START.sub(b"\n", held)


def _chunks(feed: Feed) -> Iterator[bytes]:
    while chunk := feed.take(BLOCK):
        yield chunk
