"""`where=`: conditions on columns, checked and made ready for the kernel.

A condition is a mapping from column names to what may stand there; all must hold for a line to
pass. A scalar is that value; a list is any of its members; a tuple `(low, high)` is a half-open
range, `None` standing for an open end; `None` alone is null. Null matches nothing else. Integers
compare as numbers, text as text, addresses as addresses (`"10.0.0.0/8"`, `"2001:db8::/32"` are
networks), times as aware datetimes, ISO 8601 strings, or whole seconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import Literal

from attrs import frozen

from vpcflow.errors import UsageError, nearest
from vpcflow.fields import FIELDS, Field, text_field

WhereValue = object
Where = Mapping[str, WhereValue]

_INT64_MAX = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class Condition:
    """One column's condition. alternatives: inclusive ranges of integers (times in milliseconds),
    texts, or (first, last) packed addresses. null: whether null passes."""

    column: str
    kind: Literal["integer", "time", "text", "address"]
    alternatives: tuple[object, ...]
    null: bool


def parse_where(where: Where | None) -> tuple[Condition, ...]:
    """The conditions of a `where=` argument. A column outside `FIELDS` is taken for text: whether
    the logs have it shows when their format is known (`check_columns`).

    Raises UsageError for a value that the column cannot hold.
    """
    if where is None:
        return ()
    if not isinstance(where, Mapping):
        raise UsageError(
            f"where= takes a mapping of columns to values, not {type(where).__name__}",
            hint='where={"action": "REJECT", "dstport": [443, 8443]}',
        )
    return tuple(_condition(name, value) for name, value in where.items())


def _condition(name: str, value: object) -> Condition:
    members = list(value) if isinstance(value, (list, set, frozenset)) else [value]
    if name not in FIELDS and not all(isinstance(m, (str, NoneType)) for m in members):
        check_columns([name], (), "where=")  # no column outside FIELDS holds anything but text
    field = FIELDS.get(name) or text_field(str(name))
    null = any(member is None for member in members)
    given = [member for member in members if member is not None]
    if field.kind == "time":
        return Condition(name, "time", tuple(_time_range(name, m) for m in given), null)
    if field.kind == "address":
        return Condition(name, "address", tuple(_network(name, m) for m in given), null)
    if field.type == "utf8":
        return Condition(name, "text", tuple(_text(name, m) for m in given), null)
    return Condition(name, "integer", tuple(_integer_range(name, m) for m in given), null)


def check_columns(names: Iterable[str], known: Iterable[Field], argument: str) -> None:
    """Raises UsageError for a name that is neither in `FIELDS` nor among `known`."""
    available = dict.fromkeys([*FIELDS, *(field.name for field in known)])
    for name in names:
        if name not in available:
            close = nearest(str(name), available)
            raise UsageError(
                f"{argument} names {name!r}, a column that these logs do not have",
                hint=f"did you mean {close!r}?" if close else "`vpcflow fields` lists all",
            )


def columns_of(names: Sequence[str], known: Iterable[Field] = ()) -> tuple[Field, ...]:
    """The fields of a `columns=` argument, in its order. Raises UsageError for a name that is
    neither in `FIELDS` nor among `known`, for a name given twice, and for no name at all."""
    extra = {field.name: field for field in known}
    check_columns(names, extra.values(), "columns=")
    if not names:
        raise UsageError("columns= is empty: name at least one column, or leave it out for all")
    if twice := [name for i, name in enumerate(names) if name in names[:i]]:
        raise UsageError(f"columns= names {twice[0]!r} twice")
    return tuple(FIELDS.get(name) or extra[name] for name in names)


def _bad_value(column: str, value: object, wanted: str) -> UsageError:
    return UsageError(f"where= compares {column} with {value!r}, but it takes {wanted}")


def _text(column: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise _bad_value(column, value, "a text, or a list of texts")
    return value.encode()


def _integer(column: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _bad_value(column, value, "an integer, a list, or a half-open range (low, high)")
    return max(-_INT64_MAX, min(value, _INT64_MAX))


def _integer_range(column: str, value: object) -> tuple[int, int]:
    if isinstance(value, range) and value.step == 1:
        value = (value.start, value.stop)
    if isinstance(value, tuple) and len(value) == 2:
        low, high = value
        return (
            0 if low is None else _integer(column, low),
            _INT64_MAX if high is None else _integer(column, high) - 1,
        )
    exact = _integer(column, value)
    return exact, exact


def _milliseconds(column: str, value: object) -> int:
    wanted = "an aware datetime, an ISO 8601 text with a zone, or whole seconds since 1970 UTC"
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-_INT64_MAX, min(value * 1000, _INT64_MAX))
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise _bad_value(column, value, wanted) from None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise _bad_value(column, value, wanted)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _time_range(column: str, value: object) -> tuple[int, int]:
    if isinstance(value, tuple) and len(value) == 2:
        low, high = value
        return (
            0 if low is None else _milliseconds(column, low),
            _INT64_MAX if high is None else _milliseconds(column, high) - 1,
        )
    exact = _milliseconds(column, value)
    return exact, exact


def _network(column: str, value: object) -> tuple[bytes, bytes]:
    import ipaddress

    if isinstance(value, str):
        try:
            value = ipaddress.ip_network(value)
        except ValueError as error:
            raise UsageError(
                f"where= compares {column} with {value!r}: {error}",
                hint='give an address or a network: "10.0.1.5", "10.0.0.0/8", "2001:db8::/32"',
            ) from None
    if isinstance(value, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        return value.packed, value.packed
    if not isinstance(value, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        raise _bad_value(column, value, "an address or a network, or a list of them")
    return value.network_address.packed, value.broadcast_address.packed
