"""What a failed request means, and how long to wait after it."""

from __future__ import annotations

import random
from enum import Enum

from attrs import frozen
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
    ResponseStreamingError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from vpcflow_aws.session import code_of, status_of

_NEVER_SENT = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_CUT = (HTTPClientError, IncompleteReadError, ResponseStreamingError, ResponseParserError)
_NOT_TAKEN = {  # the service has turned the request away, because of its load
    *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled"),
    *("RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded"),
    *("BandwidthLimitExceeded", "LimitExceededException", "SlowDown"),
    *("ServiceUnavailableException", "ServiceUnavailable", "OperationAbortedException"),
    *("RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"),
}


class Verdict(Enum):
    """What a failed request means."""

    NOT_DONE = "it was not done; try again"
    MAYBE_DONE = "nobody knows whether it was done; try again"
    FINAL = "it would fail again"


def judge(error: BaseException) -> Verdict:
    """Throttling and connections that never came about: not done. Other server errors, timeouts and
    connections that broke: perhaps done. All else (permissions, names): final."""
    if isinstance(error, ClientError):
        if code_of(error) in _NOT_TAKEN or status_of(error) == 429:
            return Verdict.NOT_DONE
        return Verdict.MAYBE_DONE if status_of(error) >= 500 else Verdict.FINAL
    if isinstance(error, _NEVER_SENT):
        return Verdict.NOT_DONE
    if isinstance(error, _CUT) and not isinstance(error, SSLError):
        return Verdict.MAYBE_DONE
    return Verdict.FINAL


@frozen
class Backoff:
    """Waiting times in seconds: random, up to `first`, doubled with every failure up to `most`."""

    first: float = 0.2
    most: float = 20.0

    def seconds(self, failures: int) -> float:
        """failures: in a row, from 1."""
        longest = min(self.most, self.first * 2.0 ** min(failures - 1, 30))
        return random.uniform(0.5, 1) * longest
