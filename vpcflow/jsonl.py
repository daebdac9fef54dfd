"""The sinks that are built in: JSON lines to files or standard output, and nowhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from attrs import define, frozen

from vpcflow.batch import FlowBatch
from vpcflow.errors import PluginError, UsageError
from vpcflow.file_sink import FileOptions, FileWriter, file_sink, options_of
from vpcflow.options import settings
from vpcflow.places import PendingFile
from vpcflow.sinks import Sink

if TYPE_CHECKING:
    import pyarrow as pa

    from vpcflow.report import Run


def sink(target: str, options: Mapping[str, str]) -> Sink:
    """`jsonl:PATH`, or `jsonl:-` for standard output: one JSON object a line, the columns' names,
    nulls left out, integers as numbers, times in RFC 3339 UTC (or `times=epoch`)."""
    chosen = options_of(FileOptions, options, "jsonl")
    if target == "-":
        if options:
            raise UsageError("jsonl:- takes no options: they are about files")
        return StandardOutput()
    return file_sink("jsonl", JsonLines(), target, chosen)


def null(target: str, options: Mapping[str, str]) -> Sink:
    """`null:` takes everything and keeps nothing: for measuring."""
    if target:
        raise UsageError(f"null: has no target, and {target!r} was given")
    settings(_NoOptions, options, owner="sink null")
    return Null("null:")


@frozen
class _NoOptions:
    pass


@frozen
class JsonLines:
    """One JSON object a line. Files may be put one behind the other."""

    suffix: str = ".jsonl"
    appendable: bool = True

    def open(self, stream: PendingFile, schema: pa.Schema) -> FileWriter:
        return _Writer(stream)


@frozen
class _Writer:
    stream: PendingFile

    def write(self, batch: pa.RecordBatch) -> None:
        self.stream.write(FlowBatch.from_arrow(batch).to_jsonl())

    def buffered(self) -> int:
        return 0

    def flush(self) -> None:
        self.stream.flush()

    def close(self) -> None:
        self.stream.flush()


@define
class StandardOutput(Sink):
    """JSON lines on standard output."""

    name: str = "jsonl:-"
    resumable: bool = False

    def open(self, schema: pa.Schema, run: Run) -> None:
        if sys.stdout is None:
            raise PluginError("there is no standard output", plugin=self.name)
        self._stream: BinaryIO = sys.stdout.buffer

    def write(self, batch: pa.RecordBatch) -> None:
        with self._failing():
            self._stream.write(FlowBatch.from_arrow(batch).to_jsonl())

    def prepare(self) -> list[object]:
        with self._failing():
            self._stream.flush()
        return []

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Errors in our words; a reader that has gone is none, and ends the command quietly."""
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise PluginError(
                f"writing failed: {error.strerror or error}", plugin=self.name
            ) from error


@define
class Null(Sink):
    """Nothing is kept."""

    name: str

    def open(self, schema: pa.Schema, run: Run) -> None:
        pass

    def write(self, batch: pa.RecordBatch) -> None:
        pass
