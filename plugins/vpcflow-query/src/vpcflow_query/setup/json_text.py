"""JSON for people to read: what fits on a line stands on one."""

from __future__ import annotations

import json
from collections.abc import Mapping

WIDTH = 88


def readable(value: object, indent: str = "", used: int = 0) -> str:
    """`value` as JSON, lines after the first indented by `indent`. used: what stands before it on
    its first line."""
    line = json.dumps(value, ensure_ascii=True)
    if used + len(line) <= WIDTH or not isinstance(value, Mapping | list) or not value:
        return line
    inner = indent + "  "
    if isinstance(value, Mapping):
        names = [f"{json.dumps(str(name))}: " for name in value]
        parts = [
            inner + name + readable(item, inner, len(inner) + len(name))
            for name, item in zip(names, value.values(), strict=True)
        ]
        opening, closing = "{", "}"
    else:
        parts = [inner + readable(item, inner, len(inner)) for item in value]
        opening, closing = "[", "]"
    return f"{opening}\n" + ",\n".join(parts) + f"\n{indent}{closing}"
