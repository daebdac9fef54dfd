"""The place s3://: multipart uploads, which are visible only when they are completed.

A receipt holds the upload and its parts. Whether a file was published before is found out by what
lies under its key: the receipt's size, and its ETag as S3 makes it of parts, or its MD5, as other
stores have it; where the ETag is neither (SSE-KMS, a store without ETags), by the MD5 of what is
read back. Nothing depends on conditional requests or on metadata.

An unfinished upload is known to S3 by its key alone, so the owner of a leftover is found only in
its name: `create` wants names with the owner in their last part, as `FileSink` makes them.
"""

from __future__ import annotations

import hashlib
import random
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field
from botocore.config import Config

from vpcflow.errors import InputError, PluginError, printable
from vpcflow.places import LostFile, PendingFile, Receipt
from vpcflow_aws.s3_errors import S3Error, failed, is_denied, is_missing
from vpcflow_aws.s3_reader import RANGE, S3Version
from vpcflow_aws.s3_upload import PendingS3File, Upload
from vpcflow_aws.s3_url import S3Url
from vpcflow_aws.session import client, code_of, status_of

ROUNDS = 5
"""How often it is tried to complete an upload, each time with boto3's own two attempts; between
them it is looked up what has become of it."""
_TWO_ATTEMPTS = Config(retries={"total_max_attempts": 2, "mode": "standard"})
_GONE = ("NoSuchUpload", "InvalidPart")


def s3_place(url: str) -> S3Place:
    """The place at s3://bucket/prefix. Nothing is contacted. Raises UsageError for what is no such
    URL."""
    target = S3Url.parse(url)
    prefix = target.key if not target.key or target.key.endswith("/") else f"{target.key}/"
    return S3Place(target.bucket, prefix)


@define(eq=False)
class S3Place:
    """A bucket and a prefix, "" or with a slash at its end. May be used by several threads.

    page: uploads in one answer of ListMultipartUploads.
    """

    bucket: str
    prefix: str
    page: int = 1000
    _client: Any = field(init=False, repr=False)
    _patient: Any = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._patient = client("s3")
        self._client = client("s3", _TWO_ATTEMPTS)  # whose failures are looked into

    def create(self, name: str, owner: str) -> PendingFile:
        key = self.prefix + name
        url = str(S3Url(self.bucket, key))
        try:
            answer = self._patient.create_multipart_upload(Bucket=self.bucket, Key=key)
        except S3Error as error:
            raise failed(error, "write", url, "s3:PutObject") from error
        return PendingS3File(name, Upload(self._patient, self.bucket, key, answer["UploadId"]))

    def publish(self, receipt: Receipt) -> None:
        upload = self._upload(receipt)
        for number in range(ROUNDS):
            try:
                self._complete(upload, receipt.token["parts"])
                return
            except S3Error as error:
                if is_denied(error):
                    raise failed(error, "finish", upload.url, "s3:PutObject") from error
                if self._is_there(receipt):  # the answer got lost, or this is a repetition
                    return
                if code_of(error) in _GONE or self._is_gone(upload):
                    raise _lost(upload) from error
                if number == ROUNDS - 1 or 400 <= status_of(error) < 500:
                    raise failed(error, "finish", upload.url, "s3:PutObject") from error
            time.sleep(random.uniform(0, 2**number / 2))

    def abort(self, receipt: Receipt) -> None:
        upload = self._upload(receipt)
        upload.abort()
        if not receipt.etag or not self._is_there(receipt):
            return
        try:
            self._patient.delete_object(Bucket=upload.bucket, Key=upload.key)
        except S3Error as error:
            raise failed(error, "remove", upload.url, "s3:DeleteObject") from error

    def unfinished(self, owner: str) -> Iterator[Receipt]:
        its = re.compile(rf"(?<![A-Za-z0-9]){re.escape(owner)}(?![A-Za-z0-9])")
        markers: dict[str, str] = {}
        while True:
            page = self._uploads(markers)
            for found in page.get("Uploads", ()):
                key = found["Key"]
                if its.search(key.rpartition("/")[2]) and key.startswith(self.prefix):
                    token = {"bucket": self.bucket, "key": key, "upload_id": found["UploadId"]}
                    yield Receipt(key[len(self.prefix) :], 0, "", token)
            if not page.get("IsTruncated"):
                return
            markers = {
                "KeyMarker": page["NextKeyMarker"],
                "UploadIdMarker": page["NextUploadIdMarker"],
            }

    # ---- requests --------------------------------------------------------------------------------

    def _upload(self, receipt: Receipt) -> Upload:
        token = receipt.token
        return Upload(self._patient, token["bucket"], token["key"], token["upload_id"])

    def _complete(self, upload: Upload, etags: list[str]) -> None:
        """botocore makes an error of an answer that says 200 and has an error in its body."""
        parts = [
            {"PartNumber": number, "ETag": f'"{etag}"'} for number, etag in enumerate(etags, 1)
        ]
        self._client.complete_multipart_upload(**upload.names, MultipartUpload={"Parts": parts})

    def _is_there(self, receipt: Receipt) -> bool:
        """Whether the object under the receipt's key is the receipt's. Raises PluginError if it may
        not be looked at."""
        upload = self._upload(receipt)
        try:
            facts = self._patient.head_object(Bucket=upload.bucket, Key=upload.key)
        except S3Error as error:
            if is_missing(error):
                return False
            raise failed(error, "look at", upload.url, "s3:GetObject and s3:ListBucket") from error
        if facts["ContentLength"] != receipt.size:
            return False
        etag = str(facts.get("ETag", "")).strip('"')
        if etag in (receipt.etag, receipt.token["md5"]):
            return True
        return bool(self._md5_of(upload, receipt.size, etag) == receipt.token["md5"])

    def _md5_of(self, upload: Upload, size: int, etag: str) -> str:
        """Of an object's content."""
        version = S3Version(self._patient, upload.bucket, upload.key, size, etag)
        md5 = hashlib.md5(usedforsecurity=False)
        try:
            for offset in range(0, size, RANGE):
                md5.update(version.fetch(offset, RANGE))
        except InputError as error:
            raise PluginError(str(error), plugin="s3", hint=error.hint) from error
        return md5.hexdigest()

    def _is_gone(self, upload: Upload) -> bool:
        """Whether S3 does not know an upload, asked after an error that does not say it."""
        try:
            self._client.list_parts(**upload.names, MaxParts=1)
        except S3Error as error:
            return code_of(error) == "NoSuchUpload"
        return False

    def _uploads(self, markers: Mapping[str, str]) -> Mapping[str, Any]:
        try:
            page: Mapping[str, Any] = self._patient.list_multipart_uploads(
                Bucket=self.bucket, Prefix=self.prefix, MaxUploads=self.page, **markers
            )
        except S3Error as error:
            if code_of(error) == "NoSuchUpload":  # rclone, of a bucket that never had any
                return {}
            url = str(S3Url(self.bucket, self.prefix))
            action = "s3:ListBucketMultipartUploads"
            raise failed(error, "look for unfinished uploads in", url, action) from error
        return page


def _lost(upload: Upload) -> LostFile:
    return LostFile(
        f"the upload to {printable(upload.url)} is neither waiting nor finished: its records are "
        "delivered again",
        plugin="s3",
        hint="a lifecycle rule that aborts uploads should leave them a day at least",
    )
