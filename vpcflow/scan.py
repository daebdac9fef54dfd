"""The reader: sources, containers and columns put together, several files at a time, in order.

Every file is read by one thread, which unwraps it block by block and decodes the blocks into
batches; a bounded number of them waits for the consumer, who gets them in the sources' order.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vpcflow import _native
from vpcflow.batch import FlowBatch
from vpcflow.columns import (
    HEADER,
    OK,
    Decoder,
    OnError,
    Settings,
    Text,
    format_at,
    schema_of,
)
from vpcflow.errors import ContainerError, FormatError
from vpcflow.fields import FIELDS, Field
from vpcflow.flow_format import FlowFormat, recognise
from vpcflow.lookahead import in_order
from vpcflow.stream import FlowStream, Progress
from vpcflow.where import Where

# sources and containers come with the first scan: `import vpcflow` is for those who parse, too
if TYPE_CHECKING:
    from vpcflow.containers import Lines
    from vpcflow.sources import SourceFile

BATCH_ROWS = 16_384
"""Records in a batch of a stream, about: enough to make its cost per batch vanish, few enough for
the batch to be in the cache when its consumer looks at it."""
_AHEAD_BYTES = 160 << 20
"""Of finished batches that wait for the consumer: more than half of the largest file that AWS
delivers (75 MB of gzip, about 260 MB of columns), so that two threads on such files never wait."""
_IDLE_BYTES = 48 << 20  # what a stream's pool keeps for its next batches
_MOST_THREADS = 8


class _Opened(NamedTuple):
    """A source whose first lines have been looked at."""

    lines: Lines
    format: FlowFormat | None
    known_by: str


class Scan:
    """One run over a list of sources."""

    def __init__(
        self, files: Sequence[SourceFile], settings: Settings, threads: int, progress: Progress
    ) -> None:
        self.files = files
        self.settings = settings
        self.threads = threads
        self.progress = progress
        self._opened: dict[int, _Opened] = {}
        self._pool = _native.pool(_IDLE_BYTES)
        self.schema = self._find_schema()

    # ---- the schema: from the first lines of the sources -----------------------------------------

    def _find_schema(self) -> tuple[Field, ...]:
        """Looks at the first lines of every source, or of one for each of AWS's flow logs, unless
        `format=` or `columns=` decide without."""
        settings = self.settings
        if settings.columns is not None or settings.format is not None:
            formats = [settings.format] if settings.format else []
            columns = (*(settings.columns or ()), *(c.column for c in settings.where))
            if _all_known(columns, formats):
                return schema_of(formats, settings)
        from vpcflow.sources import OpenFile, flow_log_id

        seen: dict[FlowFormat, None] = {}
        flow_logs: set[str] = set()
        for number, file in enumerate(self.files):
            flow_log = flow_log_id(file.name)
            if flow_log is not None and flow_log in flow_logs:
                continue
            opened = self._open(file)
            if opened.format is None:
                continue
            seen[opened.format] = None
            if flow_log is not None:
                flow_logs.add(flow_log)
            if len(self.files) == 1 or isinstance(file, OpenFile):
                self._opened[number] = opened
            else:
                opened.lines.close()
        return schema_of(seen, settings)

    def _open(self, file: SourceFile) -> _Opened:
        from vpcflow.containers import unwrap

        lines = unwrap(file.open(), source=file.name)
        try:
            return _Opened(lines, *self._format_of(lines, file.name))
        except BaseException:
            lines.close()
            raise

    def _format_of(self, lines: Lines, name: str) -> tuple[FlowFormat | None, str]:
        size = 1 << 16
        while True:
            head = lines.head(size)
            ended = len(head) < size
            if ended and lines.damaged:  # what is left of the line where the damage is says nothing
                head = head[: head.rfind(b"\n") + 1]
            found = format_at(head, ended, self.settings, name)
            if found is not None:
                return found
            size *= 8

    # ---- one file --------------------------------------------------------------------------------

    def read(self, number: int) -> Iterator[FlowBatch]:
        """The batches of one source. Raises what is wrong with it after what could be read."""
        file = self.files[number]
        opened = self._opened.pop(number, None) or self._open(file)
        try:
            if opened.format is not None:
                self._check(opened.format, file)
            decoder = self._decoder(opened.format, opened.known_by, file.name)
            yield from self._decode(decoder, opened.lines, file)
        finally:
            opened.lines.close()
            self.progress.file_done()

    def _decode(self, decoder: Decoder, lines: Lines, file: SourceFile) -> Iterator[FlowBatch]:
        damage = None
        read = 0
        try:
            for block in lines.in_place():
                start = 0
                while start < len(block):
                    status, taken = decoder.feed(block, start)
                    start += taken
                    if status == OK:
                        continue
                    yield decoder.take()
                    if status == HEADER:
                        decoder = self._next_decoder(decoder, file, bytes(block[start:]))
                self.progress.bytes_read(lines.bytes_in - read)
                read = lines.bytes_in
        except ContainerError as error:
            damage = error
        self.progress.bytes_read(lines.bytes_in - read)
        while status := decoder.finish(damaged=damage is not None):
            yield decoder.take()
            if status == HEADER:
                decoder = self._next_decoder(decoder, file, b"")
        yield decoder.take()
        if damage is not None:
            raise damage

    def _next_decoder(self, decoder: Decoder, file: SourceFile, rest: bytes) -> Decoder:
        """A header with other fields: the decoder for what follows, fed with what it has begun."""
        line = decoder.begun_and(rest)
        fmt, known_by = recognise([line], source=file.name, given=self.settings.format)
        assert fmt is not None  # the line is a header
        self._check(fmt, file)
        _, offset, number, begun = decoder.position()
        following = self._decoder(fmt, known_by, file.name, offset, number)
        following.feed(begun)
        return following

    def _decoder(
        self, fmt: FlowFormat | None, known_by: str, name: str, offset: int = 0, line: int = 1
    ) -> Decoder:
        return Decoder(
            format=fmt,
            format_source=known_by,
            schema=self.schema,
            settings=self.settings,
            source=name,
            pool=self._pool,
            max_rows=BATCH_ROWS,
            offset=offset,
            line=line,
        )

    def _check(self, fmt: FlowFormat, file: SourceFile) -> None:
        """A stream has one schema: with `columns=` other fields are left out, without it none may
        be new."""
        if self.settings.columns is not None:
            return
        have = {column.name for column in self.schema}
        new = [column.name for column in fmt.fields if column.name not in have]
        if new:
            both = [*(column.name for column in self.schema), *new]
            raise FormatError(
                f"field {new[0]!r} appears here for the first time, after the stream's columns "
                "were fixed by the first lines of its sources",
                source=file.name,
                hint=f"columns={both!r} takes both",
            )

    # ---- all files -------------------------------------------------------------------------------

    def batches(self) -> Iterator[FlowBatch | Exception]:
        """Batches of all sources in order; an exception stands where its source ended with it."""
        threads = min(self.threads, len(self.files))
        readers = [self._kept_errors(number) for number in range(len(self.files))]
        if threads > 1:
            return in_order(readers, threads=threads, cost=_cost, limit=_AHEAD_BYTES)
        return itertools.chain.from_iterable(readers)

    def _kept_errors(self, number: int) -> Iterator[FlowBatch | Exception]:
        try:
            yield from self.read(number)
        except Exception as error:  # handed to the consumer, who raises it
            yield error

    def close(self) -> None:
        """Close sources that were looked at and not read."""
        for opened in self._opened.values():
            opened.lines.close()
        self._opened.clear()


def _cost(item: FlowBatch | Exception) -> int:
    return item.nbytes if isinstance(item, FlowBatch) else 0


def _all_known(columns: Sequence[str], formats: Sequence[FlowFormat]) -> bool:
    known = {name for fmt in formats for name in fmt.names}
    return all(name in FIELDS or name in known for name in columns)


def default_threads() -> int:
    """The processors that this process may use, at most 8."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(available or 1, _MOST_THREADS)


