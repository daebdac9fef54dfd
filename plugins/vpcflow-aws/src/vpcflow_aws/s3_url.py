"""s3://bucket/key, taken apart."""

from __future__ import annotations

import re

from attrs import frozen

from vpcflow.errors import UsageError, printable

# today's rules and those of old buckets in us-east-1
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


@frozen
class S3Url:
    """bucket: its name, or an access point's alias. key: all behind it, as it stands: nothing is
    decoded and nothing is a wildcard."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, url: str) -> S3Url:
        """Raises UsageError for what is no such URL."""
        scheme, mark, rest = url.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme.lower() != "s3" or not mark or not _BUCKET.fullmatch(bucket):
            hint = "it has the form s3://bucket/prefix"
            if bucket.startswith("arn:"):
                hint = "instead of an access point's ARN give its alias: s3://alias/prefix"
            raise UsageError(f"{printable(url, 200)} does not name an S3 bucket", hint=hint)
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"
