"""S3's errors in our words: what was tried, what S3 said, which permission it takes."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
)

from vpcflow.errors import InputError, PluginError, printable
from vpcflow_aws.session import code_of, status_of

S3Error = (BotoCoreError, ClientError)
"""What boto3 raises."""
DENIED = {"AccessDenied", "AllAccessDisabled", "AccountProblem"}
_MISSING = {"NoSuchKey", "NotFound", "404"}
_HINTS = {
    "NoSuchBucket": "check the bucket's name; an S3-compatible store is named by AWS_ENDPOINT_URL",
    "InvalidObjectState": "it is archived: restore it first (aws s3api restore-object)",
    "PreconditionFailed": "it was replaced while it was being read: run again",
    "InvalidAccessKeyId": "check AWS_PROFILE or AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "check AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "the credentials have expired: log in again",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "NoSuchUpload": "somebody removed the unfinished upload: a lifecycle rule may do it too early",
}


def is_missing(error: BaseException) -> bool:
    return code_of(error) in _MISSING


def is_denied(error: BaseException) -> bool:
    return code_of(error) in DENIED or (status_of(error) == 403 and not _names_another(error))


def _names_another(error: BaseException) -> bool:
    """403 has other reasons too, with their own codes; HEAD has no body, and the code "403"."""
    return code_of(error) in _HINTS


def unreadable(
    error: BotoCoreError | ClientError, doing: str, source: str, action: str
) -> InputError:
    """doing: "list", "read". source: an s3:// URL. action: the permission, "s3:GetObject"."""
    return InputError(f"cannot {doing}: {_said(error)}", source=source, hint=_hint(error, action))


def failed(error: BotoCoreError | ClientError, doing: str, url: str, action: str) -> PluginError:
    """doing: "write", "finish". url: what to. action: the permission, "s3:PutObject"."""
    what = f"cannot {doing} {printable(url)}: {_said(error)}"
    return PluginError(what, plugin="s3", hint=_hint(error, action))


def _said(error: BotoCoreError | ClientError) -> str:
    return printable(str(error), 300)


def _hint(error: BotoCoreError | ClientError, action: str) -> str | None:
    if is_denied(error):
        return _permission(error, action)
    if isinstance(error, NoCredentialsError):
        return "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if isinstance(error, EndpointConnectionError):
        return "check the network, AWS_REGION, and AWS_ENDPOINT_URL if it is set"
    return _HINTS.get(code_of(error))


def _permission(error: BotoCoreError | ClientError, action: str) -> str:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html: reading takes
    kms:Decrypt, writing kms:GenerateDataKey, and joining parts kms:Decrypt too."""
    keys = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey and kms:Decrypt"}
    key = keys.get(action)
    said = str(error).lower()
    if key and "kms" in said:
        return f"the credentials in use need {key} for the key that the bucket is encrypted with"
    hint = f"the credentials in use need the permission {action}"
    return f"{hint}; with SSE-KMS also {key}" if key else hint
