"""The sink `firehose:STREAM`: records as JSON lines, packed into Firehose records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
from attrs import define, field, frozen

from vpcflow import FlowBatch
from vpcflow.errors import UsageError, printable
from vpcflow.options import Size, settings
from vpcflow_aws.asking import asker
from vpcflow_aws.firehose_records import LONGEST_RECORD, MOST_BYTES, STEP, Packed, pack, requests
from vpcflow_aws.sending import Outcome
from vpcflow_aws.service_sink import ServiceOptions, ServiceSink

if TYPE_CHECKING:
    from vpcflow.sinks import Sink

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TEMPORARY = {"ServiceUnavailableException", "InternalFailure"}


def _within_record(_: object, __: object, size: int) -> None:
    if size > LONGEST_RECORD:
        raise ValueError(f"option size={size} is more than a record may have: {LONGEST_RECORD:,}")


@frozen(kw_only=True)
class FirehoseOptions(ServiceOptions):
    """size: of a Firehose record at most; from 5 KB on it is rounded down to a multiple of that,
    which Firehose bills by. 1: every row is a record by itself."""

    size: Size = field(default=Size(10 * STEP), validator=_within_record)

    @property
    def record(self) -> int:
        return self.size // STEP * STEP or self.size


def sink(target: str, options: Mapping[str, str]) -> Sink:
    """`firehose:STREAM`. Raises UsageError."""
    if not _NAME.fullmatch(target):
        raise UsageError(
            f"{printable(target)!r} is no name of a Firehose stream",
            hint="firehose:STREAM, with up to 64 letters, digits and _ . -",
        )
    chosen = settings(FirehoseOptions, options, owner="sink firehose")
    return FirehoseSink(f"firehose:{target}", chosen, target)


@define(eq=False, slots=False)
class FirehoseSink(ServiceSink[Packed]):
    """Each record that Firehose delivers is one or more JSON lines, each with its newline."""

    options: FirehoseOptions
    stream: str
    action: ClassVar[str] = "firehose:PutRecordBatch"
    invalid: ClassVar[frozenset[str]] = frozenset({"InvalidArgumentException"})
    _held: list[bytes] = field(factory=list, init=False)
    _bytes: int = field(default=0, init=False)

    def connect(self, schema: pa.Schema) -> None:
        self._firehose: Any = asker("firehose")

    def doing(self) -> str:
        return f"write to the Firehose stream {self.stream}"

    def take(self, batch: pa.RecordBatch) -> Sequence[Sequence[Packed]]:
        for row in FlowBatch.from_arrow(batch).to_jsonl().splitlines(keepends=True):
            if len(row) > LONGEST_RECORD:
                self.refuse(
                    row.rstrip(b"\n"),
                    f"the row has {len(row):,} bytes, and {LONGEST_RECORD:,} are allowed",
                )
                continue
            self._held.append(row)
            self._bytes += len(row)
        if self._bytes < 2 * MOST_BYTES:
            return []
        *ready, rest = requests(pack(self._held, self.options.record))
        self._held = [row for packed in rest for row in packed.data.splitlines(keepends=True)]
        self._bytes = sum(map(len, self._held))
        return ready

    def rest(self) -> Sequence[Sequence[Packed]]:
        held, self._held, self._bytes = self._held, [], 0
        return requests(pack(held, self.options.record))

    def put(self, group: Sequence[Packed]) -> Outcome[Packed]:
        answer = self._firehose.put_record_batch(
            DeliveryStreamName=self.stream, Records=[{"Data": packed.data} for packed in group]
        )
        return _outcome(group, answer)

    def records(self, item: Packed) -> int:
        return item.rows

    def letters(self, item: Packed) -> Sequence[bytes]:
        return item.data.splitlines()


def _outcome(group: Sequence[Packed], answer: Mapping[str, Any]) -> Outcome[Packed]:
    """The answer names failures by their place in the request."""
    if not answer.get("FailedPutCount"):
        return Outcome()
    again, perhaps, refused = [], [], []
    said = ""
    for packed, response in zip(group, answer.get("RequestResponses", ()), strict=True):
        code = response.get("ErrorCode")
        if not code:
            continue
        said = f"{code}: {response.get('ErrorMessage', '')}"
        if code not in _TEMPORARY:
            refused.append((packed, said))
            continue
        again.append(packed)
        if code == "InternalFailure":  # a server error: it may have been written
            perhaps.append(packed)
    return Outcome(again, perhaps, refused, said)
