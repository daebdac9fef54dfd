"""JSON values one after another, out of a stream that may end, or break, anywhere.

The bytes are decoded as Latin-1: one character is one byte, so an index is an offset, no character
is ever cut in two, and a message gives its bytes back unchanged, UTF-8 or not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from vpcflow.containers.feed import CHUNK, Feed
from vpcflow.errors import ContainerError, InputError

BOM = b"\xef\xbb\xbf"
LARGEST = 64 * 1024 * 1024
"""The largest JSON object that is read, in bytes."""

_decode = json.JSONDecoder().raw_decode
_NOT_BLANK = re.compile(r"[^ \t\r\n]")
_LITERALS = ("true", "false", "null", "NaN", "-Infinity", "Infinity")
_CUT_NUMBER = re.compile(r"[.eE][+-]?")
_ESCAPE = 7  # a \uXXXX escape that is cut leaves fewer characters than this
_ENDS_WITHIN = "truncated: the data ends within a JSON object"


class MalformedJsonError(Exception):
    """What is at `offset` is not JSON, however the stream goes on."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(what)
        self.offset = offset


class JsonStream:
    """A cursor `at` in `text`, the part of the stream that is being looked at.

    Strings in the values are Latin-1, see above: `as_lines` makes bytes of them.
    """

    def __init__(self, feed: Feed, source: str, container: str) -> None:
        self.text = ""
        self.at = 0
        self._feed = feed
        self.source = source
        self._container = container
        self._start = len(BOM) if feed.peek(len(BOM)) == BOM else 0  # offset of text[0]
        feed.exactly(self._start)

    @property
    def offset(self) -> int:
        """The cursor's byte in the stream."""
        return self._start + self.at

    def more(self, size: int = 1) -> bool:
        """Lets go of what is before the cursor and reads at least `size` bytes, fewer at the end;
        False if there are none. Raises the InputError of a damaged stream once all was given."""
        chunks: list[bytes] = []
        missing = size
        try:
            while missing > 0 and (chunk := self._feed.take()):
                chunks.append(chunk)
                missing -= len(chunk)
        except InputError:
            if not chunks:
                raise
        self.text = self.text[self.at :] + b"".join(chunks).decode("latin-1")
        self._start += self.at
        self.at = 0
        return bool(chunks)

    def peek(self) -> str:
        """Moves on to the next character that is not blank and returns it; "" at the end."""
        while True:
            found = _NOT_BLANK.search(self.text, self.at)
            if found:
                self.at = found.start()
                return found.group()
            self.at = len(self.text)
            if not self.more():
                return ""

    def value(self, largest: int = LARGEST) -> Any:
        """The value at the cursor, which moves behind it. If it cannot be had the cursor stays.

        Raises MalformedJsonError, and ContainerError if the stream ends or is damaged within the
        value, or the value takes more than `largest` bytes.
        """
        while True:
            try:
                value, end = _decode(self.text, self.at)
                complete = end < len(self.text) or not isinstance(value, int | float)
                if complete and self.text.find("\\u", self.at, end) >= 0:
                    value = self._decode_as_utf8(end)
            except (ValueError, RecursionError) as error:
                if not self._may_be_cut(error):
                    at = error.pos if isinstance(error, json.JSONDecodeError) else self.at
                    what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                    raise MalformedJsonError(what, self._start + at) from None
                complete = False
            if complete and end - self.at <= largest:
                self.at = end
                return value
            self._grow(largest)

    def items(self, opening: str, closing: str) -> Iterator[None]:
        """Stops at each item of the object or array at the cursor, and at last goes behind it.

        Whoever iterates takes the item with `value` (a member: with `key` and `value`).
        """
        self._expect(opening)
        if self.peek() == closing:
            self.at += 1
            return
        while True:
            yield
            if self.peek() == closing:
                self.at += 1
                return
            self._expect(",")
            self.peek()

    def key(self) -> str:
        """The member's name at the cursor, which moves to the member's value."""
        if self.peek() != '"':
            self._expect('"')
        name: str = self.value()
        self._expect(":")
        self.peek()
        return name

    def damage(self, what: str, offset: int | None = None) -> ContainerError:
        """The error to raise for what is at `offset`, or else at the cursor."""
        at = self.offset if offset is None else offset
        return ContainerError(what, source=self.source, container=self._container, offset=at)

    def _expect(self, character: str) -> None:
        found = self.peek()
        if not found:
            raise self.damage(_ENDS_WITHIN)
        if found != character:
            raise MalformedJsonError(f"expecting {character!r}", self.offset)
        self.at += 1

    def _grow(self, largest: int) -> None:
        """Doubles what is held of the value, so that trying again costs no more than before."""
        held = len(self.text) - self.at
        if held > largest:
            raise self.damage(f"a JSON object of more than {largest} bytes")
        if not self.more(min(max(held, CHUNK), largest + 1 - held)):
            raise self.damage(_ENDS_WITHIN)

    def _may_be_cut(self, error: Exception) -> bool:
        if not isinstance(error, json.JSONDecodeError):
            return False
        if error.msg.startswith("Unterminated string"):
            return True
        rest = self.text[error.pos : error.pos + 2 * _ESCAPE]
        if error.msg.startswith("Invalid \\"):
            return len(rest) < _ESCAPE
        is_cut = any(literal.startswith(rest) for literal in _LITERALS)
        return is_cut or _CUT_NUMBER.fullmatch(rest) is not None

    def _decode_as_utf8(self, end: int) -> Any:
        r"""The value once more: what a \u escape stands for is UTF-8, as the text around it is."""
        as_bytes = self.text[self.at : end].encode("latin-1")
        return _in_latin1(json.loads(as_bytes.decode("utf-8", "surrogateescape")))


def _in_latin1(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape").decode("latin-1")
        except UnicodeEncodeError:  # half a surrogate pair: no text; rejected as not-utf8 later
            return value.encode("utf-8", "surrogatepass").decode("latin-1")
    if isinstance(value, list):
        return [_in_latin1(item) for item in value]
    if isinstance(value, dict):
        return {_in_latin1(name): _in_latin1(item) for name, item in value.items()}
    return value


def as_lines(messages: list[str]) -> bytes:
    """One message is one line: a newline within it would forge another, so it becomes a blank."""
    text = "\n".join(messages)
    if text.count("\n") >= len(messages) or "\r" in text:
        text = "\n".join(m.replace("\n", " ").replace("\r", " ") for m in messages)
    return text.encode("latin-1") + b"\n" if messages else b""


def gathered(pieces: Iterable[bytes], size: int = CHUNK) -> Iterator[bytes]:
    """Blocks of at least `size` bytes out of small pieces; before an error, what there is."""
    block: list[bytes] = []
    held = 0
    try:
        for piece in pieces:
            block.append(piece)
            held += len(piece)
            if held >= size:
                yield b"".join(block)
                block, held = [], 0
    except InputError:
        yield b"".join(block)
        raise
    yield b"".join(block)
