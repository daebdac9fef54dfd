"""How far a long read has come, on stderr, when somebody is looking at it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from attrs import define, field, frozen

_PATIENCE = 0.6  # seconds; what is done by then needs no progress
_PER_SECOND = 8


@frozen
class Position:
    """Files and bytes read so far; a total is None where it cannot be known (stdin)."""

    files_done: int
    files_total: int | None
    bytes_read: int
    bytes_total: int | None
    records: int


@define
class Progress:
    """A context that shows a line of progress while it is open and not paused.

    position: asked several times a second, from another thread. Shows nothing unless stderr is a
    terminal, nothing in the first moments, and leaves nothing behind.
    """

    position: Callable[[], Position]
    wanted: bool = True
    _began: float = field(init=False, factory=time.monotonic)
    _timer: threading.Timer | None = field(init=False, default=None)
    _live: Any = field(init=False, default=None)
    _lock: threading.Lock = field(init=False, factory=threading.Lock)

    def __enter__(self) -> Progress:
        self.resume()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.pause()

    def resume(self) -> None:
        if not self.wanted or not sys.stderr.isatty():
            return
        self._timer = threading.Timer(_PATIENCE, self._show)
        self._timer.daemon = True
        self._timer.start()

    def pause(self) -> None:
        """Take the line away, so that others can write where it was."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._live is not None:
                self._live.stop()
                self._live = None

    def _show(self) -> None:
        from rich.console import Console
        from rich.live import Live

        with self._lock:
            if self._timer is None:
                return  # paused in the meantime
            self._live = Live(
                get_renderable=self._line,
                console=Console(file=sys.stderr),
                transient=True,
                refresh_per_second=_PER_SECOND,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()

    def _line(self) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        at = self.position()
        line = Table.grid(padding=(0, 1))
        seconds = max(time.monotonic() - self._began, 1e-3)
        parts: list[Any] = []
        if at.bytes_total:
            done = min(at.bytes_read / at.bytes_total, 1.0)
            parts.append(ProgressBar(total=1.0, completed=done, width=24))
        parts.append(Text(describe(at, seconds), no_wrap=True, overflow="ellipsis"))
        line.add_row(*parts)
        return line


def describe(at: Position, seconds: float) -> str:
    """ "3/12 files, 1.2 of 4.8 GB, 310 MB/s, 2,100,000 records, 12 s left"."""
    parts = []
    if at.files_total is not None and at.files_total > 1:
        parts.append(f"{at.files_done:,}/{at.files_total:,} files")
    rate = at.bytes_read / seconds
    of = f" of {size(at.bytes_total)}" if at.bytes_total else ""
    parts += [f"{size(at.bytes_read)}{of}", f"{size(rate)}/s", f"{at.records:,} records"]
    if at.bytes_total and rate > 0 and seconds > 2:
        parts.append(f"{max(at.bytes_total - at.bytes_read, 0) / rate:,.0f} s left")
    return ", ".join(parts)


def size(count: float) -> str:
    """1234567 -> "1.2 MB" (powers of 1000, as AWS and disks count)."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
