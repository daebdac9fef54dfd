"""Log events, and the batches that PutLogEvents takes. Pure: nothing here talks to anybody.

The limits: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

MOST_BYTES = 1_048_576
"""Of a batch: the UTF-8 bytes of its messages, and 26 for each."""
BYTES_PER_EVENT = 26
MOST_EVENTS = 10_000
MOST_MILLISECONDS = 24 * 60 * 60 * 1000
"""Between the first and the last event of a batch."""
LONGEST_MESSAGE = MOST_BYTES - BYTES_PER_EVENT
_LATEST = 2**63 - 1

TOO_OLD = "too old: CloudWatch Logs takes events of the last 14 days"
EXPIRED = "too old: it is from before the log group's retention"
TOO_NEW = "too new: it is more than 2 hours in the future"


class LogEvent(NamedTuple):
    """timestamp: milliseconds since 1970 UTC. message: UTF-8."""

    timestamp: int
    message: bytes


def cost(event: LogEvent) -> int:
    """The bytes that an event counts for."""
    return len(event.message) + BYTES_PER_EVENT


def flaw(event: LogEvent) -> str | None:
    """Why an event cannot be in any batch; None if it can."""
    if not event.message:
        return "the message is empty"
    if len(event.message) > LONGEST_MESSAGE:
        return f"the message has {len(event.message):,} bytes, and {LONGEST_MESSAGE:,} are allowed"
    if not 0 <= event.timestamp <= _LATEST:
        return f"the time {event.timestamp} ms is before 1970"
    return None


def batches(events: Sequence[LogEvent]) -> list[list[LogEvent]]:
    """Events without a flaw, in the order of their times (those of one time in the order that they
    came in), cut where the next one would break a limit."""
    cut: list[list[LogEvent]] = []
    size, first = 0, 0
    for event in sorted(events, key=itemgetter(0)):
        size += cost(event)
        if (
            not cut
            or size > MOST_BYTES
            or len(cut[-1]) == MOST_EVENTS
            or event.timestamp - first > MOST_MILLISECONDS
        ):
            cut.append([])
            size, first = cost(event), event.timestamp
        cut[-1].append(event)
    return cut


def rejected(events: Sequence[LogEvent], info: Mapping[str, Any]) -> list[tuple[LogEvent, str]]:
    """The events of a batch that PutLogEvents did not take, with reasons. info: the answer's
    `rejectedLogEventsInfo`; its indices count in the order of the batch, `...EndIndex` is the first
    one that is not concerned, `tooNewLogEventStartIndex` the first one that is."""
    end = len(events)
    old = min(end, max(0, info.get("tooOldLogEventEndIndex") or 0))
    expired = min(end, max(old, info.get("expiredLogEventEndIndex") or 0))
    new = info.get("tooNewLogEventStartIndex")
    new = end if new is None else min(end, max(expired, new))
    return (
        [(event, TOO_OLD) for event in events[:old]]
        + [(event, EXPIRED) for event in events[old:expired]]
        + [(event, TOO_NEW) for event in events[new:]]
    )
