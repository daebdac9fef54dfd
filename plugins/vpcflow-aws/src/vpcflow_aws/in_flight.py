"""Several requests at a time, and no more: whoever brings the next one waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

R = TypeVar("R")


class InFlight(Generic[R]):
    """Calls in at most `limit` threads. What they return is kept until `take`; the first error that
    one of them raises is raised by the next `submit` or `drain`, and no call is begun after it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pool = ThreadPoolExecutor(limit, thread_name_prefix="vpcflow-send")
        self._slots = threading.Semaphore(limit)
        self._lock = threading.Lock()
        self._results: list[R] = []
        self._error: BaseException | None = None

    def submit(self, call: Callable[[], Sequence[R]]) -> None:
        """Begin a call; waits until fewer than `limit` are running."""
        self._slots.acquire()
        try:
            self._raise_error()
            self._pool.submit(self._run, call)
        except BaseException:
            self._slots.release()
            raise

    def drain(self) -> None:
        """Wait until every call has ended."""
        for _ in range(self._limit):
            self._slots.acquire()
        self._slots.release(self._limit)
        self._raise_error()

    def take(self) -> list[R]:
        """What calls have returned since the last `take`."""
        with self._lock:
            results, self._results = self._results, []
        return results

    def close(self) -> None:
        """Wait for the calls that have begun, and end the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, call: Callable[[], Sequence[R]]) -> None:
        try:
            if self._error is not None:
                return
            returned = call()
            with self._lock:
                self._results += returned
        except BaseException as error:  # handed to the thread that submits
            with self._lock:
                self._error = self._error or error
        finally:
            self._slots.release()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error
