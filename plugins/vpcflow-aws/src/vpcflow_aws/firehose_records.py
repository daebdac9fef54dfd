"""Rows packed into Firehose records, and those into requests. Pure: nothing here talks to anybody.

Firehose bills each record as a multiple of 5 KB (5,120 bytes), so a row of 300 bytes by itself
costs 17 times its size. Rows are joined until the next one would pass the record's size, a
multiple of 5 KB: less than a row is wasted per record.
https://docs.aws.amazon.com/firehose/latest/dev/limits.html, https://aws.amazon.com/firehose/pricing/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

MOST_RECORDS = 500
"""In a request."""
MOST_BYTES = 4 * 1024 * 1024
"""Of the records of a request, before Base64."""
LONGEST_RECORD = 1_024_000
STEP = 5 * 1024
"""What a record is billed by."""
MOST_ROWS = 500
"""In a record: Firehose can take no more apart (multi-record de-aggregation)."""


class Packed(NamedTuple):
    """A record for Firehose. data: rows, each with its newline."""

    data: bytes
    rows: int


def pack(rows: Iterable[bytes], size: int) -> list[Packed]:
    """Rows (with their newlines, none longer than `LONGEST_RECORD`) as records, in order.

    size: how many bytes a record should have at most; a longer row is a record by itself.
    """
    packed: list[Packed] = []
    held: list[bytes] = []
    length = 0
    for row in rows:
        if held and (length + len(row) > size or len(held) == MOST_ROWS):
            packed.append(Packed(b"".join(held), len(held)))
            held, length = [], 0
        held.append(row)
        length += len(row)
    if held:
        packed.append(Packed(b"".join(held), len(held)))
    return packed


def requests(records: Iterable[Packed]) -> list[list[Packed]]:
    """Records in groups that one PutRecordBatch takes, in order."""
    groups: list[list[Packed]] = []
    size = 0
    for record in records:
        size += len(record.data)
        if not groups or size > MOST_BYTES or len(groups[-1]) == MOST_RECORDS:
            groups.append([])
            size = len(record.data)
        groups[-1].append(record)
    return groups


def billed(records: Iterable[Packed]) -> int:
    """The bytes that Firehose bills."""
    return sum(-(-len(record.data) // STEP) * STEP for record in records)
