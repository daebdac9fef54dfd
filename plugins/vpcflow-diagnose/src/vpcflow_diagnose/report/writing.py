"""Putting the page in its place: all of it or nothing."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from attrs import frozen

from vpcflow.errors import UsageError, printable

_BEGIN = b"<!doctype html>"


@frozen
class Target:
    """A file to be written. special: no ordinary file (a pipe, /dev/null), which is written to
    and not replaced."""

    path: Path
    special: bool = False

    @classmethod
    def of(cls, name: str) -> Target:
        """Raises UsageError, before anything was read, where no page can go: a directory, a file
        that holds something else than a page, a directory that is not there."""
        path = Path(os.path.realpath(name))
        shown = printable(name)
        if path.is_dir():
            raise UsageError(f"{shown} is a directory", hint=f"-o {shown.rstrip('/')}/report.html")
        if not path.parent.is_dir():
            parent = printable(str(path.parent))
            raise UsageError(f"there is no directory {parent}", hint=f"mkdir -p {parent}")
        if path.exists() and not path.is_file():
            return cls(path, special=True)
        if path.exists() and not _is_page(path):
            raise UsageError(
                f"{shown} is there and is no HTML page: it is not overwritten",
                hint="give another name after -o, or remove that file",
            )
        return cls(path)

    def write(self, content: bytes) -> None:
        """Whoever reads the file meanwhile sees the old one or the new one. Raises OSError."""
        if self.special:
            self.path.write_bytes(content)
            return
        temporary = self.path.with_name(f".{self.path.name[:100]}.{secrets.token_hex(6)}.part")
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        finally:
            temporary.unlink(missing_ok=True)


def _is_page(path: Path) -> bool:
    with path.open("rb") as file:
        begin = file.read(len(_BEGIN))
    return not begin or begin.lower() == _BEGIN
