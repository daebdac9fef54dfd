"""Named byte streams: a local file, bytes in memory, a stream that somebody else opened."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO, Protocol, cast, runtime_checkable

from attrs import define, field, frozen

from vpcflow.errors import InputError, UsageError, nearest
from vpcflow.selection import Selection


@runtime_checkable
class SourceFile(Protocol):
    """One named stream of bytes; plugins give their own.

    name: unique and stable, a path or URL. size: in bytes, as stored. etag: what the store calls
    this version. modified: aware, UTC. What is not known is None. A file whose store knows the
    order of its fields (DescribeFlowLogs) may also have `format: FlowFormat | None`: such a format
    counts as "container".
    """

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int | None: ...
    @property
    def etag(self) -> str | None: ...
    @property
    def modified(self) -> datetime | None: ...

    def open(self) -> BinaryIO:
        """A new stream at the first byte; the caller closes it. If it can seek, a damaged gzip file
        is recovered up to the last byte (`containers.unwrap`). Raises InputError."""
        ...

    def read_range(self, offset: int, n: int) -> bytes:
        """`n` bytes from `offset` on, fewer at the end."""
        ...


class Source(Protocol):
    """What the URLs of one scheme name: what a plugin registers with `vpcflow_register_sources`."""

    def files(self, url: str, selection: Selection) -> Iterator[SourceFile]:
        """The files at `url`, in an order that does not change. What `selection` does not want is
        left out, as early as the store allows: best before it is listed. Raises InputError for what
        is not there or may not be read (naming the permission), UsageError for a URL that is not
        one of this scheme's."""
        ...


@frozen
class LocalFile:
    """A file by its path; `name` is the path as it was given. InputError if there is none."""

    path: str = field(converter=os.fspath)
    _stat: os.stat_result = field(init=False, repr=False, eq=False)
    etag: None = field(init=False, default=None)

    @_stat.default
    def _look(self) -> os.stat_result:
        try:
            return os.stat(self.path)
        except OSError as error:
            raise unreadable(self.path, error) from error

    @property
    def name(self) -> str:
        return self.path

    @property
    def size(self) -> int | None:
        return self._stat.st_size if stat.S_ISREG(self._stat.st_mode) else None

    @property
    def modified(self) -> datetime | None:
        return datetime.fromtimestamp(self._stat.st_mtime, UTC)

    def open(self) -> BinaryIO:
        try:
            return open(self.path, "rb")
        except OSError as error:
            raise unreadable(self.path, error) from error

    def read_range(self, offset: int, n: int) -> bytes:
        with self.open() as stream:
            stream.seek(offset)
            return stream.read(n)


@frozen(eq=False)
class BytesFile:
    """Bytes in memory, or anything else with the buffer protocol, which is not copied."""

    name: str
    data: Any = field(repr=False)
    etag: None = field(init=False, default=None)
    modified: None = field(init=False, default=None)

    @property
    def size(self) -> int:
        return memoryview(self.data).nbytes

    def open(self) -> BinaryIO:
        if isinstance(self.data, bytes):
            return io.BytesIO(self.data)
        return io.BufferedReader(_View(self.data))

    def read_range(self, offset: int, n: int) -> bytes:
        with self.open() as stream:
            stream.seek(offset)
            return stream.read(n)


@define(eq=False)
class OpenFile:
    """A stream that somebody else opened, such as stdin: it is read once, and stays open."""

    name: str
    stream: Any = field(repr=False)
    size: None = field(init=False, default=None)
    etag: None = field(init=False, default=None)
    modified: None = field(init=False, default=None)
    _opened: bool = field(init=False, default=False, repr=False)

    def open(self) -> BinaryIO:
        """The stream, from where it stands. Raises UsageError the second time."""
        if self._opened:
            raise UsageError(
                f"{self.name} can be read only once", hint="give a path, or read it into bytes"
            )
        self._opened = True
        return cast(BinaryIO, _Borrowed(self.stream))

    def read_range(self, offset: int, n: int) -> bytes:
        """Always raises UsageError."""
        raise UsageError(f"{self.name} can only be read from its beginning to its end")


class _View(io.RawIOBase):
    """Reads a buffer without copying it first."""

    def __init__(self, data: Any) -> None:
        view = memoryview(data)
        self._view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        data = self._view[self._at : self._at + len(target)]
        target[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, (0, self._at, len(self._view))[whence] + offset)
        return self._at


class _Borrowed:
    """Somebody else's stream: everything but closing it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> _Borrowed:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def close(self) -> None:
        return None


def unreadable(path: str, error: OSError) -> InputError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return missing(path)
    if isinstance(error, PermissionError):
        hint = "it takes the right to read it, and to search the directories above it"
        return InputError("permission denied", source=path, hint=hint)
    return InputError(f"cannot be opened: {error.strerror or error}", source=path)


def missing(path: str) -> InputError:
    """The error for a path that is not there, with how much of it is."""
    from pathlib import Path

    wanted = Path(path)
    parent = next((p for p in wanted.parents if p.exists()), Path())
    absent = wanted.relative_to(parent).parts[0]
    if not parent.is_dir():
        return InputError("no such file", source=path, hint=f"{parent} is a file, not a directory")
    try:
        near = nearest(absent, sorted(child.name for child in parent.iterdir()))
    except OSError:
        near = None
    at = f"the current directory, {Path.cwd()}," if parent == Path() else f"{parent}"
    hint = f"{at} exists, and has no {absent!r}"
    hint += f"; did you mean {near!r}?" if near else ""
    return InputError("no such file or directory", source=path, hint=hint)
