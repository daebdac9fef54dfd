"""The sink `cloudwatch:GROUP[/STREAM]`: records as log events."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc
from attrs import define, field, frozen

from vpcflow import FlowBatch
from vpcflow.options import settings
from vpcflow_aws.asking import asker
from vpcflow_aws.aws_lines import check_columns, lines, unfit
from vpcflow_aws.cloudwatch_target import LogTarget, candidates, find
from vpcflow_aws.log_events import MOST_BYTES, MOST_EVENTS, LogEvent, batches, cost, flaw, rejected
from vpcflow_aws.sending import Outcome
from vpcflow_aws.service_sink import ServiceOptions, ServiceSink
from vpcflow_aws.session import client

if TYPE_CHECKING:
    from vpcflow.sinks import Sink

_HELD = 4  # batches that are held back and sorted by time, so that they are cut well


@frozen(kw_only=True)
class CloudWatchOptions(ServiceOptions):
    """as_: "json", or "line" for AWS's own line (`aws_lines`). stream: the stream's name, so that
    all of the target is the group's. create: make the log group if there is none."""

    as_: Literal["json", "line"] = "json"
    stream: str | None = None
    create: bool = False


def sink(target: str, options: Mapping[str, str]) -> Sink:
    """`cloudwatch:GROUP[/STREAM]`, see `cloudwatch_target`. Raises UsageError."""
    chosen = settings(CloudWatchOptions, options, owner="sink cloudwatch")
    return CloudWatchSink(f"cloudwatch:{target}", chosen, candidates(target, chosen.stream))


@define(eq=False, slots=False)
class CloudWatchSink(ServiceSink[LogEvent]):
    """The time of an event is the record's `start`; of a record without one its `end`, and without
    that the time at which the sink got it."""

    options: CloudWatchOptions
    choices: list[LogTarget]
    action: ClassVar[str] = "logs:PutLogEvents"
    invalid: ClassVar[frozenset[str]] = frozenset({"InvalidParameterException"})
    _held: list[LogEvent] = field(factory=list, init=False)
    _bytes: int = field(default=0, init=False)

    def connect(self, schema: pa.Schema) -> None:
        if self.options.as_ == "line":
            check_columns(schema.names, self.name)
        self._logs: Any = asker("logs")
        # these few requests are safe to repeat, so the SDK may do it
        self.target = find(
            client("logs"), self.choices, create=self.options.create, plugin=self.name
        )

    def doing(self) -> str:
        return f"write to the stream {self.target.stream} of the log group {self.target.group}"

    def take(self, batch: pa.RecordBatch) -> Sequence[Sequence[LogEvent]]:
        for event in self._events(batch):
            reason = flaw(event)
            if reason is not None:
                self.refuse(event.message, reason)
                continue
            self._held.append(event)
            self._bytes += cost(event)
        if self._bytes < _HELD * MOST_BYTES and len(self._held) < _HELD * MOST_EVENTS:
            return []
        *ready, rest = batches(self._held)
        self._held, self._bytes = rest, sum(map(cost, rest))
        return ready

    def rest(self) -> Sequence[Sequence[LogEvent]]:
        held, self._held, self._bytes = self._held, [], 0
        return batches(held)

    def put(self, group: Sequence[LogEvent]) -> Outcome[LogEvent]:
        answer = self._logs.put_log_events(
            logGroupName=self.target.group,
            logStreamName=self.target.stream,
            logEvents=[
                {"timestamp": event.timestamp, "message": event.message.decode("utf-8", "replace")}
                for event in group
            ],
        )
        return Outcome(refused=rejected(group, answer.get("rejectedLogEventsInfo") or {}))

    def records(self, item: LogEvent) -> int:
        return 1

    def letters(self, item: LogEvent) -> Sequence[bytes]:
        return [item.message]

    def _events(self, batch: pa.RecordBatch) -> list[LogEvent]:
        if self.options.as_ == "line":
            batch = self._fit(batch)
            messages = lines(batch)
        else:
            messages = FlowBatch.from_arrow(batch).to_jsonl().split(b"\n")[:-1]
        return list(map(LogEvent, _times(batch), messages))

    def _fit(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The records that lines can hold."""
        bad = unfit(batch)
        if not bad:
            return batch
        for row, reason in bad.items():
            data = FlowBatch.from_arrow(batch.slice(row, 1)).to_jsonl()
            self.refuse(data.rstrip(b"\n"), reason)
        return batch.filter(pa.array(row not in bad for row in range(batch.num_rows)))


def _times(batch: pa.RecordBatch) -> list[int]:
    """Milliseconds since 1970."""
    times = pa.nulls(batch.num_rows, pa.int64())
    for name in ("start", "end"):
        if name in batch.schema.names:
            column = batch.column(name).cast(pa.timestamp("ms", "UTC"), safe=False)
            times = pc.coalesce(times, column.cast(pa.int64()))
    found: list[int] = pc.fill_null(times, time.time_ns() // 10**6).to_pylist()
    return found
