"""A single local file that grows: what is new waits beside it, and publishing appends it once.

Publishing goes in steps that can be repeated from any point:

    1. the temporary file gets the length of the target added to its name: `....pending@1200`
    2. the target is cut to that length, if what stands behind it is a beginning of the new text
    3. the new text is copied behind it, and made durable
    4. the temporary file is removed

A crash in between is mended by the next `publish`: step 1 is done once, and the others give the
same result again. If somebody else has written behind that length meanwhile, their text stays, and
step 1 is done anew with the length that the target has now.
"""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import define, frozen

from vpcflow.local_place import (
    SUFFIX,
    LocalPlace,
    PendingLocalFile,
    failing,
    lost,
    sync_directory,
)
from vpcflow.places import PendingFile, Receipt

_PIECE = 1 << 20


@define(eq=False)
class PendingAppend(PendingLocalFile):
    """Text that will be appended. Its checksum tells later whether it was."""

    def write(self, data: Any) -> int:
        size = PendingLocalFile.write(self, data)
        self._token["crc32"] = zlib.crc32(data, self._token["crc32"])
        return size


@frozen
class AppendPlace(LocalPlace):
    """Files that are appended to; what they held before stays as it is."""

    def create(self, name: str, owner: str) -> PendingFile:
        final = self.root / name
        with failing("cannot append to", final):
            if final.exists():
                final.open("r+b").close()  # now rather than when it is full of records
        return self._create(name, owner, {"base": _size(final), "crc32": 0}, PendingAppend)

    def publish(self, receipt: Receipt) -> None:
        """As every place. That it was done before shows by the length of the file: it has the
        receipt's base and size, or more."""
        final, temporary = self.paths(receipt)
        with failing("cannot append to", final):
            marked = _marked(temporary)
            if marked is None and not temporary.exists():  # it is removed last
                if _size(final) >= receipt.token["base"] + receipt.size:
                    return
                raise lost(final)
            if marked is None or not _is_ours_behind(final, *marked):
                marked = _mark(marked[0] if marked else temporary, temporary, _size(final))
            _append(final, *marked)
            marked[0].unlink()

    def abort(self, receipt: Receipt) -> None:
        """As every place; a published text is cut off if it is still the last one."""
        final, temporary = self.paths(receipt)
        with failing("cannot remove", temporary):
            if temporary.exists():
                temporary.unlink()
            elif marked := _marked(temporary):
                if _is_ours_behind(final, *marked) and final.exists():
                    os.truncate(final, marked[1])
                marked[0].unlink()
            elif receipt.etag and _is_last(final, receipt):
                os.truncate(final, receipt.token["base"])

    def unfinished(self, owner: str) -> Iterator[Receipt]:
        return self._unfinished(owner, f".*.{owner}.*{SUFFIX}*")  # what lies below is not ours


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _marked(temporary: Path) -> tuple[Path, int] | None:
    """The temporary file with a length in its name, and the length; None before step 1."""
    if temporary.parent.is_dir():
        for path in temporary.parent.iterdir():
            name, at, base = path.name.rpartition("@")
            if at and name == temporary.name and base.isdecimal():
                return path, int(base)
    return None


def _mark(now: Path, temporary: Path, base: int) -> tuple[Path, int]:
    marked = temporary.with_name(f"{temporary.name}@{base}")
    os.replace(now, marked)
    sync_directory(marked.parent)
    return marked, base


def _is_ours_behind(final: Path, new: Path, base: int) -> bool:
    """Whether `final` ends, behind `base`, with a beginning of `new` (or with nothing)."""
    size = _size(final)
    if not base <= size <= base + _size(new):
        return False
    if size == base:
        return True
    with final.open("rb") as have, new.open("rb") as wanted:
        have.seek(base)
        while piece := have.read(_PIECE):
            if wanted.read(len(piece)) != piece:
                return False
    return True


def _is_last(final: Path, receipt: Receipt) -> bool:
    """Whether `final` ends with the receipt's text, and that is the only one behind its base."""
    base = receipt.token["base"]
    if not receipt.size or _size(final) != base + receipt.size:
        return False
    crc = 0
    with final.open("rb") as stream:
        stream.seek(base)
        while piece := stream.read(_PIECE):
            crc = zlib.crc32(piece, crc)
    return bool(crc == receipt.token["crc32"])


def _append(final: Path, new: Path, base: int) -> None:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    with new.open("rb") as source, os.fdopen(os.open(final, flags, 0o666), "r+b") as target:
        target.truncate(base)
        target.seek(base)
        shutil.copyfileobj(source, target, _PIECE)
        target.flush()
        os.fsync(target.fileno())
    sync_directory(final.parent)
