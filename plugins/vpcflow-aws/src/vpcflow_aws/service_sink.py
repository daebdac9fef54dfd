"""What the sinks CloudWatch Logs and Firehose share: at least once, several requests at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from attrs import define, field, frozen

from vpcflow.options import Age
from vpcflow.sinks import Receipts, Sink
from vpcflow_aws.failures import Backoff
from vpcflow_aws.in_flight import InFlight
from vpcflow_aws.sending import Outcome, Refused, Sender

if TYPE_CHECKING:
    import pyarrow as pa

    from vpcflow.report import Run

T = TypeVar("T")
MOST_IN_FLIGHT = 32


def _some(_: object, attribute: Any, value: int) -> None:
    if not 1 <= value <= MOST_IN_FLIGHT:
        raise ValueError(f"option {attribute.name}={value} is not between 1 and {MOST_IN_FLIGHT}")


@frozen(kw_only=True)
class ServiceOptions:
    """Options of sinks that send to a service.

    in_flight: requests at a time. patience: how long to go on without any progress. age: a
    checkpoint is asked for when the oldest record that is not acknowledged has waited so long.
    """

    in_flight: int = field(default=4, validator=_some)
    patience: Age = Age(600)  # noqa: RUF009 - an Age is a float
    age: Age = Age(60)  # noqa: RUF009


@define(eq=False, slots=False)
class ServiceSink(Sink, Generic[T]):
    """A subclass says what is sent and how; here it is decided when, and by how many threads.

    `commit` returns when the service has acknowledged, or refused, all that was written. Memory:
    what the subclass holds back, and one group for each request in flight; `write` waits when these
    are busy. Refused items go to the dead letters in the thread that writes and commits.
    """

    delivery = "at-least-once"
    action: ClassVar[str]
    invalid: ClassVar[frozenset[str]]

    name: str
    options: ServiceOptions
    backoff: Backoff = field(factory=Backoff, kw_only=True)
    _flight: InFlight[Refused[T]] | None = field(default=None, init=False)
    _since: float | None = field(default=None, init=False)
    _stopped: threading.Event = field(factory=threading.Event, init=False)

    # ---- what subclasses write -------------------------------------------------------------------

    def connect(self, schema: pa.Schema) -> None:
        """Check what can be checked, and make a client, an `asker`."""
        raise NotImplementedError

    def doing(self) -> str:
        """What requests do, for errors: "write to ..."."""
        raise NotImplementedError

    def take(self, batch: pa.RecordBatch) -> Sequence[Sequence[T]]:
        """Take a batch; give the groups that are ready to be sent."""
        raise NotImplementedError

    def rest(self) -> Sequence[Sequence[T]]:
        """Everything that is still held back."""
        raise NotImplementedError

    def put(self, group: Sequence[T]) -> Outcome[T]:
        """One request, in one of several threads."""
        raise NotImplementedError

    def records(self, item: T) -> int:
        """How many records an item holds."""
        raise NotImplementedError

    def letters(self, item: T) -> Sequence[bytes]:
        """An item, record by record, for the dead letters."""
        raise NotImplementedError

    # ---- the sink --------------------------------------------------------------------------------

    def open(self, schema: pa.Schema, run: Run) -> None:
        self._run = run
        self.connect(schema)
        self._sender = Sender(
            self.name,
            self.put,
            self.records,
            run,
            doing=self.doing(),
            action=self.action,
            invalid=self.invalid,
            patience=self.options.patience,
            backoff=self.backoff,
            stopped=self._stopped,
        )
        self._flight = InFlight(self.options.in_flight)

    def write(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows == 0:
            return
        if self._since is None:
            self._since = time.monotonic()
        self._send(self.take(batch))

    def due(self) -> bool:
        return self._since is not None and time.monotonic() - self._since >= self.options.age

    def commit(self, receipts: Receipts) -> None:
        if self._flight is None:
            return
        self._send(self.rest())
        self._flight.drain()
        self._report(self._flight.take())
        self._since = None

    def close(self) -> None:
        if self._flight is not None:
            self._flight.close()

    def abort(self) -> None:
        self._stopped.set()
        self.close()

    def refuse(self, data: bytes, reason: str) -> None:
        """A record that cannot be sent at all."""
        self._run.dead_letter(self.name, data, reason)

    def _send(self, groups: Sequence[Sequence[T]]) -> None:
        assert self._flight is not None
        for group in groups:
            self._flight.submit(partial(self._sender.send, group))
        self._report(self._flight.take())

    def _report(self, refused: Sequence[Refused[T]]) -> None:
        for item, reason in refused:
            for letter in self.letters(item):
                self._run.dead_letter(self.name, letter, reason)
