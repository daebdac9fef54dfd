"""Work ahead in threads: order, bounds, and an end in every case."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.lookahead import in_order

MIB = 1 << 20


def numbers(first: int, count: int) -> Iterator[int]:
    yield from range(first, first + count)


@given(
    lengths=st.lists(st.integers(0, 12), max_size=8),
    threads=st.integers(1, 4),
    limit=st.integers(0, 8 * MIB),
)
def test_items_come_source_by_source_in_their_order(
    lengths: list[int], threads: int, limit: int
) -> None:
    sources = [numbers(100 * i, length) for i, length in enumerate(lengths)]
    items = list(in_order(sources, threads=threads, cost=lambda _: MIB, limit=limit))
    assert items == [100 * i + n for i, length in enumerate(lengths) for n in range(length)]


def test_what_waits_stays_within_the_limit() -> None:
    made = [0]

    def source() -> Iterator[int]:
        for number in range(50):
            made[0] += 1
            yield number

    items = in_order([source(), source()], threads=2, cost=lambda _: MIB, limit=5 * MIB)
    for taken in range(1, 101):
        next(items)
        time.sleep(0.001)
        # what waits, what each thread holds in its hands, and one for the source at hand
        assert made[0] - taken <= 5 + 2 + 1
    assert list(items) == []


def test_a_second_source_runs_while_the_first_is_read() -> None:
    second_began = threading.Event()

    def first() -> Iterator[str]:
        yield "begun"
        assert second_began.wait(10)
        yield "done"

    def second() -> Iterator[str]:
        second_began.set()
        yield "second"

    items = in_order([first(), second()], threads=2, cost=lambda _: 1, limit=MIB)
    assert list(items) == ["begun", "done", "second"]


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_closing_stops_the_threads_and_closes_the_sources(taken: int) -> None:
    closed = []

    def endless(name: int) -> Iterator[int]:
        try:
            while True:
                yield name
        finally:
            closed.append(name)

    before = threading.active_count()
    items = in_order([endless(0), endless(1)], threads=2, cost=lambda _: MIB, limit=4 * MIB)
    for _ in range(taken):
        next(items)
    items.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    assert sorted(closed) == ([0, 1] if taken else [])
