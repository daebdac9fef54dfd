"""Everything that can go wrong, as values: what was seen, where, and what would mend it.

VpcflowError
    InputError        the data: a file, a stream, a directory of logs
        FormatError       the order of its fields is not known, or is contradicted
        RecordError       one bad line, under on_error="raise"
        ContainerError    a damaged gzip stream, envelope or export
    UsageError        the call or the command line
    PluginError       a plugin that cannot be loaded, or fails

Errors are frozen: two with the same facts are equal, and they survive pickling, so that a worker
process can hand one to its parent unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Self

import attrs
from attrs import frozen, validators

REASON_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "too-few-fields": "the line has fewer fields than the format",
        "too-many-fields": "the line has more fields than the format",
        "not-an-integer": "not a plain decimal integer",
        "out-of-range": "a number outside the column's range",
        "not-utf8": "text that is not UTF-8",
        "bad-percent-encoding": "a % that two hexadecimal digits do not follow",
        "line-too-long": "the line is longer than 1 MiB",
        "truncated": "the damaged source ends within this line",
    }
)
REASONS: tuple[str, ...] = tuple(REASON_MEANINGS)
"""Why a line can be rejected: a closed list. `REASON_MEANINGS` says each in words."""

REJECTED_TEXT_LIMIT = 4096


class RejectedLinesWarning(UserWarning):
    """A consumer of an Arrow stream reached its end, and nobody looked at the rejected lines."""


def _first_bytes(text: bytes) -> bytes:
    return bytes(text[:REJECTED_TEXT_LIMIT])


@frozen
class RejectedLine:
    """A line that was set aside: it is in the counts, but not among the records.

    source: name of the file or stream. line_number: from 1, physical lines of the unwrapped text.
    byte_offset: where the line starts in the unwrapped text. reason: one of `REASONS`.
    field: column name, or None where the line as a whole is at fault.
    text: the line without its newline, cut after 4096 bytes.
    """

    source: str
    line_number: int
    byte_offset: int
    reason: str = attrs.field(validator=validators.in_(REASONS))
    field: str | None
    text: bytes = attrs.field(converter=_first_bytes)

    def __str__(self) -> str:
        return f"{printable(self.source)}: {self.verdict}: {printable(self.text, 200)}"

    @property
    def verdict(self) -> str:
        """Position and reason in words, without the source and the text."""
        at = f" in field {printable(self.field)}" if self.field is not None else ""
        where = f"line {self.line_number} (at byte {self.byte_offset})"
        return f"{where}: {self.reason}{at}: {REASON_MEANINGS[self.reason]}"


@frozen(auto_exc=False)  # auto_exc would compare errors by identity
class VpcflowError(Exception):
    """Base of all errors of this package; only its subclasses are raised.

    message: what was seen. hint: what would mend it, if that is known.
    """

    message: str
    hint: str | None = attrs.field(default=None, kw_only=True)

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        if cls is VpcflowError:
            raise TypeError("VpcflowError is only a base: raise one of its subclasses")
        return super().__new__(cls, *args, **kwargs)

    def __attrs_post_init__(self) -> None:
        Exception.__init__(self, self.message)  # tools that look at .args find the message

    def __reduce__(self) -> tuple[Callable[..., VpcflowError], tuple[Any, ...]]:
        facts = {a.name: getattr(self, a.name) for a in attrs.fields(type(self)) if a.init}
        return _remake, (type(self), facts)

    def __str__(self) -> str:
        where = self._where()
        parts = [f"{where}: {self.message}" if where else self.message, *self._details()]
        if self.hint:
            parts.append(f"  to mend it: {self.hint}")
        return "\n".join(parts)

    def _where(self) -> str:
        return ""

    def _details(self) -> list[str]:
        return []


def _remake(kind: type[VpcflowError], facts: dict[str, Any]) -> VpcflowError:
    return kind(**facts)


@frozen(auto_exc=False)
class InputError(VpcflowError):
    """The input cannot be read as flow logs. source: name of the file or stream, if it has one."""

    source: str | None = attrs.field(default=None, kw_only=True)

    def _where(self) -> str:
        return printable(self.source) if self.source else ""


@frozen(auto_exc=False)
class FormatError(InputError):
    """The order of the fields cannot be known, or two statements about it disagree.

    line: the line that shows it, cut after 4096 bytes.
    """

    line: bytes | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(_first_bytes)
    )

    def _details(self) -> list[str]:
        return [] if self.line is None else [f"  the line: {printable(self.line, 200)}"]


@frozen(auto_exc=False)
class RecordError(InputError):
    """The first bad line of a reader that was told to stop there. line: position and reason."""

    line: RejectedLine
    message: str = attrs.field(init=False)
    source: str = attrs.field(init=False)
    hint: str = attrs.field(
        init=False, default='on_error="collect" sets bad lines aside and goes on'
    )

    @message.default
    def _message(self) -> str:
        return self.line.verdict

    @source.default
    def _source(self) -> str:
        return self.line.source

    def _details(self) -> list[str]:
        return [f"  the line: {printable(self.line.text, 200)}"]


@frozen(auto_exc=False)
class ContainerError(InputError):
    """A damaged or unreadable wrapping around the lines.

    container: its name, such as "gzip". offset: the byte in the wrapped (compressed, enveloped)
    stream at which it was noticed, if that is known.
    """

    source: str = attrs.field(kw_only=True)
    container: str = attrs.field(kw_only=True)
    offset: int | None = attrs.field(default=None, kw_only=True)

    def _where(self) -> str:
        at = f", byte {self.offset}" if self.offset is not None else ""
        return f"{printable(self.source)} ({self.container}{at})"


@frozen(auto_exc=False)
class UsageError(VpcflowError):
    """The call or the command line asks for something that cannot be."""


@frozen(auto_exc=False)
class PluginError(VpcflowError):
    """A plugin cannot be loaded, breaks its contract, or failed. plugin: its name."""

    plugin: str = attrs.field(kw_only=True)

    def _where(self) -> str:
        return f"plugin {printable(self.plugin)}"


def printable(text: bytes | str, limit: int | None = None) -> str:
    """`text` as it can be shown on a terminal: control characters and bytes that are not UTF-8 are
    escaped, and all after the first `limit` characters is left out, with a note of how much."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    left_out = "" if limit is None or len(text) <= limit else f"... ({len(text)} characters)"
    shown = text if limit is None else text[:limit]
    if shown.isprintable():
        return shown + left_out
    return "".join(c if c.isprintable() else _escaped(c) for c in shown) + left_out


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `name` was most likely meant to be, or None if none is near.

    Case and punctuation count for nothing, so that `srcAddr` and `{src-addr}` find `srcaddr`.
    """
    by_letters: dict[str, str] = {}
    for candidate in known:
        by_letters.setdefault(_letters(candidate), candidate)
    import difflib

    close = difflib.get_close_matches(_letters(name), by_letters, n=1, cutoff=0.6)
    return by_letters[close[0]] if close else None


def _letters(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
