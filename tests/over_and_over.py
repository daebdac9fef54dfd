"""Run by test_leaks.py: read, hand over and drop the same logs again and again, in every way.

Prints what is still held at the end, and how much more memory the later rounds took than the first
ones: `buffers exports bytes`.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random

import lines
import polars
import pyarrow as pa

import vpcflow
from vpcflow import FlowFormat, _native
from vpcflow.columns import Text

SAMPLES = Path(__file__).parent / "data" / "samples"
FORMAT = FlowFormat.default()
WARM_UP, ROUNDS = 12, 30
TEXTS: tuple[Text, ...] = ("view", "utf8", "dictionary")
WHERE = {"action": "REJECT", "srcaddr": "10.0.0.0/8", "dstport": (0, 1024)}


def log() -> bytes:
    """A megabyte, one line in fifty damaged."""
    rng = Random(1)
    rows = lines.records(1, FORMAT, 9000)
    for at in range(0, len(rows), 50):
        rows[at] = lines.EDITS["spoil a value"](rows[at], FORMAT, rng.randrange(2**20))
    return lines.header(FORMAT) + b"\n" + lines.text(rows)


def parse(data: bytes) -> None:
    for text in TEXTS:
        batch = vpcflow.parse(data, text=text)
        table = pa.table(batch)
        assert sum(record.bytes is not None for record in batch) > len(batch) / 2
        batch.to_jsonl()
        batch.to_csv()
        del batch
        polars.DataFrame(table.slice(10, 100))
        vpcflow.FlowBatch.from_arrow(table.to_batches()[0]).to_jsonl()
    vpcflow.parse(bytearray(data), where=WHERE, columns=["bytes"]).__arrow_c_array__()


def push(data: bytes) -> None:
    parser = vpcflow.FlowParser(on_error="skip")
    kept = [parser.feed(data[at : at + 70_001]) for at in range(0, len(data), 70_001)]
    kept.append(parser.finish())
    next(iter(kept[3]))
    vpcflow.FlowParser(FORMAT).feed(data[len(data) // 2 :])  # never finished


def scan(data: bytes) -> None:
    with vpcflow.scan(SAMPLES / "AWSLogs", data, columns=list(FORMAT.names), threads=2) as stream:
        for batch in stream:
            batch.__arrow_c_stream__()
    pa.table(vpcflow.scan(data, text="utf8"))
    stream = vpcflow.scan(SAMPLES / "AWSLogs", SAMPLES / "ipv6.log")
    capsule = stream.__arrow_c_stream__()
    next(stream)  # and no further
    stream.close()
    del capsule


def fail(data: bytes) -> None:
    refused = (vpcflow.FormatError, vpcflow.RecordError, vpcflow.ContainerError)
    for attempt in (
        lambda: vpcflow.parse(data, on_error="raise"),
        lambda: vpcflow.parse(data + b"srcaddr dstaddr\n"),
        lambda: vpcflow.parse(b"what is this\n" * 100),
        lambda: list(vpcflow.scan(SAMPLES / "damaged.log.gz")),
    ):
        try:
            attempt()
        except refused:
            continue
        raise AssertionError("no error")


def held() -> tuple[int, int]:
    """Buffers and exports; threads of a stream that was closed may take a moment to end."""
    for _ in range(100):
        gc.collect()
        counts = (_native.live_buffers(), _native.live_exports())
        if counts == (0, 0):
            break
        time.sleep(0.05)
    return counts


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def rounds(data: bytes, count: int) -> Iterator[tuple[int, int]]:
    for _ in range(count):
        for way in (parse, push, scan, fail):
            way(data)
        yield held()


def main() -> None:
    warnings.simplefilter("ignore", vpcflow.RejectedLinesWarning)
    data = log()
    counts = set(rounds(data, WARM_UP))
    before = peak()
    counts |= set(rounds(data, ROUNDS))
    buffers, exports = max(counts)
    print(buffers, exports, peak() - before)


main()
