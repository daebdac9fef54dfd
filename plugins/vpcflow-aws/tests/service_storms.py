"""What the tests of the sinks CloudWatch Logs and Firehose share."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from attrs import define, field
from fault_proxy import (
    THROTTLED,
    UNAVAILABLE,
    Answer,
    CutAfter,
    CutBefore,
    CutBody,
    Fault,
    FaultProxy,
    Request,
    Rule,
    json_error,
)
from servers import KEY, environment, using
from vpcflow_aws import session
from vpcflow_aws.failures import Backoff

import vpcflow
from vpcflow.making import sink_of
from vpcflow.report import Run

FAILED_AFTERWARDS = json_error("InternalFailure", 500, forward=True)
NOW = time.time_ns() // 10**9
LINE = "2 123456789010 {eni} 10.0.0.1 10.0.0.2 {port} 443 6 {n} 4249 {start} {end} ACCEPT OK"


def arrived(fault: Fault | None) -> bool:
    """Whether the server did what a request with this fault asked for."""
    return not (isinstance(fault, CutBefore) or (isinstance(fault, Answer) and not fault.forward))


def in_doubt(fault: Fault | None) -> bool:
    """Whether the client could not know."""
    return isinstance(fault, CutBefore | CutAfter | CutBody) or fault == FAILED_AFTERWARDS


def storm(operation: str, seed: int, share: float = 0.12) -> list[Rule]:
    """All kinds of faults, for a part of the requests each, without end."""
    faults: list[Fault] = [
        CutBefore(),
        CutAfter(),
        CutBody(10),
        THROTTLED,
        UNAVAILABLE,
        FAILED_AFTERWARDS,
    ]
    return [
        Rule(fault, operation, times=None, share=share, seed=seed * 100 + number)
        for number, fault in enumerate(faults)
    ]


def numbered(first: int, count: int, *, start: int = NOW - 3600) -> pa.RecordBatch:
    """Records of the default format, told apart by `packets`."""
    rows = [
        LINE.format(eni="eni-0a", port=n % 60_000, n=n, start=start + n % 600, end=start + 600)
        for n in range(first, first + count)
    ]
    return pa.record_batch(vpcflow.parse("\n".join(rows).encode(), format="default", text="utf8"))


@define
class Letters:
    """A run that keeps its dead letters."""

    letters: list[dict[str, Any]] = field(factory=list)
    records: int = 0

    def run(self) -> Run:
        return Run(on_dead_letter=self.take)

    def take(self, letter: dict[str, Any], records: int) -> None:
        self.letters.append(letter)
        self.records += records


@contextmanager
def through(proxy_of: str, rules: Sequence[Rule] = ()) -> Iterator[FaultProxy]:
    """A proxy before a server, and this process's AWS clients set to it."""
    with FaultProxy(proxy_of, rules) as proxy, using(environment(proxy.url)):
        keys = session.session().get_credentials()
        if keys is None or keys.access_key != KEY:
            session.session.cache_clear()  # else it is kept: reading AWS's models takes long
        yield proxy


@contextmanager
def opened(target: str, schema: pa.Schema, run: Run | None = None) -> Iterator[Any]:
    """A sink that does not wait long between its tries."""
    sink: Any = sink_of(target)
    sink.backoff = Backoff(0.001, 0.02)
    sink.open(schema, run or Run())
    try:
        yield sink
    finally:
        sink.abort()


def counted(requests: Sequence[Request], rows: Callable[[Request], int]) -> Counter[str]:
    """Records in requests: "doubtful" (the client could not know), "stored" (the server knows)."""
    found: Counter[str] = Counter()
    for request in requests:
        if in_doubt(request.fault):
            found["doubtful"] += rows(request)
        if arrived(request.fault):
            found["stored"] += rows(request)
    return found
