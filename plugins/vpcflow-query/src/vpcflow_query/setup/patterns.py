"""Names and identifiers of AWS, as patterns: what does not fit never gets into a script.

Each function takes what stood on the command line and the option it stood behind, and gives it
back, or raises UsageError. The patterns are narrower than AWS's where AWS allows characters that a
shell, JSON or Terraform would have to escape.
"""

from __future__ import annotations

import re

from vpcflow import UsageError
from vpcflow.errors import printable

_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_DOTTED_QUAD = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_PREFIX = re.compile(r"[A-Za-z0-9_.=-]+(?:/[A-Za-z0-9_.=-]+)*")
_LOG_GROUP = re.compile(r"[A-Za-z0-9_./#-]{1,512}")
_ROLE = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_ARN = (
    r"arn:(?P<partition>aws(?:-[a-z]+)*):{service}:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{{12}}):"
)
_STREAM = re.compile(
    _ARN.format(service="firehose") + r"deliverystream/(?P<name>[A-Za-z0-9_.-]{1,64})"
)
_TOPIC = re.compile(_ARN.format(service="sns") + r"(?P<name>[A-Za-z0-9_-]{1,256})")
_KEY = re.compile(_ARN.format(service="kms") + r"key/(?P<name>[0-9a-f-]{36}|mrk-[0-9a-f]{32})")


def region(text: str, option: str = "--region") -> str:
    return _fitting(_REGION, text, option, "an AWS Region", "as in eu-west-1")


def account(text: str, option: str = "--account") -> str:
    return _fitting(
        _ACCOUNT,
        text,
        option,
        "an AWS account id",
        "12 digits; `aws sts get-caller-identity` prints yours",
    )


def bucket(text: str, option: str = "--bucket") -> str:
    """A bucket's name. AWS: "Bucket naming rules", S3 User Guide."""
    hint = "3 to 63 lower-case letters, digits, hyphens and dots; the name alone, no s3:// or ARN"
    _fitting(_BUCKET, text, option, "a bucket's name", hint)
    if ".." in text or _DOTTED_QUAD.fullmatch(text):
        raise _wrong(text, option, "a bucket's name", hint)
    return text


def prefix(text: str, option: str = "--prefix") -> str:
    """A folder in a bucket, without slashes around it. CreateFlowLogs refuses `AWSLogs`, the name
    of the folder that it makes itself."""
    what, hint = (
        "a folder in a bucket",
        "letters, digits and _ . = - with / between, as in logs/vpc",
    )
    text = text.strip("/")
    _fitting(_PREFIX, text, option, what, hint)
    parts = text.split("/")
    if "AWSLogs" in parts:
        raise _wrong(text, option, what, "AWSLogs is made by AWS, below what you give here")
    if "." in parts or ".." in parts or len(text) > 512:
        raise _wrong(text, option, what, hint)
    return text


def log_group(text: str, option: str = "--log-group") -> str:
    hint = "up to 512 letters, digits and . - _ / #, not starting with aws/"
    _fitting(_LOG_GROUP, text, option, "a log group's name", hint)
    if text.startswith("aws/"):
        raise _wrong(text, option, "a log group's name", hint)
    return text


def role_name(text: str, option: str = "--role-name") -> str:
    return _fitting(
        _ROLE, text, option, "an IAM role's name", "up to 64 letters, digits and + = , . @ - _"
    )


def stream_arn(text: str, option: str = "--stream") -> re.Match[str]:
    """The groups of the match are partition, region, account and name."""
    hint = "as in arn:aws:firehose:eu-west-1:111122223333:deliverystream/flow-logs"
    return _parts(_STREAM, text, option, "the ARN of a Firehose stream", hint)


def topic_arn(text: str, option: str = "--alarm-topic") -> re.Match[str]:
    hint = "as in arn:aws:sns:eu-west-1:111122223333:network-alarms"
    return _parts(_TOPIC, text, option, "the ARN of an SNS topic", hint)


def key_arn(text: str, option: str = "--kms-key") -> re.Match[str]:
    """A key by its ARN: with its id alone, flow logs fail with "LogDestination undeliverable"
    (AWS: "Troubleshoot VPC Flow Logs", VPC User Guide)."""
    hint = "the key's ARN, not its id or alias: `aws kms describe-key --key-id ...` prints it"
    return _parts(_KEY, text, option, "the ARN of a KMS key", hint)


def partition_of(region: str) -> str:
    """The partition that ARNs of a Region have (AWS: "Partitions", Fault Isolation Boundaries)."""
    for start, partition in (
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ):
        if region.startswith(start):
            return partition
    return "aws"


def _parts(pattern: re.Pattern[str], text: str, option: str, what: str, hint: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None or not _REGION.fullmatch(found["region"]):
        raise _wrong(text, option, what, hint)
    return found


def _fitting(pattern: re.Pattern[str], text: str, option: str, what: str, hint: str) -> str:
    if not pattern.fullmatch(text):
        raise _wrong(text, option, what, hint)
    return text


def _wrong(text: str, option: str, what: str, hint: str) -> UsageError:
    return UsageError(f"{option} {printable(text, 100)!r} is not {what}", hint=hint)
