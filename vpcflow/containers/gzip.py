"""gzip (RFC 1952): one member or several, inflated by isal where it is installed, else by zlib.

isal is three times as fast, but a call that meets damage loses what it had decoded. So on any
trouble the member is read once more by zlib, whose state can be copied before each call: it
goes to the very byte at which decoding stops, and its verdict counts. Going back needs a stream
that can seek or a member of less than `feed.REMEMBERED` compressed bytes; without either, up to
`SMALL_PIECE` bytes of text before the damage are lost, and the error says so. (isal also goes on
through incomplete Huffman codes, where zlib stops: then it is the CRC that tells.)
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Any, NoReturn

from vpcflow.containers.feed import Block, Feed
from vpcflow.errors import ContainerError, InputError

NAME = "gzip"
MAGIC = b"\x1f\x8b"
PACKED = 128 * 1024
"""Compressed bytes that are inflated in one call."""
PIECE = 512 * 1024
"""Text that one call gives at most, however well it was compressed."""
SMALL_PIECE = 64 * 1024
PADDING = b"\x00\r\n"
"""May follow a member: zeros from tapes and block devices, newlines from Firehose."""
LONGEST_NAME = 64 * 1024


def sniff(head: bytes) -> bool:
    return head.startswith(MAGIC)


def blocks(feed: Feed, *, source: str) -> Iterator[Block]:
    """The text of all members.

    Raises ContainerError, after all that can be decoded: truncated, corrupt deflate data, CRC or
    length mismatch, garbage after the last member.
    """
    isal = _isal()
    given = 0
    if isal is not None and feed.can_seek and _goes_back(feed):
        file = _igzip(feed)
        # the file's own readinto is io's, which makes bytes and copies them; that of its buffer
        # writes straight into ours
        reader = getattr(file, "_buffer", file)
        buffer = memoryview(bytearray(PIECE))
        while (size := _unless_in_trouble(reader, buffer, isal)) is not None:
            if not size:
                return
            given += size
            yield buffer[:size]
        feed.rewind()
    yield from _without_the_first(given, _members(feed, source, isal))


def _goes_back(feed: Feed) -> bool:
    """Whether the stream keeps what it says and can return to here. It is tried before anything
    is taken, since all would be lost if it could not when damage comes up."""
    feed.mark()
    return feed.rewind()


def _igzip(feed: Feed) -> Any:
    """isal's own reader over all members."""
    from isal import igzip

    class Packed(io.RawIOBase):
        """The compressed bytes; IGzipFile asks for them by `read`, or `readinto`."""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            data = feed.take(len(buffer))
            if len(data) > len(buffer):
                feed.unread(data[len(buffer) :])
                data = data[: len(buffer)]
            buffer[: len(data)] = data
            return len(data)

    open_file: Any = igzip.IGzipFile  # it has no types
    return open_file(fileobj=Packed(), mode="rb")


def _unless_in_trouble(reader: Any, buffer: memoryview, isal: Any) -> int | None:
    """The size of the next piece; None where anything is wrong. The careful way will find out
    what it is."""
    try:
        size: int = reader.readinto(buffer)
        return size
    except (OSError, EOFError, isal.error, InputError):
        return None


def _members(feed: Feed, source: str, isal: Any) -> Iterator[bytes]:
    yield from _Member(feed, source, isal).pieces()
    while _another_follows(feed):
        if not MAGIC.startswith(feed.peek(2)):
            raise _damage(feed, source, "garbage follows the last member")
        yield from _Member(feed, source, isal).pieces()


def _isal() -> Any:
    try:
        from isal import isal_zlib
    except ImportError:
        return None
    return isal_zlib


def _another_follows(feed: Feed) -> bool:
    while data := feed.take():
        if rest := data.lstrip(PADDING):
            feed.unread(rest)
            return True
    return False


def _damage(feed: Feed, source: str, what: str, offset: int | None = None) -> ContainerError:
    at = feed.taken if offset is None else offset
    return ContainerError(what, source=source, container=NAME, offset=at)


