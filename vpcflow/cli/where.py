"""`--where EXPR`, `--since` and `--until`: from what a person writes to the `where=` of `scan`.

Numbers and times are spans here: `443` is 443..444 (without its end), `2024-05-01` is that day,
`2024-05-01T12:00:00Z` a millisecond. So one rule serves all: `=` is within the span, `>=` from its
beginning, `>` from its end, `LOW..HIGH` from the beginning of one to the end of the other.
"""

from __future__ import annotations

import csv
import ipaddress
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from attrs import define

from vpcflow.cli.names import flag_bits, protocol_number
from vpcflow.errors import UsageError, nearest
from vpcflow.fields import FIELDS, Field, text_field

_EXPRESSION = re.compile(r"\s*([A-Za-z0-9_-]+)\s*(==|!=|>=|<=|=|>|<)(.*)", re.DOTALL)
_AGO = re.compile(r"([0-9]+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_HINT = "write it as dstport=443,8443 or srcaddr=10.0.0.0/8 or bytes>=1000"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_LAST_TIME = 9_999_999_999_999  # thirteen digits of milliseconds are all that a log can hold

Span = tuple[int, int]
Value = int | str | None


@define
class _Condition:
    """What one column must satisfy: be one of `values` (None: any), and low <= value < high."""

    field: Field
    values: list[Value] | None = None
    low: int | None = None
    high: int | None = None

    def among(self, values: list[Value]) -> None:
        if self.values is None:
            self.values = values
        elif self.field.kind == "address":
            raise UsageError(
                f"{self.field.name} is given twice, and address blocks are not intersected",
                hint=f"list in one condition what may match: {self.field.name}=10.0.0.0/8,10.1.2.3",
            )
        else:
            self.values = [value for value in self.values if value in values]

    def between(self, low: int | None, high: int | None) -> None:
        if low is not None and low > 0:  # nothing is below 0
            self.low = low if self.low is None else max(self.low, low)
        if high is not None and high <= _last(self.field):
            self.high = high if self.high is None else min(self.high, high)

    def value(self) -> object:
        """The condition in the form that `scan` takes."""
        beyond = self.low is not None and self.low > _last(self.field)
        if beyond or (self.high is not None and self.high <= 0):
            raise self._nothing_left()
        if self.values is not None:
            kept = [value for value in self.values if self._within(value)]
            if kept:
                return self._public(kept[0]) if len(kept) == 1 else list(map(self._public, kept))
        elif self.low is None or self.high is None or self.low < self.high:
            return (self._public(self.low), self._public(self.high))
        raise self._nothing_left()

    def _nothing_left(self) -> UsageError:
        return UsageError(f"no value of {self.field.name} can satisfy all conditions on it")

    def _within(self, value: Value) -> bool:
        if not isinstance(value, int):
            return self.low is None and self.high is None
        return (self.low is None or value >= self.low) and (self.high is None or value < self.high)

    def _public(self, value: Value) -> object:
        if isinstance(value, int) and self.field.kind == "time":
            return _EPOCH + value * _MILLISECOND
        return value


def conditions(
    expressions: Iterable[str],
    *,
    since: str | None = None,
    until: str | None = None,
    now: datetime | None = None,
) -> dict[str, object] | None:
    """The `where=` that all expressions and the time span make together; None if there is none.

    since, until: the record's `start` is at or after / before this time. now: what "2h" (ago)
    counts from. Raises UsageError for what cannot be read, or can never match.
    """
    found: dict[str, _Condition] = {}
    for expression in expressions:
        _add(found, expression)
    start = FIELDS["start"]
    if since is not None or until is not None:
        moment = now or datetime.now(UTC)
        low = None if since is None else _time(_absolute(since, moment), "--since")[0]
        high = None if until is None else _time(_absolute(until, moment), "--until")[0]
        found.setdefault("start", _Condition(start)).between(low, high)
    return {name: condition.value() for name, condition in found.items()} or None


def _add(found: dict[str, _Condition], expression: str) -> None:
    match = _EXPRESSION.fullmatch(expression)
    if match is None:
        raise UsageError(f"--where {expression!r} is not COLUMN=VALUE", hint=_HINT)
    name, operator, text = match.groups()
    field = _column(name)
    text = text.strip()
    condition = found.setdefault(field.name, _Condition(field))
    where = f"--where {expression!r}"
    if not text:
        raise UsageError(f"{where} has no value", hint=f"for records without one: {field.name}=-")
    if operator == "!=":
        raise UsageError(
            f"{where}: a condition cannot exclude values",
            hint="name those to keep, as in action=ACCEPT, or LOW..HIGH",
        )
    ordered = field.type != "utf8"
    if operator in {"=", "=="}:
        if ordered and ".." in text:
            condition.between(*_range(text, field, where))
        else:
            _equal(condition, _split(text), where)
        return
    if not ordered:
        raise UsageError(f"{where}: {field.name} is text, which has no order", hint=_HINT)
    low, high = _span(text, field, where)
    if operator == ">=":
        condition.between(low, None)
    elif operator == ">":
        condition.between(high, None)
    elif operator == "<=":
        condition.between(None, high)
    else:
        condition.between(None, low)


def _last(field: Field) -> int:
    limit = field.maximum
    return _LAST_TIME if limit is None else limit


def _column(name: str) -> Field:
    column = name.replace("-", "_").lower()
    if column in FIELDS:
        return FIELDS[column]
    near = nearest(column, FIELDS)
    if near is None:
        return text_field(column)  # perhaps in a header that is newer than this program: scan knows
    raise UsageError(f"--where: there is no column {name!r}", hint=f"did you mean {near}?")


def _split(text: str) -> list[str]:
    """The values between commas; one that holds a comma itself stands in double quotes."""
    return [value.strip() for value in next(csv.reader([text], skipinitialspace=True))]


def _equal(condition: _Condition, texts: Sequence[str], where: str) -> None:
    field = condition.field
    values: list[Value] = []
    for text in texts:
        if text == "-":
            values.append(None)
        elif field.type == "utf8":
            values.append(_text(text, field, where))
        else:
            low, high = _span(text, field, where)
            if high - low > 1 and len(texts) > 1:
                raise UsageError(
                    f"{where}: a day cannot be one of several values", hint="use LOW..HIGH"
                )
            if high - low > 1:
                condition.between(low, high)
                return
            values.append(low)
    condition.among(values)


def _range(text: str, field: Field, where: str) -> tuple[int | None, int | None]:
    first, _, last = (part.strip() for part in text.partition(".."))
    if "," in text or ".." in last or not (first or last):
        raise UsageError(
            f"{where} is not one range",
            hint=f"write {field.name}=LOW..HIGH, both included; one of the ends may be left out",
        )
    low = _span(first, field, where)[0] if first else None
    high = _span(last, field, where)[1] if last else None
    if low is not None and high is not None and low >= high:
        raise UsageError(f"{where}: the range ends before it begins")
    return low, high


def _span(text: str, field: Field, where: str) -> Span:
    if field.kind == "time":
        return _time(text, where)
    number = _named(text, field)
    if number is None and re.fullmatch(r"0|[1-9][0-9]*", text):
        number = int(text)
    if number is None:
        named = " or a known name" if field.kind in {"protocol", "flags"} else ""
        raise UsageError(f"{where}: {text!r} is not a whole number{named}", hint=_HINT)
    if number > _last(field):
        raise UsageError(
            f"{where}: {field.name} goes up to {_last(field)}, so {number} never matches"
        )
    return number, number + 1


def _named(text: str, field: Field) -> int | None:
    if field.kind == "protocol":
        return protocol_number(text)
    return flag_bits(text) if field.kind == "flags" else None


def _text(text: str, field: Field, where: str) -> str:
    if field.kind == "address":
        return _address(text, where)
    # AWS writes ACCEPT, REJECT, OK, NODATA and SKIPDATA; nobody should have to hold down shift.
    return text.upper() if field.kind in {"action", "status"} else text


def _address(text: str, where: str) -> str:
    hint = "as in 10.0.0.0/8 or 2001:db8::1"
    try:
        block = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise UsageError(f"{where}: {error}", hint=hint) from None
    if "/" not in text:
        return str(block.network_address)
    host = ipaddress.ip_interface(text).ip
    if host != block.network_address:
        hint = f"write {block} for the block, or {host} for the address"
        raise UsageError(f"{where}: {text} is an address within its block", hint=hint)
    return str(block)


def _time(text: str, where: str) -> Span:
    """First and last-plus-one millisecond since 1970 of what `text` names."""
    if re.fullmatch(r"[0-9]{10}", text):
        return int(text) * 1000, int(text) * 1000 + 1
    if re.fullmatch(r"[0-9]{13}", text):
        return int(text), int(text) + 1
    try:
        if len(text) <= len("2024-05-01"):
            day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            low = (day - _EPOCH) // _MILLISECOND
            return low, low + 86_400_000
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{where}: {text!r} is not a time",
            hint="write 2024-05-01, 2024-05-01T12:30:00Z or seconds since 1970; "
            "without a zone it is UTC",
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    low = (moment - _EPOCH) // _MILLISECOND
    return low, low + 1


def is_age(text: str) -> bool:
    """Whether a time counts from now ("2h")."""
    return _AGO.fullmatch(text) is not None


def _absolute(text: str, now: datetime) -> str:
    """ "2h" -> the ISO time two hours before `now`; other text stays."""
    match = _AGO.fullmatch(text)
    if match is None:
        return text
    try:
        then = now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise UsageError(f"{text} ago is before any calendar") from None
    return then.isoformat(timespec="seconds")
