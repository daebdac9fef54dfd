"""Options of plugins: `?key=value` texts to an attrs class; errors say what is allowed."""

from __future__ import annotations

import math
import re
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
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SCALED = re.compile(r"([0-9]+)(?:\.([0-9]+))?([A-Za-z]*)")
_LONGEST_NUMBER = 40


class Size(int):
    """A number of bytes: `64MB` (powers of 1000), `64MiB`, `1000`."""


class Age(float):
    """A time span in seconds: `90`, `90s`, `15m`, `2h`, `7d`."""


def split_target(text: str) -> tuple[str, dict[str, str]]:
    """ "out/?size=64MB&partition=day" -> ("out/", {"size": "64MB", "partition": "day"}).

    The options are those behind the last `?`, percent-decoded as in URLs; a target that has a `?`
    itself is written with another at its end. An option without `=` has the value "", which is
    yes. Raises UsageError for an option given twice.
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
    `tuple[X, ...]` of these (values with commas between), one of these or None, or any other type
    with an attrs converter that takes a text; a field `as_` is the option `as`. owner: whose
    options they are ("sink parquet"), for errors. Raises UsageError for an unknown option (with the
    nearest), a value that does not fit (with what is allowed), and whatever a converter or
    validator of the class refuses; TypeError for a class with a field that cannot be made from a
    text.
    """
    hints = get_type_hints(cls)
    known = {_name(a): a for a in attrs.fields(cls) if a.init}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, text in options.items():
        name = key.replace("-", "_")
        if name not in known:
            close = nearest(name, known)
            have = ", ".join(known) or "none"
            hint = f"did you mean {close!r}?" if close else f"there are: {have}"
            raise UsageError(f"{owner} has no option {printable(key)!r}", hint=hint)
        if name in values:
            raise UsageError(f"{owner}: option {name!r} is given twice")
        field = known[name]
        what = f"{owner}: option {key}"
        values[name] = text if field.converter else _value(hints[field.name], text, what)
    missing = [n for n, a in known.items() if a.default is attrs.NOTHING and n not in values]
    if missing:
        raise UsageError(f"{owner} needs the option {missing[0]!r}")
    try:
        return cls(**{known[name].alias or name: value for name, value in values.items()})
    except (ValueError, TypeError) as error:
        reason = error.args[0] if error.args else error
        raise UsageError(f"{owner}: {printable(str(reason))}") from error


def _name(field: attrs.Attribute[Any]) -> str:
    """Without the underscore that makes a name of a keyword of Python."""
    return (field.alias or field.name).removesuffix("_")


def _value(kind: Any, text: str, what: str) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        return _value(members[0], text, what)
    if get_origin(kind) is Literal:
        return _choice(text, {str(word): word for word in get_args(kind)}, what)
    if get_origin(kind) is tuple:
        parts = (part.strip() for part in text.split(","))
        return tuple(_value(get_args(kind)[0], part, what) for part in parts if part)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice(text, {str(member.value): member for member in kind}, what)
    if kind is bool:
        return _choice(
            text.lower(), dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False), what
        )
    if kind is Size:
        return Size(_scaled(text, _SIZES, what, "a size such as 64MB, 64MiB or 1000000"))
    if kind is Age:
        return Age(_scaled(text, _AGES, what, "a time span such as 90s, 15m, 2h or 7d"))
    if kind in (int, float):
        return _number(kind, text, what)
    if kind is str:
        return text
    raise TypeError(f"{what}: a {kind} cannot be made from a text without a converter")


def _number(kind: type[int] | type[float], text: str, what: str) -> int | float:
    plain = (_INTEGER if kind is int else _NUMBER).fullmatch(text)
    if plain and len(text) <= _LONGEST_NUMBER and math.isfinite(number := kind(text)):
        return number
    wanted = "a whole number" if kind is int else "a number"
    raise UsageError(f"{what}={printable(text, 80)!r} is not {wanted}")


def _choice(text: str, allowed: Mapping[str, Any], what: str) -> Any:
    if text in allowed:
        return allowed[text]
    close = nearest(text, allowed)
    words = ", ".join(word for word in allowed if word)
    hint = f"did you mean {close!r}?" if close else None
    raise UsageError(f"{what}={printable(text)!r} is not one of {words}", hint=hint)


def _scaled(text: str, units: Mapping[str, int], what: str, wanted: str) -> int | float:
    """Whole numbers stay exact."""
    found = _SCALED.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    factor = units.get(found[3].lower()) if found else None
    if found is None or factor is None:
        raise UsageError(f"{what}={printable(text, 80)!r} is not {wanted}")
    whole, fraction = int(found[1]) * factor, found[2]
    scaled = whole + factor * int(fraction) / 10 ** len(fraction) if fraction else whole
    least = 1 if units is _SIZES else 0.001
    if not least <= scaled < 2**63:
        raise UsageError(f"{what}={printable(text)!r} is out of range: {wanted}")
    return scaled
