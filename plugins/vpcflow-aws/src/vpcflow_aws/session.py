"""The one boto3 session, the one retry policy, and AWS's errors in our words."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    NoCredentialsError,
    NoRegionError,
)

from vpcflow.errors import PluginError, VpcflowError, printable

if TYPE_CHECKING:
    E = TypeVar("E", bound=VpcflowError)

ATTEMPTS = 10
_CONFIG = Config(
    retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    connect_timeout=10,
    read_timeout=60,
    max_pool_connections=32,
    user_agent_extra="vpcflow",
    # checksums that not every S3-compatible server knows are sent only where AWS asks for them
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}


@cache
def session() -> boto3.session.Session:
    """Credentials, profile and Region the ordinary way: the environment, ~/.aws, the instance."""
    return boto3.session.Session()


def client(service: str, config: Config | None = None, **settings: Any) -> Any:
    """A client of a service, such as "s3". Safe to use from several threads. config: what is to be
    other than usual."""
    merged = _CONFIG if config is None else _CONFIG.merge(config)
    made: Any = session().client(service, config=merged, **settings)  # type: ignore[call-overload]
    made.meta.events.register("before-parse", _mark_if_cut)
    made.meta.events.register_first("needs-retry", _retry_if_marked)
    return made


def _mark_if_cut(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Make an error of an answer that is shorter than it says.

    botocore takes a connection that was cut before the first byte of the body for an empty answer:
    a listing without objects, a batch without failures. As an error of the server it is retried.
    """
    body, headers = response_dict.get("body"), response_dict["headers"]
    size = str(headers.get("content-length", ""))
    if operation_model.http.get("method") == "HEAD" or not isinstance(body, bytes):
        return  # no body; or one that is streamed, where whoever reads it counts
    if size.isdigit() and len(body) < int(size):
        response_dict["status_code"], response_dict["body"] = 502, b""


def _retry_if_marked(response: Any, **_: Any) -> None:
    """Retries go by the status that came; let it be the one that was made of it."""
    if response is not None:
        came, parsed = response
        came.status_code = parsed["ResponseMetadata"].get("HTTPStatusCode", came.status_code)


def code_of(error: BaseException) -> str:
    """AWS's error code, "NoSuchBucket"; "" for what is not an answer from AWS."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""


def explained(error: Exception, doing: str, *, action: str, plugin: str) -> PluginError:
    """An AWS error in our words.

    doing: what was tried, "list s3://bucket/logs". action: the permission that it takes,
    "s3:ListBucket", named when it was denied.
    """
    hint = None
    if code_of(error) in _DENIED or status_of(error) == 403:
        hint = f"the credentials in use need the permission {action}"
    elif isinstance(error, NoCredentialsError):
        hint = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    elif isinstance(error, NoRegionError):
        hint = "set AWS_REGION"
    return PluginError(f"cannot {doing}: {printable(str(error), 300)}", plugin=plugin, hint=hint)


def status_of(error: BaseException) -> int:
    """The HTTP status of an answer from AWS; 0 for what is none."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return 0
