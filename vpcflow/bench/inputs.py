"""What is measured on: generated logs, or the user's own, as plain text in a directory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Literal

from attrs import evolve, field, frozen

from vpcflow.bench import generate
from vpcflow.containers import unwrap
from vpcflow.errors import InputError
from vpcflow.flow_format import FlowFormat, is_header, recognise

HALF_MILLION = 500_000


@frozen
class Input:
    """A plain-text log in a file.

    title: what it is, for people. names: of its columns. lines, size: lines and bytes of the text,
    a header included. format: AWS's form of the format if no header line states it. packed: the
    same log gzipped, if it is wanted or came that way.
    """

    title: str
    path: Path
    names: tuple[str, ...]
    lines: int
    size: int
    format: str | None = None
    packed: Path | None = None

    @property
    def description(self) -> str:
        """What it is and how large."""
        return f"{self.title}; {megabytes(self.size)}, {self.lines:,} lines"


@frozen
class Logs:
    """Generated logs in a directory, each made when it is first asked for."""

    directory: Path
    seed: int = 2
    _made: dict[str, Input] = field(factory=dict, init=False, repr=False)

    def plain(self, kind: str, lines: int, *, copy: int = 0) -> Input:
        """A log of that kind; another `copy` has other lines."""
        name = f"{kind}-{lines}-{copy}"
        if name not in self._made:
            path = self.directory / f"{name}.log"
            size = generate.write(path, kind, lines=lines, seed=self.seed + copy)
            spec = generate.KINDS[kind]
            names = tuple(field.replace("-", "_") for field in spec.fields)
            self._made[name] = Input(spec.description, path, names, lines + 1, size)
        return self._made[name]

    def gzipped(self, kind: str, lines: int, *, copy: int = 0) -> Input:
        """The same, with the log also as one gzip member of level 6."""
        plain = self.plain(kind, lines, copy=copy)
        packed = plain.path.with_suffix(".log.gz")
        if not packed.exists():
            from gzip import GzipFile

            with packed.open("wb") as out, GzipFile("", "wb", 6, out, 0) as member:
                member.write(plain.path.read_bytes())
        return evolve(plain, packed=packed)

    def large_plain(self, size: int) -> Path:
        """A plain-text log of at least `size` bytes: the same minutes again and again."""
        path = self.directory / f"large-{size}.log"
        if not path.exists():
            with path.open("wb") as out:
                for block in self._endless():
                    out.write(block)
                    if out.tell() >= size:
                        break
        return path

    def large_gzip(self, size: int) -> Path:
        """A gzip member of at least `size` bytes, packed the quick way."""
        path = self.directory / f"large-{size}.log.gz"
        if not path.exists():
            packer = import_module("isal.igzip").IGzipFile
            with path.open("wb") as out, packer(None, "wb", 2, out) as member:
                for block in self._endless():
                    member.write(block)
                    if out.tell() >= size:
                        break
        return path

    def _endless(self) -> Iterator[bytes]:
        text = self.plain("default", HALF_MILLION).path.read_bytes()
        header, _, lines = text.partition(b"\n")
        yield header + b"\n"
        yield from itertools.repeat(lines)


def of_file(
    name: str,
    directory: Path,
    *,
    lines: int | None = None,
    fmt: FlowFormat | Literal["strict"] | None = None,
) -> Input:
    """A user's own log, out of its containers, as plain text in `directory`.

    Only its first `lines` lines are taken; None takes all. `fmt` is what `vpcflow.scan` takes as
    format. Raises InputError for a file without a line, FormatError if its format is not known,
    ContainerError if it is damaged.
    """
    source = Path(name)
    path = directory / f"{source.name}.text"
    with source.open("rb") as file, path.open("wb") as out, unwrap(file, source=name) as text:
        head = bytes(text.head()).split(b"\n")
        count = 0
        for block in text:
            piece = bytes(block)
            found = piece.count(b"\n")
            if lines is not None and count + found >= lines:
                kept = piece.split(b"\n")[: lines - count]
                out.write(b"\n".join(kept) + b"\n")
                count = lines
                break
            out.write(piece)
            count += found
    given = fmt if isinstance(fmt, FlowFormat) else None
    known, _ = recognise(head, source=name, given=given, strict=fmt == "strict")
    if known is None or not count:
        raise InputError("there is no line to measure on", source=name)
    return Input(
        title=name,
        path=path,
        names=known.names,
        lines=count,
        size=path.stat().st_size,
        format=None if _has_header(head) else str(known),
        packed=source if text.containers == ("gzip", "text") and lines is None else None,
    )


def _has_header(head: list[bytes]) -> bool:
    return is_header(next((line for line in head if line.strip()), b""))


def megabytes(size: int) -> str:
    """A size for people, in millions of bytes."""
    return f"{size / 1e6:,.1f} MB" if size < 10_000_000 else f"{size / 1e6:,.0f} MB"
