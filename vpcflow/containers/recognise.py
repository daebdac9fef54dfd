"""What a stream holds: by its content, layer by layer, down to the lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from vpcflow.containers import base64gzip, cloudwatch, export, firehose, gzip, refused, text
from vpcflow.containers.feed import Block, Feed
from vpcflow.containers.lines import Lines
from vpcflow.errors import ContainerError

HEAD = 64 * 1024
DEEPEST = 4
"""How many gzip and Base64 layers may lie in each other."""


class Container(Protocol):
    """What the module of a container has to offer."""

    NAME: str

    def sniff(self, head: bytes) -> bool: ...

    def blocks(self, feed: Feed, *, source: str) -> Iterator[Block]: ...


_WRAPPINGS: tuple[Container, ...] = (gzip, base64gzip)  # what they hold may be anything
_ENVELOPES: tuple[Container, ...] = (cloudwatch, firehose, export)  # what they hold is lines


def unwrap(stream: BinaryIO, source: str) -> Lines:
    """See `vpcflow.containers.unwrap`."""
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


def _content(feed: Feed, source: str) -> tuple[str, Iterator[Block]]:
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
