"""Reading ahead in a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from attrs import define, field

T = TypeVar("T")

_WAITING = 16
_LOOK = 0.1  # seconds between two looks at whether to stop
_PATIENCE = 1.0
"""Seconds that the thread has to end in. One that waits for input may take for ever: it is left
behind, and ends with the program."""


@define(eq=False)
class Ahead(Generic[T]):
    """The items of a generator, which runs in a thread of its own until this is closed.

    A few items wait for the caller. An exception of the generator is raised where it comes in the
    order of items. stopped: asked while nothing comes; if so, the items end there.
    """

    _items: Generator[T, None, None]
    _stopped: Callable[[], bool] = lambda: False
    _stop: threading.Event = field(init=False, factory=threading.Event)
    _waiting: queue.Queue[Any] = field(init=False, factory=lambda: queue.Queue(_WAITING))

    def __iter__(self) -> Generator[T, None, None]:
        worker = threading.Thread(target=self._work, name="vpcflow-ahead", daemon=True)
        worker.start()
        try:
            while not self._stopped():
                try:
                    item, error = self._waiting.get(timeout=_LOOK)
                except queue.Empty:
                    continue
                if error is not None:
                    raise error
                if item is None:
                    return
                yield item
        finally:
            self._stop.set()
            worker.join(_PATIENCE)

    def _work(self) -> None:
        try:
            for item in self._items:
                if not self._put((item, None)):
                    break
            self._put((None, None))
        except BaseException as error:
            self._put((None, error))
        finally:
            self._items.close()

    def _put(self, entry: tuple[T | None, BaseException | None]) -> bool:
        """Whether anybody still wants it."""
        while not self._stop.is_set():
            try:
                self._waiting.put(entry, timeout=_LOOK)
                return True
            except queue.Full:
                continue
        return False
