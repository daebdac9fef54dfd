"""A run of the pipeline: what its parts may know of it, and what it says at its end."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import define, field

from vpcflow.batch import COUNTS


@define
class Run:
    """What sinks and hooks are told.

    owner: letters and digits; the same for every run with one `--state`, else random. It marks what
    the run leaves behind, should it be killed. number: how many runs this state has seen, this one
    included. resumable: whether there is a state. started: aware, UTC. settings: the pipeline's, as
    text. on_dead_letter: who takes dead letters, if anybody does. Safe to use from any thread.
    """

    owner: str = field(factory=lambda: secrets.token_hex(6))
    number: int = 1
    resumable: bool = False
    started: datetime = field(factory=lambda: datetime.now(UTC))
    settings: Mapping[str, Any] = field(factory=dict)
    on_dead_letter: Callable[[dict[str, Any], int], None] | None = field(default=None, repr=False)
    _retries: dict[str, int] = field(factory=dict, repr=False)
    _duplicates: dict[str, int] = field(factory=dict, repr=False)
    _files: Iterator[int] = field(factory=lambda: itertools.count(1), repr=False)
    _lock: Any = field(factory=threading.Lock, repr=False)

    def next_file(self) -> int:
        """A number that no other file of this run has: sinks may share a directory."""
        return next(self._files)

    def retried(self, sink: str, count: int = 1) -> None:
        """A sink (or its place) has repeated a request, for the report."""
        with self._lock:
            self._retries[sink] = self._retries.get(sink, 0) + count

    def repeated(self, sink: str, records: int) -> None:
        """That many records were sent again although they may have arrived, for the report."""
        with self._lock:
            self._duplicates[sink] = self._duplicates.get(sink, 0) + records

    def take_retries(self) -> dict[str, int]:
        """What `retried` has counted since the last call."""
        with self._lock:
            counted, self._retries = self._retries, {}
        return counted

    def take_duplicates(self) -> dict[str, int]:
        """What `repeated` has counted since the last call."""
        with self._lock:
            counted, self._duplicates = self._duplicates, {}
        return counted

    def dead_letter(self, sink: str, data: bytes, reason: str, records: int = 1) -> None:
        """A service has refused `data` (as it was sent; so many records) for good. It goes to
        `--dead-letter`. Without that raises PluginError: records are not dropped silently."""
        from vpcflow.errors import PluginError, printable

        if self.on_dead_letter is None:
            raise PluginError(
                f"refused for good: {reason}: {printable(data, 200)}",
                plugin=sink,
                hint="--dead-letter FILE sets such records aside and goes on",
            )
        with self._lock:
            self.on_dead_letter(
                {
                    "sink": sink,
                    "reason": reason,
                    "data": data.decode("utf-8", "backslashreplace"),
                },
                records,
            )


@define
class RunReport:
    """What a run did; with `--state`, all runs of it since it was last finished.

    counts: lines by kind (`COUNTS`). delivered: records by sink. dead_letters, retries: by sink;
    duplicates: records by sink that were sent again and may have arrived twice (at-least-once
    sinks). enricher_errors: batches by enricher that got nulls. damaged: sources, and what is wrong
    with each. error: what ended the run, if it did not end well. interrupted: SIGINT ended it,
    after a checkpoint.
    """

    files: int = 0
    files_done: int = 0
    bytes_in: int = 0
    counts: dict[str, int] = field(factory=lambda: dict.fromkeys(COUNTS, 0))
    rejected_by_reason: dict[str, int] = field(factory=dict)
    delivered: dict[str, int] = field(factory=dict)
    dead_letters: dict[str, int] = field(factory=dict)
    retries: dict[str, int] = field(factory=dict)
    duplicates: dict[str, int] = field(factory=dict)
    enricher_errors: dict[str, int] = field(factory=dict)
    formats: dict[str, str] = field(factory=dict)
    damaged: dict[str, str] = field(factory=dict)
    checkpoints: int = 0
    seconds: float = 0.0
    error: str | None = None
    interrupted: bool = False
    too_many_rejected: bool = False

    @property
    def exit_code(self) -> int:
        """0 done; 1 failed or damaged input; 3 done, with more rejected than allowed; 130 after
        SIGINT."""
        if self.error is not None or self.damaged:
            return 1
        if self.interrupted:
            return 130
        return 3 if self.too_many_rejected else 0
