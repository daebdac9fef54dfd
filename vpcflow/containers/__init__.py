"""Containers: gzip, envelopes, exported lines -> blocks of lines.

What a stream holds is recognised by its content, never by a name, and everything nests. One module
is one container: `NAME`, `sniff(head)`, and `blocks(feed, source=)`, which yields the content.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from vpcflow.containers import base64gzip, cloudwatch, export, firehose, gzip, refused, text
from vpcflow.containers.feed import Feed
from vpcflow.containers.lines import Lines
from vpcflow.errors import ContainerError

__all__ = ["Lines", "unwrap"]

HEAD = 64 * 1024
DEEPEST = 4
"""How many gzip and Base64 layers may lie in each other."""


class Container(Protocol):
    """What a module here has to offer."""

    NAME: str

    def sniff(self, head: bytes) -> bool: ...

    def blocks(self, feed: Feed, *, source: str) -> Iterator[bytes]: ...


_WRAPPINGS: tuple[Container, ...] = (gzip, base64gzip)  # what they hold may be anything
_ENVELOPES: tuple[Container, ...] = (cloudwatch, firehose, export)  # what they hold is lines


def unwrap(stream: BinaryIO, *, source: str) -> Lines:
    """The lines in `stream`, from where it stands; `source` names it in errors.

    If the stream can seek, damaged gzip is read again from the member's start; until then, and
    otherwise, it is only read forward. `Lines.close` closes it. Errors in the data are raised by
    the iteration, after everything before them. Raises UsageError if the stream gives text.
    """
    feed = outermost = Feed.of_stream(stream, source)
    containers: list[str] = []
    while (found := _recognise(feed.peek(HEAD), _WRAPPINGS)) is not None:
        containers.append(found.NAME)
        if len(containers) > DEEPEST:
            error = ContainerError(
                f"more than {DEEPEST} containers in each other", source=source, container=found.NAME
            )
            return Lines(tuple(containers), _raise(error), outermost, stream.close)
        feed = Feed.of_blocks(found.blocks(feed, source=source))
    name, blocks = _content(feed, source)
    return Lines((*containers, name), blocks, outermost, stream.close)


def _content(feed: Feed, source: str) -> tuple[str, Iterator[bytes]]:
    head = feed.peek(HEAD)
    if kind := refused.recognise(head):
        return kind.name, _raise(refused.refusal(kind, source))
    found = _recognise(head, _ENVELOPES)
    if found is None and (kind := refused.other_json(head)):
        return kind.name, _raise(refused.refusal(kind, source))
    module = found or text
    return module.NAME, module.blocks(feed, source=source)


def _recognise(head: bytes, modules: tuple[Container, ...]) -> Container | None:
    return next((module for module in modules if module.sniff(head)), None)


def _raise(error: ContainerError) -> Iterator[bytes]:
    yield from ()
    raise error
