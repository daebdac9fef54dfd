"""Local files as a place: temporary files beside their final names, fsync, rename.

A temporary file's name begins with a dot, so that readers of the directory pass it over, and holds
its owner. Renaming within a directory is atomic (POSIX rename), so a file is there as a whole or
not at all. A single file that grows is served by `append_place.py`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from attrs import define, frozen

from vpcflow.errors import PluginError, UsageError, printable
from vpcflow.places import LostFile, PendingFile, Receipt, checked_name

SUFFIX = ".pending"


@define(eq=False)
class PendingLocalFile:
    """A file that is being written, under its temporary name. token: what its receipt will say
    besides that name."""

    name: str
    path: Path
    _stream: BinaryIO
    _token: dict[str, Any]
    _written: int = 0

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        with failing("cannot write", self.path):
            self._stream.write(data)
        self._written += size
        return size

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        with failing("cannot write", self.path):
            self._stream.flush()

    def prepare(self) -> Receipt:
        with failing("cannot write", self.path):
            self._stream.flush()
            os.fsync(self._stream.fileno())
            facts = os.fstat(self._stream.fileno())
            self._stream.close()
            sync_directory(self.path.parent)
        token = {"temporary": self.path.name, **self._token}
        return Receipt(self.name, facts.st_size, etag_of(facts), token)

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.close()  # which flushes, and fails on a full disk
        with failing("cannot remove", self.path):
            self.path.unlink(missing_ok=True)


@frozen
class LocalPlace:
    """Files below a directory, which is made when the first file is created."""

    root: Path

    def create(self, name: str, owner: str) -> PendingFile:
        return self._create(name, owner, {})

    def _create(
        self,
        name: str,
        owner: str,
        token: dict[str, Any],
        kind: type[PendingLocalFile] = PendingLocalFile,
    ) -> PendingLocalFile:
        final = self.root / checked_name(name, "local files")
        temporary = final.with_name(f".{final.name}.{owner}.{secrets.token_hex(4)}{SUFFIX}")
        with failing("cannot create", final):
            _make_directories(final.parent)
            return kind(name, temporary, temporary.open("xb"), token)

    def publish(self, receipt: Receipt) -> None:
        final, temporary = self.paths(receipt)
        with failing("cannot publish", final):
            if _is(temporary, receipt):
                os.replace(temporary, final)
                sync_directory(final.parent)
            elif not _is(final, receipt):
                raise lost(final)

    def abort(self, receipt: Receipt) -> None:
        final, temporary = self.paths(receipt)
        with failing("cannot remove", temporary):
            temporary.unlink(missing_ok=True)
            if receipt.etag and _is(final, receipt):
                final.unlink(missing_ok=True)

    def unfinished(self, owner: str) -> Iterator[Receipt]:
        return self._unfinished(owner, f"**/.*.{owner}.*{SUFFIX}")

    def _unfinished(self, owner: str, pattern: str) -> Iterator[Receipt]:
        for path in sorted(self.root.glob(pattern)) if self.root.is_dir() else ():
            name = path.name[1:].rsplit(f".{owner}.", 1)[0]
            relative = path.with_name(name).relative_to(self.root).as_posix()
            temporary = path.name[: path.name.rindex(SUFFIX) + len(SUFFIX)]
            yield Receipt(relative, 0, "", {"temporary": temporary})

    def paths(self, receipt: Receipt) -> tuple[Path, Path]:
        """Where the receipt's file will be, and where it waits."""
        final = self.root / checked_name(receipt.name, "local files")
        return final, final.parent / checked_name(receipt.token["temporary"], "local files")


@frozen
class NewFilePlace(LocalPlace):
    """A directory in which single files are made that must not be there before."""

    def create(self, name: str, owner: str) -> PendingFile:
        """Raises UsageError if there is such a file."""
        final = self.root / name
        if final.exists():
            raise UsageError(
                f"{printable(str(final))} exists, and a {final.suffix[1:]} file cannot be "
                "appended to",
                hint="name another file, or a directory: each run adds files there",
            )
        return self._create(name, owner, {})

    def unfinished(self, owner: str) -> Iterator[Receipt]:
        return self._unfinished(owner, f".*.{owner}.*{SUFFIX}")  # what lies below is not ours


def etag_of(facts: os.stat_result) -> str:
    """Survives a rename, and changes with every write."""
    return f"{facts.st_ino}-{facts.st_mtime_ns}"


def _is(path: Path, receipt: Receipt) -> bool:
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return facts.st_size == receipt.size and etag_of(facts) == receipt.etag


def _make_directories(path: Path) -> None:
    """As `mkdir -p`, and durable."""
    if path.is_dir():
        return
    _make_directories(path.parent)
    path.mkdir(exist_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    if os.name != "posix":
        return  # elsewhere a directory cannot be opened, and names are durable with their files
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system whose directories cannot be synchronised
            raise
    finally:
        os.close(descriptor)


def lost(final: Path) -> LostFile:
    return LostFile(
        "the file that was prepared is gone: its records are delivered again", plugin=str(final)
    )


_HINTS = {
    "ENOSPC": "free some space and run again; with --state it goes on where it was",
    "EDQUOT": "the quota is used up; with --state it goes on where it was",
    "EFBIG": "files may not grow so large here; a smaller size= makes smaller ones",
    "EACCES": "it takes the right to write there, and to search the directories above",
    "EPERM": "the file or directory may not be changed",
    "EROFS": "the file system is mounted read-only",
    "ENOTDIR": "a part of the path is a file",
    "EEXIST": "a part of the path is a file",
    "EISDIR": "it is a directory",
    "ENAMETOOLONG": "use a shorter name",
    "EMFILE": "raise the limit of open files (ulimit -n)",
}


@contextlib.contextmanager
def failing(what: str, path: Path) -> Iterator[None]:
    """OSErrors as PluginErrors that say what failed, where, and what would mend it."""
    try:
        yield
    except OSError as error:
        raise PluginError(
            f"{what} {printable(str(path))}: {error.strerror or error}",
            plugin="local files",
            hint=_HINTS.get(errno.errorcode.get(error.errno or 0, "")),
        ) from error
