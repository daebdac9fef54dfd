"""Text from logs, made safe to show: nothing here lets a record speak to the terminal."""

from __future__ import annotations

from vpcflow.errors import printable


def safe_lines(text: str) -> str:
    """`text` with everything escaped that does not print, except its newlines.

    For messages that quote what was read or what stood on the command line.
    """
    return "\n".join(printable(line) for line in text.split("\n"))


def safe_json(data: bytes) -> str:
    """JSON lines for a terminal: the same values, with what does not print as JSON escapes.

    JSON itself allows DEL, the C1 controls and bidirectional overrides unescaped.
    """
    text = data.decode("utf-8", "backslashreplace")
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else _json_escape(c) for c in text)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
