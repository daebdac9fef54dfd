"""Numbers and times as people read them. Sizes are decimal (1 kB = 1000 bytes), times UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")
_LARGE = (
    (10**18, "quintillion"),
    (10**15, "quadrillion"),
    (10**12, "trillion"),
    (10**9, "billion"),
    (10**6, "million"),
)
_LENGTHS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second"))
SOME = 3  # significant digits of a rounded number


def size(number: float) -> str:
    """1234567 -> "1.23 MB"."""
    return _scaled(number, "B")


def rate(number: float) -> str:
    """Bits a second: 1.5e6 -> "1.5 Mbit/s"."""
    return _scaled(number, "bit/s")


def count(number: int) -> str:
    """Exact up to a million, then rounded: "12,345", "1.23 million"."""
    for least, name in _LARGE:
        if number >= least:
            return f"{_significant(number / least)} {name}"
    return f"{number:,}"


def short(number: float) -> str:
    """For an axis: 40, 1.5k, 20M."""
    return _scaled(number, "").replace(" ", "")


def plural(number: int, noun: str, many: str | None = None) -> str:
    return f"{count(number)} {noun if number == 1 else many or noun + 's'}"


def share(part: int, whole: int) -> str:
    """A percentage that is 0 or 100 only if it is exactly that."""
    if not whole:
        return "0%"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "below 0.1%"
    if 99.9 < percent < 100:
        return "above 99.9%"
    return f"{percent:.1f}".removesuffix(".0") + "%"


def dollars(number: float) -> str:
    """Cents below 100 dollars, where they matter."""
    if 0 < number < 0.01:
        return "below $0.01"
    return f"${number:,.2f}" if number < 100 else f"${number:,.0f}"


def moment(milliseconds: int) -> datetime:
    """The time of a record; one beyond the calendar becomes the calendar's end."""
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return _FAR if milliseconds > 0 else _EPOCH


def time(value: datetime) -> str:
    """14 Sep 2026, 10:02:05 (UTC is said around it)."""
    value = value.astimezone(UTC)
    return f"{value.day} {value:%b} {value.year}, {value:%H:%M:%S}"


def period(first: int, last: int) -> str:
    """Two times in milliseconds, the day once if it is one day."""
    begin, end = moment(first), moment(last)
    until = f"{end:%H:%M:%S}" if begin.date() == end.date() else time(end)
    return f"{time(begin)} to {until} UTC"


def length(milliseconds: int) -> str:
    """600000 -> "10 minutes"; the two largest units at most."""
    parts = []
    for unit, name in _LENGTHS:
        number, milliseconds = divmod(milliseconds, unit)
        if number:
            parts.append(f"{number:,} {name}{'s' if number != 1 else ''}")
        if len(parts) == 2:
            break
    return " ".join(parts) or "less than a second"


def cut(text: str, most: int) -> str:
    """`text`, or its first characters and how many there were."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def _scaled(number: float, unit: str) -> str:
    step = 0
    while (number >= 999.5 or round(number, 1) >= 1000) and step < len(_PREFIXES) - 1:
        number /= 1000
        step += 1
    return f"{_significant(number)} {_PREFIXES[step]}{unit}"


def _significant(number: float) -> str:
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.{SOME}g}"
