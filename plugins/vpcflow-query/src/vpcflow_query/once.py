"""Sources that can be read only once (standard input, pipes), for readers that come several times.

The first reader wants to know the columns, and needs no more than the first lines. They are kept
and given again to the next reader, who reads on from there. If more readers will come, everything
is put into a file first, as it is (compressed, if it is).
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Any, BinaryIO, cast

from attrs import define, field

from vpcflow.errors import UsageError

_PIECE = 1 << 20


@define(eq=False)
class Once:
    """A `vpcflow` source file around a stream that nobody can go back in.

    Until `settle` is called, what is read is kept, and every `open` begins with it again.
    """

    name: str
    stream: Any = field(repr=False)
    size: None = field(init=False, default=None)
    etag: None = field(init=False, default=None)
    modified: None = field(init=False, default=None)
    _head: bytearray = field(init=False, factory=bytearray, repr=False)
    _settled: bool = field(init=False, default=False)
    _taken: bool = field(init=False, default=False)
    _copy: Path | None = field(init=False, default=None)

    def open(self) -> BinaryIO:
        """Raises UsageError for a second reader after `settle`, unless there is a copy."""
        if self._copy is not None:
            return self._copy.open("rb")
        if self._settled and self._taken:
            raise UsageError(
                f"{self.name} can be read only once", hint="save it to a file, and name that"
            )
        self._taken = self._settled
        return cast(BinaryIO, _Again(self))

    def read_range(self, offset: int, n: int) -> bytes:
        """Always raises UsageError."""
        raise UsageError(f"{self.name} can only be read from its beginning to its end")

    def settle(self) -> None:
        """There is one more reader."""
        self._settled = True

    def copy(self, folder: Path) -> None:
        """There are several more readers: take everything into a file in `folder`."""
        self.settle()
        copy = folder / f"once-{id(self)}"
        with copy.open("wb") as file:
            shutil.copyfileobj(self.open(), file, _PIECE)
        self._copy = copy

    def read(self, at: int, most: int) -> bytes:
        """Up to `most` bytes for a reader that has had `at` so far."""
        if at < len(self._head):
            return bytes(self._head[at : at + most])
        piece: bytes = self.stream.read(most) or b""
        if not self._settled:
            self._head += piece
        return piece


class _Again(io.RawIOBase):
    """One reader of a `Once`. Closing it leaves the stream open for the next."""

    def __init__(self, source: Once) -> None:
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        piece = self._source.read(self._at, len(target))
        target[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def repeatable(source: object) -> object:
    """The source itself, or a `Once` where it is standard input, a pipe or a device."""
    if source == "-" and sys.stdin is not None:
        # without Python's buffer, whose lock a waiting thread would hold when the program ends
        buffered = getattr(sys.stdin, "buffer", sys.stdin)
        return Once("<stdin>", getattr(buffered, "raw", buffered))
    if isinstance(source, str) and "://" not in source and _is_pipe(source):
        return Once(source, open(source, "rb", buffering=0))
    return source


def _is_pipe(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
