"""The sink for files in any format at any place: partitions, rolling, receipts.

A format is a `FileFormat`; a plugin makes a sink of it with `FileSink`. What is written, where it
lies and when it becomes visible is decided here, the same for all formats.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from attrs import define, field, frozen

from vpcflow.errors import PluginError, UsageError
from vpcflow.options import Age, Size, settings
from vpcflow.partitions import Partitioning
from vpcflow.places import LostFile, PendingFile, Place, Receipt
from vpcflow.sinks import Receipts, Sink

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from vpcflow.report import Run

MOST_OPEN = 64
MOST_PARTITIONS = 10_000
MOST_FINISHED = 10_000
"""Files that wait for a checkpoint: their receipts are stored in one piece."""
_MOST_BUFFERED = 32 << 20


class FileWriter(Protocol):
    """Writes one file."""

    def write(self, batch: pa.RecordBatch) -> None: ...

    def buffered(self) -> int:
        """Bytes in memory that `flush` would write out; about."""
        ...

    def flush(self) -> None:
        """Write out what is buffered (a row group, a block)."""
        ...

    def close(self) -> None:
        """Write what is left, and the file's end. The stream stays open."""
        ...


class FileFormat(Protocol):
    """How records become a file."""

    @property
    def suffix(self) -> str:
        """Of file names: ".parquet"."""
        ...

    @property
    def appendable(self) -> bool:
        """Whether files of this format may be put one behind the other and are one again."""
        ...

    def open(self, stream: PendingFile, schema: pa.Schema) -> FileWriter: ...


@frozen(kw_only=True)
class FileOptions:
    """Options of every file sink; formats add their own.

    size: a file is finished, and with it everything else that is open, when it has so many bytes.
    age: the same when its oldest record has waited so long. partition: columns, or of
    `year,month,day,hour,date` what `start` says in UTC; each makes a folder `column=value`.
    times: "timestamp", or "epoch" for whole seconds as integers, as AWS writes them.
    """

    size: Size = Size(128_000_000)  # noqa: RUF009 - a Size is an int
    age: Age = Age(600)  # noqa: RUF009 - and an Age a float
    partition: tuple[str, ...] = ()
    times: Literal["epoch", "timestamp"] = "timestamp"


O = TypeVar("O", bound=FileOptions)  # noqa: E741


@define
class _Open:
    """A file being written."""

    pending: PendingFile
    writer: FileWriter


