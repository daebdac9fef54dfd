"""What a CloudWatch Logs subscription delivers: JSON objects with a message per log event.

Any number of objects, with or without something blank between them. `CONTROL_MESSAGE`s (AWS probes
whether the destination can be reached) are dropped. A Lambda event, `{"awslogs": {"data": ...}}`,
holds the same objects in Base64 and gzip.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, cast

from vpcflow.containers import base64gzip, gzip
from vpcflow.containers.feed import Feed
from vpcflow.containers.json_stream import (
    BOM,
    LARGEST,
    JsonStream,
    MalformedJsonError,
    as_lines,
    gathered,
)
from vpcflow.errors import InputError

NAME = "cloudwatch"
WHOLE = 1024 * 1024
"""An object up to this size is decoded at once, a larger one event by event."""
DEEPEST = 4
"""Lambda events within Lambda events."""
_MEMBER = re.compile(rb'"(?:messageType|logEvents|awslogs)"\s*:')


def sniff(head: bytes) -> bool:
    head = head.removeprefix(BOM).lstrip()
    return head.startswith(b"{") and _MEMBER.search(head) is not None


def blocks(feed: Feed, *, source: str, depth: int = 0) -> Iterator[bytes]:
    """The messages as lines.

    Raises ContainerError, after all messages before it: malformed JSON, an object of another kind
    or of more than 64 MiB, data that end within an object.
    """
    return gathered(_messages(feed, source, depth))


def _messages(feed: Feed, source: str, depth: int) -> Iterator[bytes]:
    stream = JsonStream(feed, source, NAME)
    try:
        while character := stream.peek():
            if character != "{":
                raise stream.damage(f"a JSON object is expected, not {character!r}")
            start = stream.offset
            try:
                value = stream.value(WHOLE)
            except (MalformedJsonError, InputError):
                value = None  # too large, or damaged: then the same error comes again further on
            if value is None:
                yield from _event_by_event(stream, depth)
            else:
                yield from _of_object(stream, value, start, depth)
    except MalformedJsonError as error:
        raise stream.damage(f"malformed JSON: {error}", error.offset) from None


def _of_object(
    stream: JsonStream, value: dict[str, Any], start: int, depth: int
) -> Iterator[bytes]:
    if value.get("messageType") == "CONTROL_MESSAGE":
        return
    if "awslogs" in value:
        yield from _of_lambda_event(stream, value["awslogs"], start, depth)
    elif isinstance(events := value.get("logEvents"), list):
        messages = list(takewhile(lambda message: message is not None, map(_message, events)))
        yield as_lines(cast("list[str]", messages))
        if len(messages) < len(events):
            raise stream.damage("a log event without a message", start)
    else:
        members = ", ".join(map(repr, list(value)[:8])) or "none"
        raise stream.damage(f"an object without logEvents; its members: {members}", start)


def _event_by_event(stream: JsonStream, depth: int) -> Iterator[bytes]:
    """Events are handed on before their object ends. Without a messageType before them (AWS writes
    it first) they count as data."""
    start = stream.offset
    control = known = False
    for _ in stream.items("{", "}"):
        name = stream.key()
        if name == "logEvents" and stream.peek() == "[" and not control:
            known = True
            for _ in stream.items("[", "]"):
                at = stream.offset
                message = _message(stream.value())
                if message is None:
                    raise stream.damage("a log event without a message", at)
                _check_size(stream, start)
                yield as_lines([message])
            continue
        at = stream.offset
        value = stream.value()
        _check_size(stream, start)
        if name == "messageType" and value == "CONTROL_MESSAGE":
            control = known = True
        elif name == "awslogs":
            known = True
            yield from _of_lambda_event(stream, value, at, depth)
    if not known:
        raise stream.damage("an object without logEvents", start)


def _check_size(stream: JsonStream, start: int) -> None:
    if stream.offset - start > LARGEST:
        raise stream.damage(f"a JSON object of more than {LARGEST} bytes", start)


def _message(event: Any) -> str | None:
    message = event.get("message") if isinstance(event, dict) else None
    return message if isinstance(message, str) else None


def _of_lambda_event(stream: JsonStream, value: Any, start: int, depth: int) -> Iterator[bytes]:
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, str):
        raise stream.damage("a Lambda event without awslogs.data", start)
    if depth == DEEPEST:
        raise stream.damage("Lambda events are nested too deeply", start)
    source = stream.source
    packed = Feed.of_blocks(iter([data.encode("latin-1")]))
    unpacked = Feed.of_blocks(base64gzip.blocks(packed, source=source))
    if not gzip.sniff(unpacked.peek(2)):
        raise stream.damage("the data of a Lambda event is not gzip in Base64", start)
    text = Feed.of_blocks(gzip.blocks(unpacked, source=source))
    yield from blocks(text, source=source, depth=depth + 1)
