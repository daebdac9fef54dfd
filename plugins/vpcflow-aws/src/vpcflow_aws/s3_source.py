"""The source s3://: objects below a prefix, listed no further than is wanted, read in ranges."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, BinaryIO, cast

from attrs import define, frozen

from vpcflow.errors import InputError, nearest, printable
from vpcflow.selection import Selection
from vpcflow.source_files import SourceFile
from vpcflow_aws.s3_errors import S3Error, is_denied, unreadable
from vpcflow_aws.s3_listing import Walk, nearest_existing
from vpcflow_aws.s3_reader import S3Stream, S3Version
from vpcflow_aws.s3_url import S3Url
from vpcflow_aws.session import client

BUFFER = 128 << 10


@frozen
class S3File:
    """An object as it was when it was listed: reading another version of it is an InputError.

    etag: without quotes; None if the store has none. modified: UTC.
    """

    version: S3Version
    modified: datetime | None = None

    @property
    def name(self) -> str:
        return self.version.name

    @property
    def size(self) -> int:
        return self.version.size

    @property
    def etag(self) -> str | None:
        return self.version.etag or None

    def open(self) -> BinaryIO:
        """Can seek. Nothing is asked for before the first read; that raises InputError."""
        return cast(BinaryIO, io.BufferedReader(S3Stream(self.version), BUFFER))

    def read_range(self, offset: int, n: int) -> bytes:
        """Raises InputError."""
        return bytes(self.version.fetch(offset, n))


@define(eq=False, slots=False)
class S3Source:
    """What s3://bucket/key names: an object, a folder, or all keys that begin so.

    A key that is an object's is that object; else, if there is a folder of that name, all that is
    in it; else the keys that begin with it. Of AWS's layouts (`s3_layout`) only the folders that
    may hold something wanted are listed, in whatever layout and depth the URL begins. Names that
    begin with a dot or underscore, the folders of other services than flow logs, and the object
    that CloudWatch Logs tries its permission with are passed over, unless the URL names them.
    """

    @cached_property
    def _client(self) -> Any:
        return client("s3")

    def files(self, url: str, selection: Selection) -> Iterator[SourceFile]:
        """In the order of the keys, as bytes. Raises InputError and UsageError."""
        target = S3Url.parse(url)
        return self._files(target, selection)

    def _files(self, target: S3Url, selection: Selection) -> Iterator[SourceFile]:
        single, target = self._looked_up(target)
        if single is not None:
            yield single
            return
        walk = Walk(self._client, target, selection)
        for found in walk.objects():
            yield self._file(target.bucket, found["Key"], found["Size"], found)
        # an empty day is nothing wrong, an empty prefix is
        if not walk.found and not self._first(target.bucket, target.key):
            raise self._missing(target)

    def _looked_up(self, target: S3Url) -> tuple[S3File | None, S3Url]:
        """The object of that key, or else the prefix that is meant."""
        bucket, key = target.bucket, target.key
        if not key or key.endswith("/"):
            return None, target
        try:
            first = self._first(bucket, key)
        except InputError as error:
            if not is_denied(error.__cause__ or error):
                raise
            return self._head(target, error), target
        if first and first["Key"] == key:
            return self._file(bucket, key, first["Size"], first), target
        if first and (first["Key"].startswith(f"{key}/") or self._first(bucket, f"{key}/")):
            return None, S3Url(bucket, f"{key}/")
        return None, target

    def _head(self, target: S3Url, denied: InputError) -> S3File:
        """One object, for those who may read it, and not list the bucket."""
        try:
            facts = self._client.head_object(Bucket=target.bucket, Key=target.key)
        except S3Error as error:
            raise denied from error
        return self._file(target.bucket, target.key, facts["ContentLength"], facts)

    def _first(self, bucket: str, prefix: str) -> Any:
        """The first object whose key begins so; None if there is none."""
        try:
            page = self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
        except S3Error as error:
            name = str(S3Url(bucket, prefix))
            raise unreadable(error, "list", name, "s3:ListBucket") from error
        return next(iter(page.get("Contents", ())), None)

    def _file(self, bucket: str, key: str, size: int, facts: Any) -> S3File:
        modified = facts.get("LastModified")
        etag = str(facts.get("ETag", "")).strip('"')
        version = S3Version(self._client, bucket, key, size, etag)
        return S3File(version, modified and modified.astimezone(UTC))

    def _missing(self, target: S3Url) -> InputError:
        try:
            folder, names = nearest_existing(self._client, target)
        except S3Error as error:
            return unreadable(error, "list", str(target), "s3:ListBucket")
        where = printable(str(S3Url(target.bucket, folder)))
        absent = target.key[len(folder) :].partition("/")[0]
        if not names:
            hint = f"the bucket {target.bucket} is empty"
        elif not absent:
            hint = f"nothing lies in {where}"
        else:
            near = nearest(absent, names)
            hint = f"{where} exists, and has no {printable(absent)!r}"
            hint += f"; did you mean {printable(near)!r}?" if near else ""
        if "*" in target.key:
            hint += "; wildcards are not expanded: name the folder"
        return InputError("no such object or prefix", source=str(target), hint=hint)
