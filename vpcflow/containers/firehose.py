r"""What a flow log writes to Firehose: one `{"message": "<the line>"}` per record.

The objects may follow each other without newlines; members other than `message` are ignored. A line
that is not JSON is passed on as it is. A line that looks like an object, but is malformed or has no
message, is passed on with its blanks spelt `\u0020`, as JSON would: a single field, which no format
takes for a record, so it is rejected and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vpcflow.containers.feed import CHUNK, Feed
from vpcflow.containers.json_stream import BOM, JsonStream, MalformedJsonError, as_lines, gathered
from vpcflow.errors import InputError

NAME = "firehose"
_MEMBER = re.compile(rb'"message"\s*:\s*"')
_PREFIX = re.compile(rb'\{[ ]?"message":[ ]?"')
_SUFFIX = b'"}\n'
_LONG_LINE = 1024 * 1024
_CONTROLS = bytes(range(32))
_ONE_FIELD = str.maketrans({" ": "\\u0020", "\t": "\\t", "\r": "\\r"})


def sniff(head: bytes) -> bool:
    head = head.removeprefix(BOM).lstrip()
    first = head.startswith(b"{") and _MEMBER.search(head) is not None
    return first or b'\n{"message":' in head


def blocks(feed: Feed, *, source: str) -> Iterator[bytes]:
    """The messages as lines. Raises ContainerError, after all of them, if the data end within an
    object; what there is of it comes before the error, as a line without its end."""
    return gathered(_lines(JsonStream(feed, source, NAME)))


def _lines(stream: JsonStream) -> Iterator[bytes]:
    careful_until = 0  # offset in the stream
    while character := stream.peek():
        if character != "{":
            yield from _rest_of_line(stream, {})
            continue
        end = stream.text.rfind("\n", stream.at, stream.at + CHUNK) + 1
        if end and stream.offset >= careful_until:
            lines = _plain_records(stream.text[stream.at : end].encode("latin-1"))
            if lines:
                stream.at = end
                yield lines
                continue
            careful_until = stream.offset + end - stream.at
        yield from _record(stream)


def _plain_records(text: bytes) -> bytes:
    """The messages in `text`, complete lines, if each line is `{"message":"..."}` without an
    escape; else b"".

    All quotes belong to the seams between messages if there are four for every newline, and a
    seam for every newline but the last: so each line is one object and each message one line.
    """
    prefix = _PREFIX.match(text)
    if not prefix or not text.endswith(_SUFFIX) or b"\\" in text:
        return b""
    lines = text.count(b"\n")
    seam = _SUFFIX + prefix.group()
    if text.count(b'"') != 4 * lines or text.count(seam) != lines - 1:
        return b""
    if len(text.translate(None, _CONTROLS)) != len(text) - lines:
        return b""
    return text[prefix.end() : -len(_SUFFIX)].replace(seam, b"\n") + b"\n"


def _record(stream: JsonStream) -> Iterator[bytes]:
    start = stream.offset
    try:
        value = stream.value()
    except MalformedJsonError:
        yield from _rest_of_line(stream, _ONE_FIELD)
        return
    except InputError:
        yield _one_field(stream.text[stream.at : stream.at + _LONG_LINE])
        raise
    message = value.get("message")
    if isinstance(message, str):
        yield as_lines([message])
    else:
        yield _one_field(stream.text[stream.at - (stream.offset - start) : stream.at]) + b"\n"


def _one_field(text: str) -> bytes:
    return text.replace("\n", "\\n").translate(_ONE_FIELD).encode("latin-1")


def _rest_of_line(stream: JsonStream, changes: dict[int, str]) -> Iterator[bytes]:
    """What is left of the line at the cursor, however long it is."""
    while True:
        end = stream.text.find("\n", stream.at) + 1
        rest = stream.text[stream.at : end or len(stream.text)]
        stream.at += len(rest)
        yield rest.translate(changes).encode("latin-1")
        if end or not stream.more():
            return
