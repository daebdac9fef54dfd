"""One log stream over one span of time, as a file of lines."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, cast

from attrs import field, frozen

from vpcflow import FlowFormat, InputError, UsageError
from vpcflow.errors import ContainerError
from vpcflow_aws.asking import FAILURES, Failure, pages
from vpcflow_aws.session import explained

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    """Since 1970, rounded up: an event is at `moment` or later if its time is not below this."""
    return -((_EPOCH - moment) // timedelta(milliseconds=1))


@frozen
class LogStreamFile:
    """The messages of a stream's events from `since` until before `until`, one a line.

    They come in the order that FilterLogEvents documents (time of the event, time of ingestion,
    request), so a span in which no more events arrive gives the same lines each time. format: of
    the lines, if it is known. etag: of a span in which more may arrive, another at every look.
    """

    name: str
    group: str
    stream: str
    since: datetime
    until: datetime
    format: FlowFormat | None = None
    etag: str | None = None
    _logs: Any = field(default=None, repr=False, eq=False, kw_only=True)
    size: None = field(init=False, default=None)
    modified: None = field(init=False, default=None)

    def open(self) -> BinaryIO:
        """The lines, a page of events (1 MB at most) at a time. Raises InputError if the first page
        cannot be had; reading on raises ContainerError."""
        pages = self._pages()
        try:
            first = next(pages, b"")
        except ContainerError as error:
            raise InputError(error.message, source=self.name, hint=error.hint) from error
        return cast(BinaryIO, io.BufferedReader(_Lines(first, pages), 1 << 16))

    def read_range(self, offset: int, n: int) -> bytes:
        """Always raises UsageError: a stream of events has no ranges."""
        raise UsageError(f"{self.name} can only be read from its beginning to its end")

    def _pages(self) -> Iterator[bytes]:
        """The pagination ends with the page that has no token; pages before it may be empty."""
        begin, end = milliseconds(self.since), milliseconds(self.until)
        asked: dict[str, Any] = {
            "logGroupName": self.group,
            "logStreamNames": [self.stream],
            "startTime": begin,
            "endTime": end - 1,  # for FilterLogEvents, unlike GetLogEvents, the end is included
        }
        try:
            for answer in pages(self._logs.filter_log_events, **asked):
                lines = [
                    event["message"]
                    for event in answer["events"]
                    if begin <= event["timestamp"] < end
                ]
                if lines:
                    yield ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")
        except FAILURES as error:
            raise self._failed(error) from error

    def _failed(self, error: Failure) -> ContainerError:
        failed = explained(
            error,
            f"read the stream {self.stream} of the log group {self.group}",
            action="logs:FilterLogEvents",
            plugin="aws",
        )
        return ContainerError(
            failed.message, source=self.name, container="stream", hint=failed.hint
        )


class _Lines(io.RawIOBase):
    """Pages as one stream of bytes."""

    def __init__(self, first: bytes, pages: Iterator[bytes]) -> None:
        self._page = memoryview(first)
        self._pages = pages

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        if not self._page:
            self._page = memoryview(next(self._pages, b""))
        size = min(len(self._page), len(target))
        target[:size] = self._page[:size]
        self._page = self._page[size:]
        return size
