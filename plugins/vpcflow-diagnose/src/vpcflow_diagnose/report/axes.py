"""Where the marks of an axis stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from vpcflow_diagnose.report import words

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_STEPS = (
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 7, 14, 30, 90, 365)),
)


def step_for(span: int, most: int) -> int:
    """The least round step (milliseconds) that divides `span` into at most `most` parts."""
    for step in _STEPS:
        if span <= step * most:
            return step
    years = -(-span // (most * 365 * _DAY))
    return years * 365 * _DAY


def time_marks(first: int, last: int, most: int) -> list[tuple[int, str]]:
    """Round times from first to last (milliseconds), each with its label: the day where it
    changes, else the hour and minute."""
    step = step_for(last - first, most)
    start = -(-first // step) * step
    marks: list[tuple[int, str]] = []
    before: datetime | None = None
    for at in range(start, last + 1, step):
        now = words.moment(at)
        marks.append((at, _label(now, before, step)))
        before = now
    return marks


def _label(now: datetime, before: datetime | None, step: int) -> str:
    day = f"{now.day} {now:%b}"
    if step >= 90 * _DAY:
        return f"{day} {now.year}"
    if step >= _DAY:
        return day
    new_day = before is None or now.date() != before.date()
    return f"{day} {now:%H:%M}" if new_day else f"{now:%H:%M}"


def value_marks(highest: float, most: int = 4, whole: bool = False) -> Sequence[float]:
    """0 and round values up to the first that is not below `highest`; at least 0 and 1."""
    if highest <= 0:
        return (0.0, 1.0)
    least = highest / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999)
    if whole:
        step = max(step, 1.0)
    return [step * i for i in range(math.ceil(highest / step * 0.999) + 1)]
