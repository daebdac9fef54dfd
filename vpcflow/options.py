"""Options of plugins: `?key=value` texts to an attrs class, with errors that say what is allowed."""

from __future__ import annotations

import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import attrs

from vpcflow.errors import UsageError, nearest, printable

T = TypeVar("T")

_TRUE = {"true", "yes", "on", "1", ""}
_FALSE = {"false", "no", "off", "0"}
_SIZES = {"": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9}
_SIZES |= {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_AGES = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Size(int):
    """A number of bytes: `64MB` (powers of 1000), `64MiB`, `1000`."""


class Age(float):
    """A time span in seconds: `90`, `90s`, `15m`, `2h`, `7d`."""


def split_target(text: str) -> tuple[str, dict[str, str]]:
    """ "out/?size=64MB&partition=day" -> ("out/", {"size": "64MB", "partition": "day"}).

    The options are those behind the last `?`, percent-decoded as in URLs. Raises UsageError for an
    option given twice.
    """
    target, mark, query = text.rpartition("?")
    if not mark:
        return text, {}
    options: dict[str, str] = {}
    for key, value in parse_qsl(query.replace("+", "%2B"), keep_blank_values=True):
        if key in options:
            raise UsageError(f"option {printable(key)!r} is given twice in {printable(text)}")
        options[key] = value
    return target, options


def settings(cls: type[T], options: Mapping[str, str], *, owner: str) -> T:
    """An instance of the attrs class `cls` from texts.

    Fields may be of type str, int, float, bool, `Size`, `Age`, `Literal[...]`, an Enum,
    `tuple[str, ...]` (values with commas between), or one of these or None. owner: whose options
    they are ("sink parquet"), for errors. Raises UsageError for an unknown option (with the
    nearest), a value that does not fit (with what is allowed), and whatever a validator of the
    class refuses.
    """
    hints = get_type_hints(cls)
    known = {a.alias or a.name: a for a in attrs.fields(cls) if a.init}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, text in options.items():
        name = key.replace("-", "_")
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean {close!r}?" if close else f"there are: {', '.join(known) or 'none'}"
            raise UsageError(f"{owner} has no option {printable(key)!r}", hint=hint)
        values[name] = _value(hints[known[name].name], text, f"{owner}: option {key}")
    missing = [n for n, a in known.items() if a.default is attrs.NOTHING and n not in values]
    if missing:
        raise UsageError(f"{owner} needs the option {missing[0]!r}")
    try:
        return cls(**values)
    except (ValueError, TypeError) as error:
        reason = error.args[0] if error.args else error
        raise UsageError(f"{owner}: {printable(str(reason))}") from error


def _value(kind: Any, text: str, what: str) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        return _value(members[0], text, what)
    if get_origin(kind) is Literal:
        return _choice(text, {str(word): word for word in get_args(kind)}, what)
    if get_origin(kind) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice(text, {str(member.value): member for member in kind}, what)
    if kind is bool:
        return _choice(text.lower(), {w: True for w in _TRUE} | {w: False for w in _FALSE}, what)
    if kind is Size:
        return Size(_scaled(text, _SIZES, what, "a size such as 64MB, 64MiB or 1000000"))
    if kind is Age:
        return Age(_scaled(text, _AGES, what, "a time span such as 90s, 15m, 2h or 7d"))
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            number = "a whole number" if kind is int else "a number"
            raise UsageError(f"{what}={printable(text)!r} is not {number}") from None
    return text


def _choice(text: str, allowed: Mapping[str, Any], what: str) -> Any:
    if text in allowed:
        return allowed[text]
    close = nearest(text, allowed)
    words = ", ".join(word for word in allowed if word)
    hint = f"did you mean {close!r}?" if close else None
    raise UsageError(f"{what}={printable(text)!r} is not one of {words}", hint=hint)


def _scaled(text: str, units: Mapping[str, int], what: str, wanted: str) -> float:
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = text[len(number) :].lower()
    try:
        scaled = float(number) * units[unit]
    except (ValueError, KeyError):
        raise UsageError(f"{what}={printable(text)!r} is not {wanted}") from None
    if not 0 < scaled < 2**63:
        raise UsageError(f"{what}={printable(text)!r} is out of range: {wanted}")
    return scaled