@define(eq=False, slots=False)
class FileSink(Sink):
    """Files in one format below one place.

    place: where; made by `place_of` from the target. file_name: if the target is a single file.
    """

    name: str
    format: FileFormat
    options: FileOptions
    place: Place
    file_name: str | None = None
    _files: OrderedDict[str, _Open] = field(factory=OrderedDict, init=False)
    _finished: list[Receipt] = field(factory=list, init=False)
    _paths: set[str] = field(factory=set, init=False)
    _since: float | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.whole = self.file_name is not None and not self.format.appendable
        if self.file_name is not None and self.options.partition:
            raise UsageError(
                f"{self.name} is one file, and cannot be partitioned", hint="name a directory"
            )

    def open(self, schema: pa.Schema, run: Run) -> None:
        self._run = run
        self._partitioning = Partitioning(self.options.partition, schema)
        self._schema = _as_written(self._partitioning.schema, self.options.times)

    def write(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows == 0:
            return
        for path, part in self._partitioning.split(batch):
            file = self._file(path)
            if self.options.times == "epoch":
                part = _epoch(part, self._schema)
            self._guarded(file.writer.write, part)
        if self._since is None:
            self._since = time.monotonic()
        self._bound_memory()

    def due(self) -> bool:
        if self.whole or self._since is None:
            return False
        if time.monotonic() - self._since >= self.options.age:
            return True
        if len(self._finished) >= MOST_FINISHED:
            return True
        return (
            any(
                file.pending.tell() + file.writer.buffered() >= self.options.size
                for file in self._files.values()
            )
            or sum(receipt.size for receipt in self._finished) >= MOST_OPEN * self.options.size
        )

    def prepare(self) -> Receipts:
        while self._files:
            self._finish(next(iter(self._files)))
        receipts, self._finished = self._finished, []
        self._since = None
        return [receipt.as_json() for receipt in receipts]

    def commit(self, receipts: Receipts) -> None:
        prepared = [Receipt.from_json(receipt) for receipt in receipts]
        try:
            for receipt in prepared:
                self.place.publish(receipt)
        except LostFile:
            self.withdraw(receipts)
            raise

    def withdraw(self, receipts: Receipts) -> None:
        for receipt in receipts:
            self.place.abort(Receipt.from_json(receipt))

    def discard_leftovers(self) -> None:
        for receipt in self.place.unfinished(self._run.owner):
            self.place.abort(receipt)

    def abort(self) -> None:
        """One file that cannot be removed does not keep the others from it: the first error is
        raised at the end."""
        forget = [file.pending.abort for file in self._files.values()]
        forget += [partial(self.place.abort, receipt) for receipt in self._finished]
        self._files.clear()
        self._finished = []
        failed: PluginError | None = None
        for call in forget:
            try:
                call()
            except PluginError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    # ---- files -----------------------------------------------------------------------------------

    def _file(self, path: str) -> _Open:
        file = self._files.get(path)
        if file is not None:
            self._files.move_to_end(path)
            return file
        if len(self._files) >= MOST_OPEN:
            self._finish(next(iter(self._files)))
        if path not in self._paths and len(self._paths) >= MOST_PARTITIONS:
            raise PluginError(
                f"more than {MOST_PARTITIONS:,} partitions in one run",
                plugin=self.name,
                hint="partition by fewer columns, or by columns with fewer values",
            )
        self._paths.add(path)
        pending = self.place.create(self._name_in(path), self._run.owner)
        try:
            file = _Open(pending, self.format.open(pending, self._schema))
        except BaseException:
            pending.abort()
            raise
        self._files[path] = file
        return file

    def _name_in(self, path: str) -> str:
        if self.file_name is not None:
            return self.file_name
        run = self._run
        name = f"{run.owner}-{run.number:04}-{run.next_file():06}{self.format.suffix}"
        return f"{path}/{name}" if path else name

    def _finish(self, path: str) -> None:
        file = self._files[path]
        self._guarded(file.writer.close)
        self._finished.append(file.pending.prepare())
        del self._files[path]

    def _bound_memory(self) -> None:
        """What all writers buffer stays below a bound, whatever the number of partitions."""
        held = {path: file.writer.buffered() for path, file in self._files.items()}
        total = sum(held.values())
        for path in sorted(held, key=held.__getitem__, reverse=True):
            if total <= _MOST_BUFFERED:
                return
            self._guarded(self._files[path].writer.flush)
            total -= held[path]

    def _guarded(self, call: Any, *arguments: Any) -> None:
        """An OSError of the stream that the format did not expect, in our words."""
        try:
            call(*arguments)
        except OSError as error:
            raise PluginError(
                f"writing failed: {error.strerror or error}", plugin=self.name
            ) from error


def file_sink(
    kind: str, format: FileFormat, target: str, options: FileOptions, *, any_name: bool = False
) -> FileSink:
    """A sink of files at `target`: a local directory, a local file, or a URL of a registered place.

    kind: the sink's name, "parquet". A local target that is no directory, does not end in / and
    has the format's suffix (any_name: or another) is one file. Raises UsageError for a target that
    cannot be.
    """
    from vpcflow.targets import place_of

    suffix = "" if any_name else format.suffix
    place, file_name = place_of(kind, target, suffix, appendable=format.appendable)
    return FileSink(f"{kind}:{target}", format, options, place, file_name)


def options_of(cls: type[O], options: Mapping[str, str], kind: str) -> O:
    """The options of a file sink as an instance of its class; UsageError as `settings` raises."""
    return settings(cls, options, owner=f"sink {kind}")


# ---- times as AWS writes them --------------------------------------------------------------------


def _as_written(schema: pa.Schema, times: str) -> pa.Schema:
    import pyarrow as pa

    if times == "timestamp":
        return schema
    return pa.schema(
        [
            pa.field(column.name, pa.int64()) if pa.types.is_timestamp(column.type) else column
            for column in schema
        ]
    )


def _epoch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    columns = [
        column.cast(pa.timestamp("s", "UTC"), safe=False).cast(pa.int64())
        if pa.types.is_timestamp(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
