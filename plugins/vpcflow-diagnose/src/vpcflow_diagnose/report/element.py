"""HTML and SVG as values; the one place where text becomes markup.

Tags and attribute names are ours; texts and attribute values may come from a log. They are escaped
here and nowhere else, and what does not print (control characters, bidirectional overrides) is
shown as its escape, so that a value can neither leave its place nor look like another one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping

from attrs import field, frozen

from vpcflow.errors import printable

Child = "Element | str | None | Iterable[Child]"
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*\Z")
_EMPTY = frozenset({"meta", "col", "br", "hr"})
_FORBIDDEN = frozenset({"script", "iframe", "object", "embed", "link", "img", "image", "base"})
_ANCHOR = re.compile(r"#[a-z][a-z0-9-]*\Z")


class NotAllowedError(ValueError):
    """Markup that could load, run or leave something. It is a mistake in this package."""


def _attribute(name: str, value: object) -> tuple[str, str]:
    name = name.rstrip("_").replace("_", "-")
    text = f"{value:g}" if isinstance(value, float) else str(value)
    if not _NAME.match(name) or name.startswith("on") or name in {"src", "srcset", "action"}:
        raise NotAllowedError(f"attribute {name}")
    if name in {"href", "id"} and not _ANCHOR.match(text if name == "href" else f"#{text}"):
        raise NotAllowedError(f"{name} {text!r}")
    return name, text


@frozen
class Element:
    """One element: its tag, attributes in order, and children (text or elements)."""

    tag: str
    attributes: Mapping[str, str] = field(factory=dict)
    children: tuple[Element | str, ...] = ()

    def __str__(self) -> str:
        return "".join(self.pieces())

    def pieces(self) -> Iterator[str]:
        """The markup, in order. An element has an end tag even if it is empty, as SVG needs it and
        HTML takes it; those of `_EMPTY` have none."""
        attributes = "".join(f' {n}="{escaped(v)}"' for n, v in self.attributes.items())
        yield f"<{self.tag}{attributes}>"
        if self.tag in _EMPTY:
            return
        for child in self.children:
            if isinstance(child, Element):
                yield from child.pieces()
            else:
                yield _style(child) if self.tag == "style" else escaped(child)
        yield f"</{self.tag}>"


def el(tag: str, *children: object, **attributes: object) -> Element:
    """`el("td", value, class_="number")`. Children that are None are left out, lists are taken
    apart; attributes that are None are left out, `_` becomes `-` and a last `_` goes."""
    if not _NAME.match(tag) or tag in _FORBIDDEN:
        raise NotAllowedError(f"element {tag}")
    given = (_attribute(n, v) for n, v in attributes.items() if v is not None)
    return Element(tag, dict(given), tuple(_flat(children)))


def escaped(text: str) -> str:
    """`text` as it can stand between tags or within quotes. Newlines stay."""
    return html.escape("\n".join(printable(line) for line in text.split("\n")))


def _flat(children: Iterable[object]) -> Iterator[Element | str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Element | str):
            yield child
        elif isinstance(child, int | float):
            yield str(child)
        elif isinstance(child, Iterable):
            yield from _flat(child)
        else:
            raise NotAllowedError(f"a child of type {type(child).__name__}")


def _style(sheet: str) -> str:
    """A style sheet is not escaped in HTML; ours has nothing that would end it or load anything."""
    if "<" in sheet or "url(" in sheet or "@import" in sheet:
        raise NotAllowedError("a style sheet that leaves its element or loads something")
    return sheet
