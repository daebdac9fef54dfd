"""A stream of bytes that can be looked at before it is taken, and gone back in to a mark.

Every container reads from a Feed and yields blocks; wrapped in a Feed again, these blocks are what
the container inside reads. An error that a read meets is kept, and raised by `take` after
everything that came before it: whoever reads can first hand on what it holds, then let it pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from vpcflow.errors import ContainerError, InputError, UsageError

Block = bytes | memoryview
"""Unwrapped text. A memoryview is of a buffer that is used again: it is good until the next block
is asked for. A large file is read through one such buffer, which stays in the cache."""

CHUNK = 64 * 1024
REMEMBERED = 16 * 1024 * 1024
"""How many bytes since the mark are kept to go back to, where the stream cannot seek."""


class Feed:
    """pull(size) gives about `size` bytes more, b"" at the end. seek(offset), if there is one, sets
    the next byte that pull gives, counted from where the feed began.
    """

    def __init__(
        self, pull: Callable[[int], Block], seek: Callable[[int], None] | None = None
    ) -> None:
        self._pull = pull
        self._seek = seek
        self._ahead: list[bytes] = []
        self._error: InputError | None = None
        self._mark = 0
        self._since_mark: list[bytes] | None = None
        self._room = 0
        self._pulled = 0
        self.taken = 0
        """Bytes handed out: the offset of the byte that `take` gives next."""
        self.bytes_in = 0
        """Bytes pulled; going back does not lower it."""

    @classmethod
    def of_blocks(cls, blocks: Iterator[Block]) -> Feed:
        def pull(_size: int) -> Block:
            return next((block for block in blocks if len(block)), b"")

        return cls(pull)

    @classmethod
    def of_stream(cls, stream: BinaryIO, source: str) -> Feed:
        """Reads on from where `stream` stands, a single read at a time: no waiting for more."""
        read = getattr(stream, "read1", stream.read)

        def pull(size: int) -> bytes:
            try:
                data: object = read(size)
            except OSError as error:
                raise _stops(f"reading failed: {error}", source) from error
            if isinstance(data, bytes):
                return data
            if data is None:
                raise _stops("the stream has no data yet, and does not wait for them", source)
            raise UsageError(
                f"{source} gives {type(data).__name__}, not bytes",
                hint='open the file with mode "rb"',
            )

        return cls(pull, _seeker(stream))

    @property
    def failed(self) -> bool:
        """Whether a read has met an error, which `take` will raise."""
        return self._error is not None

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, or all there are before the end or an error, without taking."""
        held = sum(map(len, self._ahead))
        while held < size and self._error is None and (data := self._more(CHUNK)):
            self._ahead.append(bytes(data))
            held += len(data)
        if len(self._ahead) > 1:
            self._ahead = [b"".join(self._ahead)]
        return self._ahead[0][:size] if self._ahead else b""

    def take(self, size: int = CHUNK) -> bytes:
        """The next bytes, `size` or as many as there are at hand; b"" at the end."""
        return bytes(self.take_block(size))

    def take_block(self, size: int = CHUNK) -> Block:
        """As `take`; but what it gives may be overwritten by the next call."""
        data: Block
        if self._ahead:
            data = self._ahead.pop(0)
        elif self._error is None:
            data = self._more(size)
        else:
            data = b""
        if not data and self._error is not None:
            raise self._error
        self.taken += len(data)
        if self._since_mark is not None:
            self._remember(bytes(data))
        return data

    def unread(self, data: bytes) -> None:
        """Gives back the end of what was taken last. The mark is forgotten."""
        self._since_mark = None
        self.taken -= len(data)
        if data:
            self._ahead.insert(0, data)

    def exactly(self, size: int) -> bytes:
        """Takes `size` bytes, fewer only at the end."""
        data = self.peek(size)
        if len(data) < size and self._error is not None:
            raise self._error
        self._ahead = [rest] if (rest := self._ahead[0][size:] if self._ahead else b"") else []
        self.taken += len(data)
        return data

    def __iter__(self) -> Iterator[bytes]:
        while data := self.take():
            yield data

    def mark(self) -> None:
        """From here on, `rewind` is possible: for ever if the stream can seek, else for the next
        `REMEMBERED` bytes."""
        self._mark = self.taken
        self._since_mark = [] if self._seek is None else None
        self._room = REMEMBERED

    @property
    def can_seek(self) -> bool:
        return self._seek is not None

    @property
    def can_rewind(self) -> bool:
        return self._seek is not None or self._since_mark is not None

    def rewind(self) -> bool:
        """Back to the mark; False if that is not possible any more."""
        if self._seek is not None:
            try:
                self._seek(self._mark)
            except (OSError, ValueError):
                return False
            self._ahead = []
            self._pulled = self._mark
            self._error = None
        elif self._since_mark is not None:
            self._ahead[:0] = self._since_mark
            self._since_mark = None
        else:
            return False
        self.taken = self._mark
        return True

    def _more(self, size: int) -> Block:
        try:
            data = self._pull(size)
        except InputError as error:
            self._error = error
            return b""
        self._pulled += len(data)
        self.bytes_in = max(self.bytes_in, self._pulled)
        return data

    def _remember(self, data: bytes) -> None:
        assert self._since_mark is not None
        self._room -= len(data)
        if self._room < 0:
            self._since_mark = None
        else:
            self._since_mark.append(data)


def _stops(what: str, source: str) -> ContainerError:
    return ContainerError(what, source=source, container="stream")


def _seeker(stream: BinaryIO) -> Callable[[int], None] | None:
    """How to go back in `stream`, counted from where it stands now; None if it cannot."""
    try:
        if not stream.seekable():
            return None
        start = stream.tell()
    except (AttributeError, OSError, ValueError):
        return None

    def seek(offset: int) -> None:
        stream.seek(start + offset)

    return seek
