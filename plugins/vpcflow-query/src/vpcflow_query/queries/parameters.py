"""The parameters of named queries: what may be given, and what a text given for one means.

Whatever passes here is a number, an address block, an interface's id or a time: none can end a
literal of a query language. They are quoted as literals all the same.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from attrs import frozen

from vpcflow.cli.where import conditions
from vpcflow.errors import UsageError, nearest, printable

Value = int | float | str | datetime | tuple[int, ...] | tuple[str, ...]

_INTEGER = re.compile(r"[0-9]{1,19}")
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
_INTERFACE = re.compile(r"eni-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_LONGEST_LIST = 1000

T = TypeVar("T", int, str)


@frozen
class Declared:
    """A parameter that a query has.

    name: as in `--param NAME=VALUE`. read: the text to the value; raises ValueError, whose text
    says what is allowed. meaning: for people. default: None if a value must be given.
    """

    name: str
    read: Callable[[str], Value]
    meaning: str
    default: Value | None = None


def integer(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return read


def number(low: float, high: float) -> Callable[[str], float]:
    """From low to high, both included."""

    def read(text: str) -> float:
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}, such as {(low + high) / 2:g}")
        return value

    return read


def block(text: str) -> str:
    """An address or a block in its canonical form: "10.0.0.0/8", "2001:db8::1/128"."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("an address or a block, such as 10.0.1.5 or 10.0.0.0/8") from None


def ports(text: str) -> tuple[int, ...]:
    read = integer(0, 65_535)
    try:
        return _several(text, read)
    except ValueError:
        raise ValueError("ports from 0 to 65535 with commas between, such as 22,3389") from None


def interfaces(text: str) -> tuple[str, ...]:
    def read(one: str) -> str:
        if not _INTERFACE.fullmatch(one):
            raise ValueError
        return one

    try:
        return _several(text, read)
    except ValueError:
        raise ValueError("interfaces with commas between, such as eni-0123456789abcdef0") from None


def _several(text: str, read: Callable[[str], T]) -> tuple[T, ...]:
    texts = [one.strip() for one in text.split(",")]
    if len(texts) > _LONGEST_LIST:
        raise ValueError
    return tuple(dict.fromkeys(read(one) for one in texts))


def since(text: str) -> datetime:
    return _time(lambda: conditions((), since=text))


def until(text: str) -> datetime:
    return _time(lambda: conditions((), until=text))


def _time(read: Callable[[], Mapping[str, object] | None]) -> datetime:
    """The one end of the span that the command line's own reader of times gives."""
    try:
        span = (read() or {}).get("start")
    except UsageError:
        span = None
    ends = [end for end in span if isinstance(end, datetime)] if isinstance(span, tuple) else []
    if not ends:
        raise ValueError("a time such as 2024-05-01, 2024-05-01T12:30:00Z or 2h (ago)")
    return ends[0].astimezone(UTC)


LIMIT_MOST = 1_000_000


def limit(default: int) -> Declared:
    return Declared("limit", integer(1, LIMIT_MOST), "rows at most", default)


SINCE = Declared("since", since, "records that start at this time or later")
UNTIL = Declared("until", until, "records that start before this time")
TIMES = (SINCE, UNTIL)
"""Every query takes these two; without them it asks about all records."""


def given(texts: Iterable[str]) -> dict[str, str]:
    """`--param` options, NAME=VALUE, as a mapping. Raises UsageError for other texts."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().lower().replace("_", "-")
        if not equals or not name:
            raise UsageError(
                f"--param {printable(text, 80)} is not NAME=VALUE", hint="as in --param limit=20"
            )
        if name in found:
            raise UsageError(f"--param gives {printable(name, 80)} twice")
        found[name] = value.strip()
    return found


def values(
    query: str, declared: Iterable[Declared], texts: Mapping[str, str]
) -> Mapping[str, Value]:
    """The values of a query's parameters: what is given, else the defaults; `since` and `until`
    only where they are given.

    Raises UsageError for a parameter that the query does not have, a value that is not allowed,
    and one that is missing.
    """
    known = {one.name: one for one in (*declared, *TIMES)}
    for name in texts:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near}?" if near else f"it has {', '.join(known)}"
            raise UsageError(f"{query} has no parameter {printable(name, 80)}", hint=hint)
    found: dict[str, Value] = {}
    for one in known.values():
        if one.name in texts:
            found[one.name] = _read(query, one, texts[one.name])
        elif one.default is not None:
            found[one.name] = one.default
        elif one not in TIMES:
            raise UsageError(
                f"{query} needs a parameter: {one.name}, {one.meaning}",
                hint=f"--param {one.name}=...",
            )
    return found


def _read(query: str, declared: Declared, text: str) -> Value:
    try:
        return declared.read(text)
    except ValueError as error:
        raise UsageError(
            f"{query}: --param {declared.name}={printable(text, 80)}: it is {error}"
        ) from None