def scan(
    *sources: object,
    format: FlowFormat | str | None = None,
    columns: Sequence[str] | None = None,
    where: Where | None = None,
    text: Text = "view",
    on_error: OnError = "collect",
    threads: int | None = None,
) -> FlowStream:
    """Flow logs of any size and wrapping, as a stream of batches in bounded memory.

    sources: paths, globs, directories (read recursively), "-" for standard input, bytes, binary
        file objects. What a file is (gzip, a CloudWatch or Firehose envelope, an export, plain
        text) is told by its content.
    threads: files read at a time; by default the processors there are, at most 8.
    The other arguments are those of `parse`.

    The schema is fixed at once: `columns=`, or the union of the formats found in the first lines of
    the sources. Raises InputError for sources that do not exist, FormatError for a format that
    cannot be known, UsageError for wrong arguments; while iterating also ContainerError for damaged
    sources, after their readable records.
    """
    from vpcflow.sources import resolve

    settings = Settings.of(format, columns, where, text, on_error)
    files = resolve(sources)
    sizes = [file.size for file in files]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    progress = Progress(files=len(files), bytes=total)
    run = Scan(files, settings, default_threads() if threads is None else threads, progress)
    return FlowStream(run.batches(), run.schema, text, progress=progress, on_close=run.close)
