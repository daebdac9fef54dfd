"""What the tests of the Avro sink share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import fastavro
import lines
import pyarrow as pa
import pytest

import vpcflow
from vpcflow.report import Run
from vpcflow.sinks import Sink


@pytest.fixture(scope="session")
def batch() -> pa.RecordBatch:
    """Three thousand records with every field that there is, NODATA and SKIPDATA among them."""
    text = lines.text(lines.records(1, lines.EVERY_FIELD, 3000))
    parsed = vpcflow.parse(text, format=lines.EVERY_FIELD, text="utf8", on_error="raise")
    return pa.record_batch(parsed)


@pytest.fixture
def deliver() -> Callable[[Sink, Iterable[pa.RecordBatch]], list[int]]:
    """Drive a sink as the pipeline does; gives the number of files of each checkpoint."""

    def drive(sink: Sink, batches: Iterable[pa.RecordBatch]) -> list[int]:
        batches = list(batches)
        sink.open(batches[0].schema, Run())
        sink.discard_leftovers()
        checkpoints = []
        try:
            for part in batches:
                sink.write(part)
                if sink.due() or part is batches[-1]:
                    checkpoints.append(sink.prepare())
                    sink.commit(checkpoints[-1])
        except BaseException:
            sink.abort()
            raise
        sink.close()
        return [len(receipts) for receipts in checkpoints]

    return drive


@pytest.fixture
def read() -> Callable[[Path], list[dict[str, Any]]]:
    """The records of one file as fastavro reads them."""

    def records(path: Path) -> list[dict[str, Any]]:
        with path.open("rb") as file:
            return list(fastavro.reader(file))

    return records
