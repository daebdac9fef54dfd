"""Sending until each item is accepted, or refused for good; what failed is sent again.

The SDK's own retries are off for these requests (`ONCE`): it would hide which of them were repeated
after a failure that says nothing about whether the first one arrived. Here every repetition is
counted, and so is every record that may have arrived twice.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import define, field, frozen
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
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

from vpcflow.errors import PluginError, printable
from vpcflow_aws.session import code_of, explained

if TYPE_CHECKING:
    from vpcflow.report import Run

T = TypeVar("T")
Refused = tuple[T, str]
"""An item that the service does not take, and why."""

# no validation of parameters: it takes longer than all the rest, and what is sent is ours
ONCE = Config(
    retries={"total_max_attempts": 1, "mode": "standard"},
    parameter_validation=False,
    read_timeout=30,
)
MOST_INVALID = 20
"""Items of one request that may be invalid; with more of them, it is not the items."""
FAILURES = (BotoCoreError, ClientError, ResponseParserError)

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
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code_of(error) in _NOT_TAKEN or status == 429:
            return Verdict.NOT_DONE
        return Verdict.MAYBE_DONE if status >= 500 else Verdict.FINAL
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


@frozen
class Outcome(Generic[T]):
    """What became of a request. again: items that were not accepted and may be yet; of which
    `perhaps` have arrived all the same. refused: never accepted. said: why, of `again`."""

    again: Sequence[T] = ()
    perhaps: Sequence[T] = ()
    refused: Sequence[Refused[T]] = ()
    said: str = ""


@define(eq=False)
class Sender(Generic[T]):
    """Sends groups of items; safe to use from several threads.

    put: one request for one group; raises the SDK's errors. records: how many records an item
    holds. invalid: error codes that mean that an item of the group is not as it should be. doing:
    "write to ...", action: the permission that takes; both for errors. patience: seconds without
    any progress after which to give up. name: the sink's.
    """

    name: str
    put: Callable[[Sequence[T]], Outcome[T]]
    records: Callable[[T], int]
    run: Run
    doing: str
    action: str
    invalid: frozenset[str]
    patience: float
    backoff: Backoff = field(factory=Backoff)
    stopped: threading.Event = field(factory=threading.Event)

    def send(self, items: Sequence[T]) -> list[Refused[T]]:
        """Returns when every item has been accepted, or refused: those, with the reasons. Raises
        PluginError for what would fail again, and when patience ends."""
        refused: list[Refused[T]] = []
        groups, failures, progress, invalid = [items], 0, time.monotonic(), 0
        while groups:
            group = groups.pop()
            try:
                outcome = self.put(group)
            except FAILURES as error:
                if code_of(error) in self.invalid:
                    halves, alone = self._divided(group, error)
                    groups += halves
                    refused += alone
                    invalid += len(alone)
                    if invalid > MOST_INVALID:
                        raise self._final(error) from error
                    continue
                outcome = self._failed(group, error)
            refused += outcome.refused
            if len(outcome.again) < len(group):
                failures, progress = 0, time.monotonic()
            if outcome.again:
                groups.append(outcome.again)
                failures += 1
                self._wait(outcome, failures, progress)
        return refused

    def _failed(self, group: Sequence[T], error: Exception) -> Outcome[T]:
        verdict = judge(error)
        if verdict is Verdict.FINAL:
            raise self._final(error) from error
        perhaps = group if verdict is Verdict.MAYBE_DONE else ()
        return Outcome(again=group, perhaps=perhaps, said=str(error))

    def _divided(
        self, group: Sequence[T], error: Exception
    ) -> tuple[list[Sequence[T]], list[Refused[T]]]:
        """One item makes the whole request fail: which one, is found by halving."""
        if len(group) == 1:
            return [], [(group[0], printable(str(error), 300))]
        middle = len(group) // 2
        return [group[middle:], group[:middle]], []

    def _wait(self, outcome: Outcome[T], failures: int, progress: float) -> None:
        if time.monotonic() - progress > self.patience:
            raise PluginError(
                f"cannot {self.doing}: given up after {self.patience:g} seconds without progress: "
                f"{printable(outcome.said, 300)}",
                plugin=self.name,
                hint="?patience=1h waits longer; with --state, the next run goes on from here",
            )
        self.run.retried(self.name)
        if outcome.perhaps:
            self.run.repeated(self.name, sum(map(self.records, outcome.perhaps)))
        if self.stopped.wait(self.backoff.seconds(failures)):
            raise PluginError(f"cannot {self.doing}: the run has ended", plugin=self.name)

    def _final(self, error: Any) -> PluginError:
        return explained(error, self.doing, action=self.action, plugin=self.name)
