"""A file on its way to S3: cut into parts, which wait on disk and are uploaded by a few threads.

All uploads of the process share the threads, and a bound on the parts that wait: whoever writes
faster than the network takes it has to wait. Memory holds no part: 64 open files are 64 temporary
files of less than a part each.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import IO, Any

from attrs import define, field, frozen

from vpcflow.errors import PluginError
from vpcflow.places import Receipt
from vpcflow_aws.s3_errors import S3Error, failed
from vpcflow_aws.session import code_of

PART = 8 << 20
"""Bytes of the first parts; S3 wants at least 5 MiB of all but the last."""
PARTS_OF_A_SIZE = 1000
"""After so many parts they double: 10,000, the most that S3 takes, hold 7.8 TiB, and an object may
have 5 TiB. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""
UPLOADING = 4
"""Parts that are uploaded at a time."""
WAITING = 8
"""Parts that wait on disk or are being uploaded, before `write` has to wait."""

_room = threading.BoundedSemaphore(WAITING)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(UPLOADING, "vpcflow-s3-write")


def part_size(number: int) -> int:
    """Bytes of a part. number: from 1."""
    return PART << (number - 1) // PARTS_OF_A_SIZE


@frozen
class Upload:
    """A multipart upload that has been created."""

    client: Any = field(repr=False, eq=False)
    bucket: str
    key: str
    id: str

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def names(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.key, "UploadId": self.id}

    def put(self, number: int, part: IO[bytes], size: int, md5: bytes) -> str:
        """Upload a part and close its file; gives its ETag. S3 checks it by its MD5. Raises
        PluginError."""
        with part:
            try:
                part.seek(0)
                answer = self.client.upload_part(
                    **self.names,
                    PartNumber=number,
                    Body=part,
                    ContentLength=size,
                    ContentMD5=base64.b64encode(md5).decode(),
                )
            except S3Error as error:
                raise failed(error, "write", self.url, "s3:PutObject") from error
            except OSError as error:
                raise _no_disk(error) from error
        return str(answer["ETag"]).strip('"')

    def abort(self) -> None:
        """Forget the parts. No error if the upload is not there (any more)."""
        try:
            self.client.abort_multipart_upload(**self.names)
        except S3Error as error:
            if code_of(error) not in ("NoSuchUpload", "NoSuchBucket"):
                action = "s3:AbortMultipartUpload"
                raise failed(error, "abort the upload of", self.url, action) from error


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


@define(eq=False)
class PendingS3File:
    """A file that is being written. Not for several threads at once."""

    name: str
    upload: Upload
    _part: IO[bytes] | None = field(default=None, init=False)
    _part_md5: Any = field(factory=_md5, init=False)
    _in_part: int = field(default=0, init=False)
    _written: int = field(default=0, init=False)
    _md5: Any = field(factory=_md5, init=False)
    _sent: list[tuple[Future[str], IO[bytes]]] = field(factory=list, init=False)
    _md5s: list[bytes] = field(factory=list, init=False)

    def write(self, data: Any) -> int:
        """Waits where too much is on its way already. Raises PluginError, also for a part that was
        written before."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            room = part_size(len(self._sent) + 1) - self._in_part
            self._keep(rest[:room])
            rest = rest[room:]
            if self._in_part == part_size(len(self._sent) + 1):
                self._send()
        self._written += size
        return size

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """Nothing to do: a part is sent when it is full."""

    def prepare(self) -> Receipt:
        """All parts are with S3 from here on."""
        if self._in_part or not self._sent:  # an empty file is one empty part
            self._send()
        etags = [future.result() for future, _ in self._sent]
        token = {
            "bucket": self.upload.bucket,
            "key": self.upload.key,
            "upload_id": self.upload.id,
            "parts": etags,
            "md5": self._md5.hexdigest(),
        }
        return Receipt(self.name, self._written, _etag(etags, self._md5s), token)

    def abort(self) -> None:
        running = [future for future, part in self._sent if not _called_off(future, part)]
        for future in running:  # a part that arrives after the abort would stay, and cost
            future.exception()
        if self._part is not None:
            self._part.close()
        self._part, self._in_part = None, 0
        self.upload.abort()

    def _keep(self, data: memoryview) -> None:
        if self._part is None:
            self._part = _on_disk()
        try:
            self._part.write(data)
        except OSError as error:
            raise _no_disk(error) from error
        self._part_md5.update(data)
        self._md5.update(data)
        self._in_part += len(data)

    def _send(self) -> None:
        """Hand over the part, after waiting for room. Raises what befell an earlier part."""
        for future, _ in self._sent:
            if future.done():
                future.result()
        part, self._part = self._part or _on_disk(), None
        size, self._in_part = self._in_part, 0
        md5, self._part_md5 = self._part_md5.digest(), _md5()
        _room.acquire()
        future = _pool().submit(self.upload.put, len(self._sent) + 1, part, size, md5)
        future.add_done_callback(lambda _: _room.release())
        self._sent.append((future, part))
        self._md5s.append(md5)


def _called_off(future: Future[str], part: IO[bytes]) -> bool:
    if future.cancel():
        part.close()
        return True
    return future.done()


def _on_disk() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(prefix="vpcflow-")
    except OSError as error:
        raise _no_disk(error) from error


def _etag(etags: list[str], md5s: list[bytes]) -> str:
    """What S3 calls an object that came in parts: the MD5 of the parts' MD5s, and their number. A
    part's ETag is its MD5, or what S3 has in its place for an encrypted bucket."""
    digests = b"".join(md5s)
    with contextlib.suppress(ValueError):
        digests = b"".join(map(bytes.fromhex, etags))
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(etags)}"


def _no_disk(error: OSError) -> PluginError:
    what = f"a part cannot be kept in {tempfile.gettempdir()}: {error.strerror or error}"
    return PluginError(what, plugin="s3", hint="free some space there, or set TMPDIR")
