"""Work done ahead, handed over in order: several iterators run in threads, one consumer."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

_LEAST_COST = 64 * 1024  # so that even empty items are bounded in number
_LOOK = 0.1  # seconds between two looks at whether to stop, while nothing comes
_PATIENCE = 2.0
"""Seconds that threads have to end in. One that waits for input (a pipe, a store that does not
answer) may take for ever: it is left behind, and ends at its next item."""


def in_order(
    sources: Sequence[Iterator[T]],
    *,
    threads: int,
    cost: Callable[[T], int],
    limit: int,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[T, None, None]:
    """The items of all sources, source by source; each source is run by one of `threads` threads.

    cost: of an item that waits, in bytes. limit: for all items that wait; the source that the
    consumer is at may pass it by one item. stopped: asked while nothing comes; if so, the items end
    there. A source must not raise. Closing the iterator stops the threads at their next item and
    closes the sources that were begun.
    """
    hand_over = _HandOver(sources, cost, limit)
    workers = [
        threading.Thread(target=hand_over.work, name=f"vpcflow-reader-{i}", daemon=True)
        for i in range(threads)
    ]
    for worker in workers:
        worker.start()
    try:
        yield from hand_over.items(stopped)
    finally:
        hand_over.cancel()
        until = time.monotonic() + _PATIENCE
        for worker in workers:
            worker.join(max(0.0, until - time.monotonic()))


class _HandOver(Generic[T]):
    def __init__(
        self, sources: Sequence[Iterator[T]], cost: Callable[[T], int], limit: int
    ) -> None:
        self._sources = sources
        self._cost = cost
        self._limit = limit
        self._changed = threading.Condition()
        self._waiting: list[deque[tuple[T, int]]] = [deque() for _ in sources]
        self._ended = [False] * len(sources)
        self._begun = 0  # sources that a thread has taken
        self._current = 0  # the source that the consumer is at
        self._bytes = 0
        self._cancelled = False

    def work(self) -> None:
        """What each thread does: take the next source, run it, until there is none."""
        while (number := self._next_source()) is not None:
            source = self._sources[number]
            for item in source:
                if not self._offer(number, item):
                    close = getattr(source, "close", None)
                    if close is not None:
                        close()
                    return
            with self._changed:
                self._ended[number] = True
                self._changed.notify_all()

    def items(self, stopped: Callable[[], bool]) -> Iterator[T]:
        for number, waiting in enumerate(self._waiting):
            while True:
                with self._changed:
                    self._current = number
                    self._changed.notify_all()
                    while not (waiting or self._ended[number]):
                        if stopped():
                            return
                        self._changed.wait(_LOOK)
                    if not waiting:
                        break
                    item, cost = waiting.popleft()
                    self._bytes -= cost
                    self._changed.notify_all()
                yield item

    def cancel(self) -> None:
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def _next_source(self) -> int | None:
        with self._changed:
            if self._cancelled or self._begun == len(self._sources):
                return None
            self._begun += 1
            return self._begun - 1

    def _offer(self, number: int, item: T) -> bool:
        """Wait for room, and leave the item there; False when nobody wants it any more."""
        cost = max(self._cost(item), _LEAST_COST)
        waiting = self._waiting[number]

        def has_room() -> bool:
            starved = number == self._current and not waiting
            return self._cancelled or starved or self._bytes + cost <= self._limit

        with self._changed:
            self._changed.wait_for(has_room)
            if self._cancelled:
                return False
            waiting.append((item, cost))
            self._bytes += cost
            self._changed.notify_all()
            return True