class _Member:
    """One gzip member: header, deflate data, CRC and length."""

    def __init__(self, feed: Feed, source: str, isal: Any) -> None:
        self.feed = feed
        self.source = source
        self.isal = isal
        self.crc32 = (isal or zlib).crc32
        self.header = b""
        self.crc = 0
        self.size = 0

    def pieces(self) -> Iterator[bytes]:
        self._skip_header()
        self.feed.mark()
        for piece in self._careful() if self.isal is None else self._fast_or_careful():
            self.crc = self.crc32(piece, self.crc)
            self.size += len(piece)
            yield piece
            piece = b""  # let go: the next one takes its place in the cache
        self._check_trailer()

    def _fast_or_careful(self) -> Iterator[bytes]:
        try:
            yield from self._fast()
            return
        except (self.isal.error, EOFError, InputError) as error:
            trouble = error
        if self.feed.rewind():
            yield from _without_the_first(self.size, self._careful())
        elif isinstance(trouble, InputError):
            raise trouble
        elif isinstance(trouble, EOFError):
            raise self._truncated()
        else:
            lost = f"up to {SMALL_PIECE // 1024} KiB of text before it are lost"
            raise _damage(self.feed, self.source, f"corrupt deflate data ({trouble}); {lost}")

    def _fast(self) -> Iterator[bytes]:
        feed, inflater = self.feed, self.isal.decompressobj(-zlib.MAX_WBITS)
        full = False  # the last call gave all that it was allowed to: there may be more
        while not inflater.eof:
            packed = inflater.unconsumed_tail
            if not packed and not full:
                packed = feed.take(PACKED)
                if not packed:
                    raise EOFError
            limit = PIECE if feed.can_rewind else SMALL_PIECE
            piece = inflater.decompress(packed, limit)
            full = len(piece) >= limit
            if piece:
                yield piece
            piece = packed = b""
        feed.unread(inflater.unused_data)

    def _careful(self) -> Iterator[bytes]:
        """All that zlib can decode, then ContainerError if that is not the whole member."""
        feed, inflater = self.feed, zlib.decompressobj(-zlib.MAX_WBITS)
        piece = b""
        while not inflater.eof:
            packed = inflater.unconsumed_tail
            if not packed and len(piece) < PIECE:
                packed = feed.take(PACKED)
                if not packed:
                    raise self._truncated()
            before = inflater.copy()
            try:
                piece = inflater.decompress(packed, PIECE)
            except zlib.error:
                yield from self._up_to_the_damage(before, packed)
                raise
            if piece:
                yield piece
        feed.unread(inflater.unused_data)

    def _up_to_the_damage(self, inflater: Any, packed: bytes) -> Iterator[bytes]:
        start = self.feed.taken - len(packed)
        for index in range(len(packed)):
            try:
                piece = inflater.decompress(packed[index : index + 1])
            except zlib.error as error:
                reason = str(error).rpartition(": ")[2]
                what = f"corrupt deflate data ({reason})"
                raise _damage(self.feed, self.source, what, start + index) from None
            if piece:
                yield piece

    def _skip_header(self) -> None:
        """Raises ContainerError if the header is truncated or not as RFC 1952 section 2.3 says."""
        start = self.feed.taken
        header = self._header_bytes(10)
        method, flags = header[2], header[3]
        if method != 8 or flags & 0xE0:
            self._corrupt_header(f"compression method {method}, flags {flags:#04x}", start)
        if flags & 0x04:  # extra field
            self._header_bytes(int.from_bytes(self._header_bytes(2), "little"))
        for flag in (0x08, 0x10):  # file name, comment
            if flags & flag:
                self._skip_text()
        if flags & 0x02:
            crc = zlib.crc32(self.header) & 0xFFFF
            if int.from_bytes(self._header_bytes(2), "little") != crc:
                self._corrupt_header("CRC mismatch", start)

    def _header_bytes(self, size: int) -> bytes:
        data = self.feed.exactly(size)
        if len(data) < size:
            raise _damage(self.feed, self.source, "truncated in the header of a member")
        self.header += data
        return data

    def _corrupt_header(self, why: str, offset: int) -> NoReturn:
        raise _damage(self.feed, self.source, f"corrupt header ({why})", offset)

    def _skip_text(self) -> None:
        text = self.feed.peek(LONGEST_NAME)
        end = text.find(b"\x00")
        if end < 0 and len(text) == LONGEST_NAME:
            self._corrupt_header("endless file name or comment", self.feed.taken)
        self._header_bytes(end + 1 if end >= 0 else len(text) + 1)

    def _check_trailer(self) -> None:
        start = self.feed.taken
        crc = self._trailer_number()
        if crc != self.crc:
            what = f"CRC mismatch: {crc:08x} is stored, the text has {self.crc:08x}"
            raise _damage(self.feed, self.source, f"{what}; some of the lines are damaged", start)
        size = self._trailer_number()
        if size != self.size & 0xFFFFFFFF:
            what = f"length mismatch: {size} bytes are stored, the text has {self.size}"
            raise _damage(self.feed, self.source, what, start + 4)

    def _trailer_number(self) -> int:
        data = self.feed.exactly(4)
        if len(data) < 4:
            raise self._truncated()
        return int.from_bytes(data, "little")

    def _truncated(self) -> ContainerError:
        return _damage(self.feed, self.source, "truncated: the data ends within a member")


def _without_the_first(size: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        if size < len(piece):
            yield piece[size:] if size else piece
        size -= min(size, len(piece))
