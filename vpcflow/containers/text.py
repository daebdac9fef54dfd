"""Plain text: the lines themselves. Whatever no other container recognises is taken for it."""

from __future__ import annotations

from collections.abc import Iterator

from vpcflow.containers.feed import Block, Feed

NAME = "text"
BLOCK = 256 * 1024


def sniff(head: bytes) -> bool:
    return True


def blocks(feed: Feed, *, source: str) -> Iterator[Block]:
    while block := feed.take_block(BLOCK):
        yield block
        block = b""  # let go: the next one takes its place in the cache
