"""The reader: sources, containers and columns put together, several files at a time, in order.

Every file is read by one thread, which unwraps it block by block and decodes the blocks into
batches (`reading.py`); a bounded number of them waits for the consumer, who gets them in the
sources' order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from vpcflow import _native
from vpcflow.batch import FlowBatch
from vpcflow.columns import OnError, Settings, Text, schema_of
from vpcflow.errors import InputError
from vpcflow.fields import FIELDS, Field
from vpcflow.flow_format import FlowFormat
from vpcflow.lookahead import in_order
from vpcflow.reading import Opened, Position, Target, open_source
from vpcflow.selection import EVERYTHING, Selection
from vpcflow.stream import FlowStream, Progress
from vpcflow.where import Condition, Where

# sources and containers come with the first scan: `import vpcflow` is for those who parse, too
if TYPE_CHECKING:
    from vpcflow.containers.contract import ColumnContainer, LineContainer
    from vpcflow.sources import Source, SourceFile

BATCH_ROWS = 16_384
"""Records in a batch of a stream, about: enough to make its cost per batch vanish, few enough for
the batch to be in the cache when its consumer looks at it."""
_AHEAD_BYTES = 160 << 20
"""Of finished batches that wait for the consumer: more than half of the largest file that AWS
delivers (75 MB of gzip, about 260 MB of columns), so that two threads on such files never wait."""
_IDLE_BYTES = 48 << 20  # what a stream's pool keeps for its next batches
_MOST_THREADS = 8
_FAR = 10**14  # milliseconds: beyond the year 5000 a bound is none


class Scan:
    """One run over a list of sources. schema: of all its batches.

    known: columns that the schema has before those that the sources add. tolerant: a source that
    cannot be looked at is left out of the schema, and its error to whoever reads it, unless all are
    so; one that breaks off will be read on.
    """

    def __init__(
        self,
        files: Sequence[SourceFile],
        settings: Settings,
        threads: int,
        progress: Progress,
        *,
        known: Sequence[Field] = (),
        tolerant: bool = False,
    ) -> None:
        self.files = files
        self.settings = settings
        self.threads = threads
        self.progress = progress
        self._opened: dict[int, Opened] = {}
        try:
            self.schema = self._find_schema(known, tolerant)
        except BaseException:
            self.close()
            raise
        pool = _native.pool(_IDLE_BYTES)
        self._target = Target(self.schema, settings, pool, progress, BATCH_ROWS, goes_on=tolerant)

    # ---- the schema: from the first lines of the sources -----------------------------------------

    def _find_schema(self, known: Sequence[Field], tolerant: bool) -> tuple[Field, ...]:
        """Looks at the first lines of every source, or of one for each of AWS's flow logs, unless
        `format=` or `columns=` decide without."""
        settings = self.settings
        if settings.columns is not None or settings.format is not None:
            formats = [settings.format] if settings.format else []
            columns = (*(settings.columns or ()), *(c.column for c in settings.where))
            if _all_known(columns, formats):
                return schema_of(formats, settings)
        from vpcflow.sources import OpenFile, flow_log_id

        seen: dict[FlowFormat, None] = {FlowFormat(tuple(known)): None} if known else {}
        errors: list[InputError] = []
        flow_logs: set[str] = set()
        for number, file in enumerate(self.files):
            flow_log = flow_log_id(file.name)
            if flow_log is not None and flow_log in flow_logs:
                continue
            stated: FlowFormat | None = getattr(file, "format", None)
            if stated is not None:
                seen[stated] = None
                continue
            try:
                opened = open_source(file, settings, plugin_containers)
            except InputError as error:
                if not tolerant:
                    raise
                errors.append(error)
                continue
            if opened.format is not None:
                seen[opened.format] = None
                if flow_log is not None:
                    flow_logs.add(flow_log)
            if len(self.files) == 1 or isinstance(file, OpenFile):
                self._opened[number] = opened
            else:
                opened.close()
        if errors and not seen:
            raise errors[0]
        return schema_of(seen, settings)

    # ---- one file --------------------------------------------------------------------------------

    def read(self, number: int, at: Position | None = None) -> Iterator[FlowBatch]:
        """The batches of one source, from a position on. Raises what is wrong with it after what
        could be read."""
        opened = self._opened.pop(number, None) or open_source(
            self.files[number], self.settings, plugin_containers
        )
        try:
            yield from opened.batches(self._target, at or Position())
        finally:
            opened.close()
            self.progress.file_done()

    # ---- all files -------------------------------------------------------------------------------

    def batches(self) -> Iterator[FlowBatch | Exception]:
        """Batches of all sources in order; an exception stands where its source ended with it."""
        threads = min(self.threads, len(self.files))
        readers = [self._kept_errors(number) for number in range(len(self.files))]
        if threads > 1:
            return in_order(readers, threads=threads, cost=_cost, limit=_AHEAD_BYTES)
        return _one_by_one(readers)

    def _kept_errors(self, number: int) -> Iterator[FlowBatch | Exception]:
        try:
            yield from self.read(number)
        except Exception as error:  # handed to the consumer, who raises it
            yield error

    def close(self) -> None:
        """Close sources that were looked at and not read."""
        for opened in self._opened.values():
            opened.close()
        self._opened.clear()


def _one_by_one(
    readers: Sequence[Iterator[FlowBatch | Exception]],
) -> Iterator[FlowBatch | Exception]:
    """All items; closing it closes the reader that it is at (itertools.chain would not)."""
    for reader in readers:
        yield from reader


def _cost(item: FlowBatch | Exception) -> int:
    return item.nbytes if isinstance(item, FlowBatch) else 0


def _all_known(columns: Sequence[str], formats: Sequence[FlowFormat]) -> bool:
    known = {name for fmt in formats for name in fmt.names}
    return all(name in FIELDS or name in known for name in columns)


def plugin_source(scheme: str) -> Source:
    """What a plugin has registered for a scheme. Raises UsageError."""
    from vpcflow.plugins import plugins

    made: Source = plugins().sources.find(scheme).thing()
    return made


def plugin_containers() -> Iterator[tuple[str, LineContainer | ColumnContainer]]:
    """The containers that plugins have registered, by name."""
    from vpcflow.plugins import plugins

    for name, entry in plugins().containers.items():
        yield name, entry.thing()


def selection_of(where: Sequence[Condition]) -> Selection:
    """What the condition on `start`, if it is one range, leaves of the files."""
    from datetime import UTC, datetime

    for condition in where:
        if condition.column == "start" and len(condition.alternatives) == 1:
            low, high = cast("tuple[int, int]", condition.alternatives[0])
            bounds = [
                datetime.fromtimestamp(ms / 1000, UTC) if 0 < ms < _FAR else None
                for ms in (low, high + 1)
            ]
            return Selection(since=bounds[0], until=bounds[1])
    return EVERYTHING


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
        file objects, URLs of schemes that plugins have registered. What a file is (gzip, a
        CloudWatch or Firehose envelope, an export, plain text) is told by its content.
    threads: files read at a time; by default the processors there are, at most 8.
    The other arguments are those of `parse`.

    The schema is fixed at once: `columns=`, or the union of the formats found in the first lines of
    the sources. Raises InputError for sources that do not exist, FormatError for a format that
    cannot be known, UsageError for wrong arguments; while iterating also ContainerError for damaged
    sources, after their readable records.
    """
    from vpcflow.sources import resolve

    settings = Settings.of(format, columns, where, text, on_error)
    files = resolve(sources, find=plugin_source, selection=selection_of(settings.where))
    sizes = [file.size for file in files]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    progress = Progress(files=len(files), bytes=total)
    run = Scan(files, settings, default_threads() if threads is None else threads, progress)
    return FlowStream(run.batches(), run.schema, text, progress=progress, on_close=run.close)
