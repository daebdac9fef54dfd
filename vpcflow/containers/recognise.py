"""What a stream holds: by its content, layer by layer, down to the lines."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Protocol, cast

from attrs import frozen

from vpcflow.containers import base64gzip, cloudwatch, export, firehose, gzip, refused, text
from vpcflow.containers.contract import ColumnContainer, LineContainer
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


Others = Callable[[], Iterable[tuple[str, LineContainer | ColumnContainer]]]
"""Gives the containers that plugins have registered, by name; called only if none here fits."""


@frozen
class Columns:
    """A file that holds columns already, and the container that reads it."""

    name: str
    container: ColumnContainer


_WRAPPINGS: tuple[Container, ...] = (gzip, base64gzip)  # what they hold may be anything
_ENVELOPES: tuple[Container, ...] = (cloudwatch, firehose, export)  # what they hold is lines


def unwrap(stream: BinaryIO, source: str, others: Others) -> Lines | Columns:
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
    head = feed.peek(HEAD)
    if not _is_ours(head) and (other := _other(head, others())) is not None:
        name, container = other
        if hasattr(container, "batches"):
            return _columns(name, container, containers, stream, source)
        blocks = container.blocks(cast(BinaryIO, io.BufferedReader(_Reading(feed))))
        containers.append(name)
        feed = Feed.of_blocks(blocks)
        head = feed.peek(HEAD)
    name, blocks = _content(head, feed, source)
    return Lines((*containers, name), blocks, outermost, stream.close)


def _is_ours(head: bytes) -> bool:
    """Whether these are lines, or in an envelope that is built in: then no plugin is asked, and
    none has to be loaded to read them."""
    begin = head[:4096]
    plain = begin.isascii() and not any(byte < 0x20 and byte not in b"\t\n\r" for byte in begin)
    return (plain and begin[:1] not in (b"{", b"[", b"<")) or _recognise(
        head, _ENVELOPES
    ) is not None


def _other(
    head: bytes, others: Iterable[tuple[str, LineContainer | ColumnContainer]]
) -> tuple[str, Any] | None:
    return next(((name, container) for name, container in others if container.sniff(head)), None)


def _columns(
    name: str, container: ColumnContainer, outer: list[str], stream: BinaryIO, source: str
) -> Columns:
    stream.close()
    if outer:
        raise ContainerError(
            f"{name} inside {outer[-1]} cannot be read: a file of columns is read in parts",
            source=source,
            container=name,
            hint=f"unpack the {outer[-1]} layer first",
        )
    return Columns(name, container)


class _Reading(io.RawIOBase):
    """A feed as a stream, for containers of plugins."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        data = self._left or self._feed.take()
        size = min(len(data), len(target))
        target[:size] = data[:size]
        self._left = data[size:]
        return size


def _content(head: bytes, feed: Feed, source: str) -> tuple[str, Iterator[Block]]:
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
