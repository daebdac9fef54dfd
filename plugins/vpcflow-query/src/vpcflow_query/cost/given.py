"""A volume that somebody knows already, from the text of an option."""

from __future__ import annotations

import re

from vpcflow.cli.options import given_format
from vpcflow.errors import UsageError, printable
from vpcflow.flow_format import FlowFormat
from vpcflow_query.cost.line_length import typical_line
from vpcflow_query.cost.volume import MONTH, Monthly, Volume
from vpcflow_query.tiers import GB

_VOLUME = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:e[0-9]{1,2})?)\s*([a-zA-Z]*)", re.ASCII)
_BYTES = {"mb": GB / 1024, "gb": GB, "tb": GB * 1024, "pb": GB * 1024**2}
_RECORDS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "records": 1.0}
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LARGEST = 1e18  # bytes or records a month: what nobody has


def per_month(text: str, line: float) -> Monthly:
    """ "500GB", "2.5TB" (of 1024), "3000000000", "2e9", "40M" records -> a month.

    line: bytes of a record, where one has to be told from the other. Raises UsageError."""
    hint = "as in --per-month 500GB, 2TB (before compression), or a number of records: 40M, 2e9"
    match = _VOLUME.fullmatch(text.strip().replace(",", ""))
    number, unit = (float(match[1]), match[2].lower()) if match else (0.0, "?")
    if unit in _BYTES:
        size = number * _BYTES[unit]
        records = size / line
    elif unit in _RECORDS:
        records = number * _RECORDS[unit]
        size = records * line
    else:
        raise UsageError(f"--per-month {printable(text, 40)!r} is no volume", hint=hint)
    if max(size, records) > _LARGEST:
        raise UsageError(f"--per-month {printable(text, 40)} is more than can be", hint=hint)
    return Monthly(records, size, "given with --per-month")


def per_second(rate: float, line: float) -> Monthly:
    """`rate` records a second for thirty days. Raises UsageError."""
    if not 0 < rate <= _LARGEST / MONTH / 1e4:
        raise UsageError(f"--records-per-second {rate:g} cannot be", hint="above 0, below 1e8")
    records = rate * MONTH
    return Monthly(records, records * line, "given with --records-per-second")


def line_length(volume: Volume | None, format_: str | None) -> float:
    """Bytes of a record: as measured, else the usual ones of the format (the default format)."""
    if volume is not None and volume.all.records:
        return volume.all.text_bytes / volume.all.records
    format = given_format(format_)
    return float(typical_line(format if isinstance(format, FlowFormat) else FlowFormat.default()))


def seconds(text: str) -> float:
    """ "24h", "7d", "90m" -> seconds. Raises UsageError."""
    match = _SPAN.fullmatch(text.strip())
    found = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if not 1 <= found <= 100 * 366 * 86_400:
        raise UsageError(
            f"--covers {printable(text, 40)!r} is no length of time", hint="as in 90m, 24h, 7d"
        )
    return found
