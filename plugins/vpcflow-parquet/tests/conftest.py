"""What the tests of Parquet share: writing in memory, and reading through the container."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import lines
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from vpcflow_parquet.container import ParquetContainer
from vpcflow_parquet.writer import ParquetFormat

import vpcflow
from vpcflow.report import Run
from vpcflow.sinks import Sink
from vpcflow.source_files import BytesFile
from vpcflow.where import parse_where


class Memory(io.BytesIO):
    """Stands for a file that a place would give."""

    name = "memory"

    def prepare(self) -> Any:
        raise NotImplementedError("there is no place")

    abort = prepare


@pytest.fixture(scope="session")
def batch() -> pa.RecordBatch:
    """Three thousand records with every field that there is, NODATA and SKIPDATA among them."""
    text = lines.text(lines.records(1, lines.EVERY_FIELD, 3000))
    parsed = vpcflow.parse(text, format=lines.EVERY_FIELD, text="utf8", on_error="raise")
    return pa.record_batch(parsed)


@pytest.fixture(scope="session")
def written() -> Callable[..., bytes]:
    """A file as the sink writes it, from batches of one schema."""

    def write(batches: Iterable[pa.RecordBatch], **settings: Any) -> bytes:
        batches = list(batches)
        out = Memory()
        writer = ParquetFormat(**settings).open(out, batches[0].schema)
        for one in batches:
            writer.write(one)
        writer.close()
        return out.getvalue()

    return write


@pytest.fixture(scope="session")
def foreign() -> Callable[..., bytes]:
    """A file as others write it, from arrays by column name."""

    def write(columns: Mapping[str, Any], **options: Any) -> bytes:
        out = io.BytesIO()
        pq.write_table(pa.table(dict(columns)), out, **options)
        return out.getvalue()

    return write


@pytest.fixture(scope="session")
def rows_of() -> Callable[..., list[dict[str, Any]]]:
    """The records of a file, by way of the container."""

    def read(
        data: bytes, columns: Iterable[str] | None = None, where: Any = None, start: int = 0
    ) -> list[dict[str, Any]]:
        file = BytesFile("flow.parquet", data)
        container = ParquetContainer()
        names = container.format(file).names if columns is None else list(columns)
        batches = container.batches(file, names, parse_where(where), start)
        return [row for found in batches for row in found.data.to_pylist()]

    return read


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
