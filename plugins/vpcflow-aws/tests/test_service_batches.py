"""Batches for PutLogEvents and PutRecordBatch: limits hold, nothing is lost, order is kept."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st
from vpcflow_aws import firehose_records, log_events
from vpcflow_aws.firehose_records import LONGEST_RECORD, Packed, billed, pack, requests
from vpcflow_aws.log_events import EXPIRED, TOO_NEW, TOO_OLD, LogEvent, batches, flaw, rejected

DAY = 24 * 3600 * 1000
LENGTHS = st.one_of(
    st.integers(1, 400),
    st.integers(100_000, 1_048_550),
    st.sampled_from([1, 1_048_550, 1_048_549, 524_262, 524_263]),
)
TIMES = st.one_of(
    st.integers(0, 3 * DAY), st.sampled_from([0, DAY - 1, DAY, DAY + 1, 2 * DAY, 2**63 - 1])
)


def text_of(length: int) -> bytes:
    """UTF-8 of so many bytes, which is fewer characters."""
    return "é".encode() * (length // 2) + b"x" * (length % 2)


@st.composite
def many_events(draw: st.DrawFn) -> list[LogEvent]:
    """Some hundred kinds, and of each up to thousands: both the bytes and the number can be
    reached."""
    runs = draw(
        st.lists(
            st.tuples(TIMES, LENGTHS, st.sampled_from([1, 1, 1, 2, 700, 9_999, 10_000, 10_001])),
            max_size=12,
        )
    )
    events = []
    for number, (time, length, copies) in enumerate(runs):
        if copies > 2:
            length = min(length, 200)
        if length > 400:
            copies = 1
        events += [LogEvent(time + i % 3, text_of(length + number % 2)) for i in range(copies)]
    return [event for event in events if flaw(event) is None]


def within_limits(batch: Sequence[tuple[int, bytes]]) -> bool:
    """As AWS documents PutLogEvents."""
    times = [time for time, _ in batch]
    return (
        1 <= len(batch) <= 10_000
        and sum(len(message) + 26 for _, message in batch) <= 1_048_576
        and all(a <= b for a, b in pairwise(times))
        and times[-1] - times[0] <= 24 * 3600 * 1000
    )


@given(many_events())
def test_every_batch_of_events_obeys_all_limits_and_nothing_is_lost(events: list[LogEvent]) -> None:
    cut = batches(events)
    assert all(map(within_limits, cut))
    # nothing is lost, and events of one time stay in the order that they came in
    assert list(chain.from_iterable(cut)) == sorted(events, key=lambda event: event.timestamp)
    # no batch could have taken the first event of the next one
    assert not any(within_limits([*a, b[0]]) for a, b in pairwise(cut))


@given(
    st.integers(-(2**64), 2**64), st.one_of(st.integers(0, 300), st.integers(1_048_500, 1_048_600))
)
def test_events_that_fit_in_no_batch_are_told(time: int, length: int) -> None:
    event = LogEvent(time, text_of(length))
    fits = 0 <= time < 2**63 and length >= 1 and length + 26 <= 1_048_576
    assert (flaw(event) is None) == fits


INDICES = st.one_of(st.none(), st.integers(-3, 40))


@given(st.integers(1, 30), INDICES, INDICES, INDICES)
def test_rejected_events_are_those_that_the_indices_name(
    count: int, old: int | None, expired: int | None, new: int | None
) -> None:
    events = [LogEvent(time, b"m%d" % time) for time in range(count)]
    info = {
        "tooOldLogEventEndIndex": old,
        "expiredLogEventEndIndex": expired,
        "tooNewLogEventStartIndex": new,
    }
    found = rejected(events, {name: index for name, index in info.items() if index is not None})
    expected = {}
    for at, event in enumerate(events):
        if old is not None and at < old:
            expected[event] = TOO_OLD
        elif expired is not None and at < expired:
            expected[event] = EXPIRED
        elif new is not None and at >= new:
            expected[event] = TOO_NEW
    assert dict(found) == expected
    assert len(found) == len(expected)  # none is told twice


def test_no_rejected_events_without_indices() -> None:
    assert rejected([LogEvent(1, b"a")], {}) == []


ROWS = st.lists(
    st.tuples(
        st.one_of(st.integers(1, 700), st.integers(4_000, 6_000), st.integers(900_000, 1_024_000)),
        st.sampled_from([1, 1, 3, 400, 1200]),
    ),
    max_size=15,
).map(
    lambda runs: [
        b"x" * (length - 1) + b"\n"
        for length, copies in runs
        for _ in range(copies if length < 800 else 1)
    ]
)


@given(ROWS, st.one_of(st.integers(1, 30_000), st.sampled_from([51_200, 1_024_000])))
def test_every_firehose_request_obeys_all_limits_and_nothing_is_lost(
    rows: list[bytes], size: int
) -> None:
    packed = pack(rows, size)
    for record in packed:
        assert record.data.count(b"\n") == record.rows <= 500
        assert len(record.data) <= max(size, 1_024_000 if record.rows == 1 else 0) <= 1_024_000
    groups = requests(packed)
    for group in groups:
        assert 1 <= len(group) <= 500
        assert sum(len(record.data) for record in group) <= 4 * 1024 * 1024
    assert b"".join(record.data for group in groups for record in group) == b"".join(rows)


def test_packing_saves_what_rounding_up_to_5_kb_costs() -> None:
    rows = [b"x" * (300 + number % 90) + b"\n" for number in range(20_000)]
    size = sum(map(len, rows))
    alone = billed(Packed(row, 1) for row in rows)
    packed = billed(pack(rows, 51_200))
    assert alone == 20_000 * 5_120
    assert alone / size > 14
    assert packed / size < 1.01
    # the last record of each pack is what it is; the others waste less than a row each
    assert all(51_200 - len(record.data) < 400 for record in pack(rows, 51_200)[:-1])


def test_limits_are_those_that_aws_documents() -> None:
    assert (log_events.MOST_BYTES, log_events.MOST_EVENTS) == (1_048_576, 10_000)
    assert (firehose_records.MOST_RECORDS, firehose_records.MOST_BYTES) == (500, 4_194_304)
    assert LONGEST_RECORD == 1_024_000
