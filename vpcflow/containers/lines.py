"""The lines of one source, out of whatever containers they came in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vpcflow.containers.feed import Block, Feed

ENOUGH_LINES = 100


class Lines:
    """An iterator over blocks of unwrapped text: `bytes` of any size up to about 1 MiB, not
    aligned to lines.

    A damaged source, or one that cannot be read on, gives everything that can be decoded before
    the damage; then the iteration raises a ContainerError.
    """

    def __init__(
        self,
        containers: tuple[str, ...],
        blocks: Iterator[Block],
        outermost: Feed,
        close: Callable[[], object],
    ) -> None:
        self.containers = containers
        """What the lines are wrapped in, outermost first: ("gzip", "cloudwatch"), ("text",)."""
        self._text = Feed.of_blocks(blocks)
        self._outermost = outermost
        self._close = close

    @property
    def bytes_in(self) -> int:
        """Bytes read from the source so far, as stored: compressed, enveloped."""
        return self._outermost.bytes_in

    @property
    def damaged(self) -> bool:
        """Whether the end that `head` has come to is not the source's own."""
        return self._text.failed

    def head(self, n: int = 64 * 1024) -> bytes:
        """The beginning of what is still to be iterated, without taking it: `n` bytes, or all where
        the text (or what can be read of it) ends before. Where 100 lines that are not blank come
        first it may be less, but whole lines then."""
        size = min(4096, n)
        while True:
            head = self._text.peek(size)
            if len(head) < size or size == n:
                return head
            whole = head[: head.rfind(b"\n") + 1]
            if sum(not line.isspace() for line in whole.splitlines(keepends=True)) >= ENOUGH_LINES:
                return whole
            size = min(2 * size, n)

    def close(self) -> None:
        """Closes the stream under it."""
        self._close()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def in_place(self) -> Iterator[Block]:
        """The blocks without a copy: each is only good until the next one is asked for."""
        while block := self._text.take_block():
            yield block
            block = b""

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> bytes:
        block = self._text.take()
        if not block:
            raise StopIteration
        return block
