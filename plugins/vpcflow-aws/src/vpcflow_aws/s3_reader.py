"""An object as a stream: ranged GETs, some of them ahead of the reader, with broken ones resumed.

All streams together hold a bounded number of ranges in memory: each has one at hand, and reads
ahead as long as there is room (`AHEAD`). A stream reads ahead only once it is clear that somebody
reads on: whoever wants the first lines pays for one small range.
"""

from __future__ import annotations

import io
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

from attrs import field, frozen

from vpcflow.errors import InputError
from vpcflow_aws.s3_errors import S3Error, is_missing, unreadable
from vpcflow_aws.session import code_of

FIRST = 1 << 20
"""Bytes of the first range; most log files are smaller."""
RANGE = 4 << 20
"""Bytes of the other ranges."""
AHEAD = 3
"""Ranges that one stream reads ahead."""
ALL_AHEAD = 16
"""Ranges that all streams of the process read ahead together: 64 MiB."""
RESUMES = 8
"""How often a range is asked for without a byte coming, before it is given up. Each time, boto3 has
its own retries; these here are for connections that break in the middle of a body."""

_room = threading.BoundedSemaphore(ALL_AHEAD)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(8, "vpcflow-s3-read")


@frozen
class S3Version:
    """One version of an object, as it was listed. etag: without quotes, "" if not known."""

    client: Any = field(repr=False, eq=False)
    bucket: str
    key: str
    size: int
    etag: str

    @property
    def name(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def fetch(self, offset: int, n: int) -> bytearray:
        """`n` bytes from `offset`, fewer only at the object's end.

        Raises InputError: not there, not allowed, replaced meanwhile, connections that break again
        and again.
        """
        end = min(offset + n, self.size)
        data = bytearray(max(0, end - offset))
        have = tries = 0
        while have < len(data):
            before = have
            try:
                have += self._read(offset + have, memoryview(data)[have:])
            except _BrokenError as broken:
                have += broken.got
                tries = 0 if have > before else tries + 1
                if tries >= RESUMES:
                    raise self._failed(broken.error) from broken.error
                time.sleep(random.uniform(0, min(0.1 * 2**tries, 5)))
            except S3Error as error:
                raise self._failed(error) from error
        return data

    def _read(self, offset: int, target: memoryview) -> int:
        """Fills `target`. Raises _BrokenError, with how much came, if the body ends early."""
        wanted: dict[str, Any] = {"Range": f"bytes={offset}-{offset + len(target) - 1}"}
        if self.etag:
            wanted["IfMatch"] = f'"{self.etag}"'
        answer = self.client.get_object(Bucket=self.bucket, Key=self.key, **wanted)
        body, got = answer["Body"], 0
        try:
            self._check(answer, offset, len(target))
            while got < len(target):
                piece = body.read(min(256 << 10, len(target) - got))
                if not piece:
                    raise _BrokenError(got, EOFError("the answer ends early"))
                target[got : got + len(piece)] = piece
                got += len(piece)
            body.read()  # nothing more: it lets the connection be used again
        except (*S3Error, OSError) as error:
            raise _BrokenError(got, error) from error
        finally:
            body.close()
        return got

    def _check(self, answer: Any, offset: int, n: int) -> None:
        """Not every server knows If-Match or ranges: what it says of its answer is looked at."""
        etag = str(answer.get("ETag", "")).strip('"')
        total = self.size if n == self.size and not offset else -1
        said = f"bytes {offset}-{offset + n - 1}/{self.size}"
        whole = "ContentRange" not in answer and answer.get("ContentLength") == total
        if (self.etag and etag and etag != self.etag) or not (
            whole or answer.get("ContentRange") == said
        ):
            raise InputError(
                "the object was replaced while it was being read, or the server cannot send ranges",
                source=self.name,
                hint="run again",
            )

    def _failed(self, error: BaseException) -> InputError:
        if not isinstance(error, S3Error):
            return InputError(f"cannot read: {error}", source=self.name, hint="run again")
        if is_missing(error):
            hint = "it was removed after it had been listed: run again"
            return InputError(f"cannot read: {code_of(error)}", source=self.name, hint=hint)
        return unreadable(error, "read", self.name, "s3:GetObject")


class _BrokenError(Exception):
    """A body that ended before its time. got: bytes that came."""

    def __init__(self, got: int, error: BaseException) -> None:
        super().__init__(str(error))
        self.got = got
        self.error = error


class S3Stream(io.RawIOBase):
    """A version from its first byte on; it can seek."""

    def __init__(self, version: S3Version) -> None:
        self._version = version
        self._at = 0
        self._index = -1  # of the range at hand
        self._data = bytearray()
        self._ahead: dict[int, Future[bytearray]] = {}

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, (0, self._at, self._version.size)[whence] + offset)
        return self._at

    def readinto(self, target: Any) -> int:
        """As much as the range at hand still has, at most."""
        if self.closed:
            raise ValueError("the stream is closed")
        if self._at >= self._version.size or not len(target):
            return 0
        index = _index(self._at)
        if index != self._index:
            self._enter(index)
        start = self._at - _start(index)
        if index or start * 2 >= len(self._data):
            self._look_ahead()
        data = memoryview(self._data)[start : start + len(target)]
        target[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._drop(lambda index: True)
            self._data = bytearray()
        super().close()

    def _enter(self, index: int) -> None:
        follows = index == self._index + 1
        self._index, self._data = -1, bytearray()  # let go of the old one first
        future = self._ahead.pop(index, None)
        self._drop(lambda other: not (follows and other <= index + AHEAD))
        if future is None:
            self._data = self._fetch(index)
        else:
            try:
                self._data = future.result()
            finally:
                _room.release()
        self._index = index

    def _look_ahead(self) -> None:
        for index in range(self._index + 1, self._index + 1 + AHEAD):
            if index in self._ahead or _start(index) >= self._version.size:
                continue
            if not _room.acquire(blocking=False):
                return
            self._ahead[index] = _pool().submit(self._fetch, index)

    def _fetch(self, index: int) -> bytearray:
        return self._version.fetch(_start(index), RANGE if index else FIRST)

    def _drop(self, unwanted: Callable[[int], bool]) -> None:
        for index in [index for index in self._ahead if unwanted(index)]:
            future = self._ahead.pop(index)
            future.cancel()
            future.add_done_callback(lambda _: _room.release())  # one that runs holds memory


def _index(offset: int) -> int:
    """Of the range that a byte lies in."""
    return 0 if offset < FIRST else 1 + (offset - FIRST) // RANGE


def _start(index: int) -> int:
    return FIRST + (index - 1) * RANGE if index else 0
