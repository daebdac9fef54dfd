"""Local files as a place: temporary files beside their final names, fsync, rename.

A temporary file's name begins with a dot, so that readers of the directory pass it over, and holds
its owner. Renaming within a directory is atomic (POSIX rename), so a file is there as a whole or not
at all. `AppendPlace` serves a single file that grows: what is new waits in a temporary file, and
publishing puts it behind a length that the receipt says, so that doing it twice is doing it once.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from attrs import define, frozen

from vpcflow.errors import PluginError, UsageError, printable
from vpcflow.places import LostFile, PendingFile, Place, Receipt

_SUFFIX = ".pending"


def local_place(target: str, suffix: str, *, appendable: bool) -> tuple[Place, str | None]:
    """The place for a local target, and the file's name if it is a single one.

    Raises UsageError for a single file that exists and cannot be appended to.
    """
    path = Path(target)
    if target.endswith(("/", os.sep)) or path.is_dir() or path.suffix != suffix:
        return LocalPlace(path), None
    if appendable:
        return AppendPlace(path.parent), path.name
    if path.exists():
        raise UsageError(
            f"{printable(target)} exists, and a {suffix[1:]} file cannot be appended to",
            hint="name another file, or a directory: each run adds files there",
        )
    return LocalPlace(path.parent), path.name


@define(eq=False)
class PendingLocalFile:
    """A file that is being written, under its temporary name."""

    name: str
    path: Path
    final: Path
    _stream: BinaryIO
    _appends: bool = False
    _written: int = 0

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        try:
            self._stream.write(data)
        except OSError as error:
            raise _failed("cannot write", self.path, error) from error
        self._written += size
        return size

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise _failed("cannot write", self.path, error) from error

    def prepare(self) -> Receipt:
        try:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            facts = os.fstat(self._stream.fileno())
            self._stream.close()
            _sync_directory(self.path.parent)
        except OSError as error:
            raise _failed("cannot write", self.path, error) from error
        token: dict[str, Any] = {"temporary": self.path.name}
        if self._appends:
            token["base"] = self.final.stat().st_size if self.final.exists() else 0
        return Receipt(self.name, facts.st_size, _etag(facts), token)

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.close()  # which flushes, and fails on a full disk
        self.path.unlink(missing_ok=True)


@frozen
class LocalPlace:
    """Files below a directory, which is made when the first file is created."""

    root: Path

    def create(self, name: str, owner: str) -> PendingFile:
        return self._create(name, owner, appends=False)

    def _create(self, name: str, owner: str, *, appends: bool) -> PendingLocalFile:
        final = self.root / name
        temporary = final.with_name(f".{final.name}.{owner}.{secrets.token_hex(4)}{_SUFFIX}")
        try:
            _make_directories(final.parent)
            return PendingLocalFile(name, temporary, final, temporary.open("xb"), appends)
        except OSError as error:
            raise _failed("cannot create", final, error) from error

    def publish(self, receipt: Receipt) -> None:
        final = self.root / receipt.name
        temporary = final.with_name(receipt.token["temporary"])
        try:
            if not _is(temporary, receipt):
                if _is(final, receipt):
                    return
                raise _lost(final)
            os.replace(temporary, final)
            _sync_directory(final.parent)
        except OSError as error:
            raise _failed("cannot publish", final, error) from error

    def abort(self, receipt: Receipt) -> None:
        final = self.root / receipt.name
        final.with_name(receipt.token["temporary"]).unlink(missing_ok=True)
        if receipt.etag and _is(final, receipt):
            final.unlink(missing_ok=True)

    def unfinished(self, owner: str) -> Iterator[Receipt]:
        for path in list(self.root.rglob(f".*.{owner}.*{_SUFFIX}")) if self.root.is_dir() else ():
            name = path.name[1:].rsplit(f".{owner}.", 1)[0]
            relative = path.with_name(name).relative_to(self.root).as_posix()
            yield Receipt(relative, 0, "", {"temporary": path.name})


@frozen
class AppendPlace(LocalPlace):
    """Files that are appended to; what they held before stays as it is."""

    def create(self, name: str, owner: str) -> PendingFile:
        final = self.root / name
        if final.exists() and not os.access(final, os.W_OK):
            raise _failed("cannot append to", final, PermissionError(13, "permission denied"))
        return self._create(name, owner, appends=True)

    def publish(self, receipt: Receipt) -> None:
        final = self.root / receipt.name
        temporary = final.with_name(receipt.token["temporary"])
        base, end = receipt.token["base"], receipt.token["base"] + receipt.size
        try:
            size = final.stat().st_size if final.exists() else 0
            if not temporary.exists():  # it is removed last
                if size >= end:
                    return
                raise _lost(final)
            if not base <= size <= end:
                base = size  # somebody else has written there
            with temporary.open("rb") as new, os.fdopen(_descriptor(final), "r+b") as target:
                target.truncate(base)
                target.seek(base)
                shutil.copyfileobj(new, target, 1 << 20)
                target.flush()
                os.fsync(target.fileno())
            _sync_directory(final.parent)
            temporary.unlink()
        except OSError as error:
            raise _failed("cannot append to", final, error) from error

    def abort(self, receipt: Receipt) -> None:
        (self.root / receipt.name).with_name(receipt.token["temporary"]).unlink(missing_ok=True)


def _descriptor(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)


def _etag(facts: os.stat_result) -> str:
    """Survives a rename, and changes with every write."""
    return f"{facts.st_ino}-{facts.st_mtime_ns}"


def _is(path: Path, receipt: Receipt) -> bool:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return False
    return facts.st_size == receipt.size and _etag(facts) == receipt.etag


def _make_directories(path: Path) -> None:
    """As `mkdir -p`, and durable."""
    if path.is_dir():
        return
    _make_directories(path.parent)
    path.mkdir(exist_ok=True)
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    if os.name != "posix":
        return  # elsewhere a directory cannot be opened, and names are durable with their files
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lost(final: Path) -> LostFile:
    return LostFile(
        "the file that was prepared is gone: its records are delivered again", plugin=str(final)
    )


def _failed(what: str, path: Path, error: OSError) -> PluginError:
    hints = {
        "ENOSPC": "free some space and run again; with --state it goes on where it was",
        "EACCES": "it takes the right to write there, and to search the directories above",
        "EROFS": "the file system is mounted read-only",
        "ENOTDIR": "a part of the path is a file",
    }
    return PluginError(
        f"{what} {printable(str(path))}: {error.strerror or error}",
        plugin="local files",
        hint=hints.get(errno.errorcode.get(error.errno or 0, "")),
    )
