"""Writing Terraform's language: blocks, attributes, values; every text escaped.

"Strings and templates", Terraform Language: in a quoted string `${` and `%{` start a template
unless written `$${` and `%%{`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from attrs import frozen

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@frozen
class Reference:
    """Another object's attribute: written as it is. For names that are made here, never input."""

    path: str


@frozen
class Json:
    """A structure that Terraform is to encode as JSON: `jsonencode(...)`."""

    value: object


@frozen
class Block:
    """`kind "label" "label" { ... }`. body: attributes, and blocks by any name."""

    kind: str
    labels: Sequence[str]
    body: Mapping[str, object]

    def text(self, indent: str = "") -> str:
        head = " ".join([self.kind, *map(quoted, self.labels)])
        return f"{indent}{head} {{\n{_body(self.body, indent + '  ')}{indent}}}\n"


def quoted(text: str) -> str:
    """`text` as a string literal that means exactly `text`."""
    escaped = "".join(_ESCAPES.get(c) or (c if c.isprintable() else _unicode(c)) for c in text)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'


def _unicode(character: str) -> str:
    point = ord(character)
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def _body(body: Mapping[str, object], indent: str) -> str:
    """Attributes and blocks. Equals signs stand below each other, as `terraform fmt` has them."""
    out: list[str] = []
    run: list[tuple[str, str]] = []
    for name, value in body.items():
        if isinstance(value, Block):
            out += _aligned(run, indent)
            run = []
            out.append(("\n" if out else "") + value.text(indent))
        else:
            run.append((name, _value(value, indent)))
    return "".join([*out, *(["\n"] if out and run else []), *_aligned(run, indent)])


def _aligned(run: Sequence[tuple[str, str]], indent: str) -> list[str]:
    """Consecutive attributes of one line each; one of several lines ends a group."""
    lines: list[str] = []
    group: list[tuple[str, str]] = []
    for name, value in run:
        group.append((name, value))
        if "\n" in value:
            lines += _group(group[:-1], indent)
            lines.append(f"{indent}{name} = {value}\n")
            group = []
    return lines + _group(group, indent)


def _group(group: Sequence[tuple[str, str]], indent: str) -> list[str]:
    width = max((len(name) for name, _ in group), default=0)
    return [f"{indent}{name:{width}} = {value}\n" for name, value in group]


def _value(value: object, indent: str) -> str:
    if isinstance(value, Reference):
        return value.path
    if isinstance(value, Json):
        return f"jsonencode({_value(value.value, indent)})"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        body = {n if _PLAIN_NAME.fullmatch(n) else quoted(n): v for n, v in value.items()}
        return f"{{\n{_body(body, indent + '  ')}{indent}}}"
    if isinstance(value, Sequence):
        return _list(value, indent)
    raise TypeError(f"{type(value).__name__} has no form in Terraform")


def _list(values: Sequence[object], indent: str) -> str:
    inner = indent + "  "
    items = [_value(value, inner) for value in values]
    line = f"[{', '.join(items)}]"
    if len(line) <= 80 and "\n" not in line:
        return line
    return "[\n" + "".join(f"{inner}{item},\n" for item in items) + f"{indent}]"
