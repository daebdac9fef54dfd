"""Sending until each item is accepted, or refused for good; what failed is sent again.

The SDK's own retries are off for these requests (`asking`): it would hide which of them were
repeated after a failure that says nothing about whether the first one arrived. Here every
repetition is counted, and so is every record that may have arrived twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import define, field, frozen

from vpcflow.errors import PluginError, printable
from vpcflow_aws.asking import FAILURES
from vpcflow_aws.failures import Backoff, Verdict, judge
from vpcflow_aws.session import code_of, explained

if TYPE_CHECKING:
    from vpcflow.report import Run

T = TypeVar("T")
Refused = tuple[T, str]
"""An item that the service does not take, and why."""

MOST_INVALID = 20
"""Items of one request that may be invalid; with more of them, it is not the items."""


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
