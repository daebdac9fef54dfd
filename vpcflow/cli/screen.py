"""What the program knows of its output: is it a terminal, how wide, may it be coloured."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable
from typing import IO

from attrs import define

from vpcflow.errors import printable

_STYLES = {
    "heading": "bold",
    "bad": "bold red",
    "odd": "yellow",
    "good": "green",
    "quiet": "dim",
    "name": "cyan",
}


@define
class Screen:
    """One output stream, as something to draw on.

    terminal: somebody is looking. width, height: of the terminal in cells; None elsewhere, where
    lines may be any length. paint(text, style): the text in a style of ours ("bad", "quiet" ...),
    or just the text.
    """

    terminal: bool
    width: int | None
    height: int | None
    paint: Callable[[str, str], str]

    @classmethod
    def of(cls, stream: IO[str]) -> Screen:
        """Terminals only are coloured, and not where NO_COLOR or TERM=dumb asks for none."""
        if not stream.isatty():
            return cls(False, None, None, _plain)
        from rich.console import Console

        console = Console(file=stream)
        painted = console.color_system is not None and not console.no_color
        width, height = max(console.width, 20), max(console.height, 10)
        return cls(True, width, height, _paint if painted else _plain)


def _plain(text: str, style: str) -> str:
    return text


def _paint(text: str, style: str) -> str:
    before, after = _codes(style)
    return f"{before}{text}{after}"


@functools.cache
def _codes(style: str) -> tuple[str, str]:
    from rich.color import ColorSystem
    from rich.style import Style

    rendered = Style.parse(_STYLES[style]).render("|", color_system=ColorSystem.STANDARD)
    before, _, after = rendered.partition("|")
    return before, after


def cells(text: str) -> int:
    """How many terminal cells `text` takes (`text` holds nothing that does not print)."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def pad(text: str, width: int, *, right: bool = False) -> str:
    """`text` filled up with blanks to `width` cells."""
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


def shorten(text: str, width: int) -> str:
    """`text` in at most `width` cells; where it is cut, in the middle, an ellipsis says so."""
    if cells(text) <= width:
        return text
    tail = (width - 1) // 2
    return _head(text, width - 1 - tail) + "…" + _head(text[::-1], tail)[::-1]


def _head(text: str, width: int) -> str:
    taken = used = 0
    for character in text:
        used += cells(character)
        if used > width:
            break
        taken += 1
    while taken < len(text) and unicodedata.combining(text[taken]):
        taken += 1
    return text[:taken]


def wrap(text: str, width: int | None, indent: str = "", first: str = "") -> list[str]:
    """`text` in lines of at most `width` cells, broken at blanks.

    The first line stands behind `first`, all others behind `indent`.
    """
    if width is None:
        return [first + text]
    lines: list[str] = []
    line, empty = first, True
    for word in text.split(" "):
        if not empty and cells(line) + 1 + cells(word) > width:
            lines.append(line)
            line, empty = indent, True
        line += word if empty else f" {word}"
        empty = False
    return [*lines, line]


def error_lines(error: BaseException, screen: Screen, indent: str = "") -> list[str]:
    """An error as it is shown to people: "Error:" and its text, safe and wrapped."""
    first, *details = [printable(line) for line in str(error).split("\n")]
    lines = wrap(first, screen.width, indent + "  ", indent + "Error: ")
    lines[0] = lines[0].replace("Error:", screen.paint("Error:", "bad"), 1)
    for detail in details:
        text = detail.lstrip()
        before = indent + detail[: len(detail) - len(text)]
        lines += wrap(text, screen.width, before + "  ", before)
    return lines
