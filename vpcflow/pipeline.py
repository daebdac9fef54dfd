"""sources -> enrichers -> sinks: the module that knows every stage, and delivers without loss.

A checkpoint goes through these steps, and a crash between any two of them loses nothing:

1. Sinks that cannot prepare (at least once) send what they hold and wait for the acknowledgement.
2. All others prepare: what was written is durable, and not visible.
3. The state stores, in one transaction, their receipts, how far each source has been read, and what
   was counted.
4. They commit: what was prepared becomes visible. The state marks the checkpoint as finished.

Before 3, a crash leaves files without a receipt, which the next run removes; records are read
again. After 3, the next run commits the stored receipts before it reads anything.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import Any, Literal

import attrs
import pyarrow as pa
from attrs import define, field, frozen

from vpcflow.batch import FlowBatch
from vpcflow.columns import Settings
from vpcflow.delivery import Delivery, report_of
from vpcflow.enrich import Enricher
from vpcflow.enriching import Enrichment, close_all
from vpcflow.errors import ContainerError, InputError, UsageError
from vpcflow.fields import FIELDS, Field, text_field
from vpcflow.file_sink import FileOptions, file_sink
from vpcflow.flow_format import FlowFormat
from vpcflow.jsonl import JsonLines
from vpcflow.lookahead import in_order
from vpcflow.making import enricher_of, sink_of
from vpcflow.plugins import plugins
from vpcflow.reading import Position
from vpcflow.report import Run, RunReport
from vpcflow.scan import Scan, default_threads, plugin_source
from vpcflow.selection import Selection
from vpcflow.sinks import Sink
from vpcflow.sources import BytesFile, LocalFile, OpenFile, SourceFile, resolve
from vpcflow.state import DAMAGED, DONE, OPEN, Covered, State, version_of
from vpcflow.stream import FlowSchema, Progress
from vpcflow.where import Where

_AHEAD_BYTES = 16 << 20
"""Of batches that wait for the sinks: enough to keep readers busy during a checkpoint's beginning,
little beside what sinks hold."""


@frozen
class _Ended:
    """A source has been read to its end, or to what is wrong with it."""

    error: Exception | None


def _texts(values: Sequence[str] | str) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)


@define(kw_only=True)
class Pipeline:
    """Reads sources, enriches their records, and delivers them. The same settings as `vpcflow run`.

    sources: as for `vpcflow.scan`. to: sinks, as text ("parquet:out/") or made. enrich: enrichers,
    as text ("geoip=City.mmdb") or made, in order. format, columns, where: as for `vpcflow.scan`.
    since, until: aware; records that start at `since` or later, before `until`; files outside are
    not opened. accounts, regions, flow_logs: only files that AWS named so.
    state: path of the file that remembers what was delivered; without it, a run that is killed
    starts from the beginning. rejects, dead_letter: files (appended to) for lines that are no
    records, and for what a service refused. on_enricher_error: "fail", or "null" for null columns.
    threads: files read at a time. max_rejects: a number, or "5%" of all lines; more of them, and
    the report's exit code is 3.
    """

    sources: Sequence[object]
    to: Sequence[str | Sink]
    enrich: Sequence[str | Enricher] = ()
    format: FlowFormat | str | None = None
    columns: Sequence[str] | None = None
    where: Where | None = None
    since: datetime | None = None
    until: datetime | None = None
    accounts: Sequence[str] = field(default=(), converter=_texts)
    regions: Sequence[str] = field(default=(), converter=_texts)
    flow_logs: Sequence[str] = field(default=(), converter=_texts)
    state: str | os.PathLike[str] | None = None
    rejects: str | os.PathLike[str] | None = None
    dead_letter: str | os.PathLike[str] | None = None
    on_enricher_error: Literal["fail", "null"] = "fail"
    threads: int | None = None
    max_rejects: int | str | None = None
    progress: Progress = field(init=False, factory=lambda: Progress(files=0, bytes=None))
    report: RunReport = field(init=False, factory=RunReport)
    _stop: threading.Event = field(init=False, factory=threading.Event, repr=False)

    def stop(self) -> None:
        """Finish a checkpoint and end the run, as SIGINT does; from any thread."""
        self._stop.set()

    def run(self) -> RunReport:
        """Deliver. Raises UsageError, InputError (if nothing can be read at all) or PluginError (a
        sink or enricher failed; with a state, the next run goes on where this one was). A source
        that is damaged or cannot be read is in the report, and the others are delivered."""
        settings = self._settings()
        allowed = _allowed(self.max_rejects)
        sinks = self._sinks()
        enrichers = self._enrichers()
        state = State.open(None if self.state is None else os.fspath(self.state), self.described())
        try:
            return self._deliver(state, settings, sinks, enrichers, allowed)
        finally:
            state.close()

    # ---- settings --------------------------------------------------------------------------------

    def described(self) -> dict[str, Any]:
        """What makes this delivery another one, as JSON values: a state is bound to it. Sources may
        come and go."""
        return {
            "to": [to if isinstance(to, str) else to.name for to in self.to],
            "enrich": [e if isinstance(e, str) else e.name for e in self.enrich],
            "format": None if self.format is None else str(self.format),
            "columns": None if self.columns is None else list(self.columns),
            "where": _jsonable(self.where),
            "since": _jsonable(self.since),
            "until": _jsonable(self.until),
            "on_enricher_error": self.on_enricher_error,
            "rejects": _jsonable(self.rejects),
            "dead_letter": _jsonable(self.dead_letter),
        }

    def _settings(self) -> Settings:
        where = dict(self.where or {})
        if self.since is not None or self.until is not None:
            if "start" in where:
                raise UsageError("where= has a condition on start, and since= or until= another")
            where["start"] = (self.since, self.until)
        return Settings.of(self.format, self.columns, where or None, "utf8", "collect")

    def _sinks(self) -> dict[str, Sink]:
        if not self.to:
            raise UsageError(
                "no target was given", hint="such as --to parquet:out/ or --to jsonl:-"
            )
        sinks: dict[str, Sink] = {}
        for given in self.to:
            sink = given if isinstance(given, Sink) else sink_of(given)
            if sink.name in sinks:
                raise UsageError(f"the target {sink.name} is given twice")
            if self.state is not None and not sink.resumable:
                raise UsageError(
                    f"{sink.name} cannot go with a state: what was written there is gone",
                    hint="write to files, or leave --state out",
                )
            sinks[sink.name] = sink
        return sinks

    def _enrichers(self) -> list[Enricher]:
        made: list[Enricher] = []
        for given in self.enrich:
            made += [given] if isinstance(given, Enricher) else enricher_of(given)
        return made

    def _files(self) -> list[SourceFile]:
        selection = Selection(
            self.accounts, self.regions, self.flow_logs, since=self.since, until=self.until
        )
        files: dict[str, SourceFile] = {}
        for file in resolve(self.sources, find=plugin_source, selection=selection):
            if self.state is not None and isinstance(file, BytesFile | OpenFile):
                raise UsageError(
                    f"{file.name} cannot go with a state: it could not be read again",
                    hint="name files, or leave --state out",
                )
            files.setdefault(_key(file), file)
        return list(files.values())

    # ---- the run ---------------------------------------------------------------------------------

    def _deliver(
        self,
        state: State,
        settings: Settings,
        sinks: Mapping[str, Sink],
        enrichers: Sequence[Enricher],
        allowed: tuple[float, bool] | None,
    ) -> RunReport:
        began = time.monotonic()
        run = Run(state.owner, state.number, self.state is not None, settings=self.described())
        delivery = Delivery(
            sinks, state, run, RunReport(), _side(self.rejects), _side(self.dead_letter)
        )
        run.on_dead_letter = delivery.dead_letter if self.dead_letter is not None else None
        delivery.recover()
        self.report = delivery.report = report_of(state.fact("report"))
        began -= self.report.seconds
        scan = None
        started = False
        try:
            files, positions = self._to_read(state)
            scan = self._scan(files, settings, state)
            # where nothing is read, any column may be spoken of
            schema = pa.schema(FlowSchema(scan.schema or tuple(FIELDS.values()), "utf8"))
            enrichment = Enrichment(enrichers, schema, on_error=self.on_enricher_error)
            delivery.open(enrichment.schema)
            started = True
            plugins().run_started(run)
            with self._interruptible():
                self._pump(scan, positions, enrichment, delivery, began)
                self.report.seconds = time.monotonic() - began
                self.report.interrupted = self._stop.is_set()
                delivery.checkpoint()
                delivery.close()
            if not self.report.interrupted:
                state.keep("report", None)  # the next run begins to count anew
        except BaseException as error:
            self.report.error = str(error) or type(error).__name__
            delivery.abort()
            raise
        finally:
            if scan is not None:
                scan.close()
            self.report.seconds = time.monotonic() - began
            self._judge(allowed)
            if started:
                plugins().run_finished(self.report)
            close_all(enrichers)
        return self.report

    def _judge(self, allowed: tuple[float, bool] | None) -> None:
        """Whether more lines were rejected than is allowed."""
        if allowed is not None:
            limit, relative = allowed
            most = limit * self.report.counts["lines"] if relative else limit
            self.report.too_many_rejected = self.report.counts["rejected"] > most

    def _to_read(self, state: State) -> tuple[list[SourceFile], list[Position]]:
        """The sources that are not delivered yet, and where each goes on."""
        report = self.report
        files = self._files()
        reading, positions, done = [], [], 0
        report.damaged = {}
        for file in files:
            covered = state.covered.get(_key(file))
            same = covered is not None and covered.version == version_of(file)
            if covered is not None and same and covered.status != OPEN:
                done += 1
                if covered.status == DAMAGED:
                    report.damaged[file.name] = covered.reason
                continue
            reading.append(file)
            goes_on = covered is not None and (same or covered.status == DAMAGED)
            positions.append(_position(covered) if covered and goes_on else Position())
        report.files = len(files)
        report.files_done = done
        return reading, positions

    def _scan(self, files: Sequence[SourceFile], settings: Settings, state: State) -> Scan:
        sizes = [file.size for file in files]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        self.progress = Progress(files=len(files), bytes=total)
        ahead = Progress(files=len(files), bytes=total)  # of the readers, who run ahead
        known = [_field(name) for name in state.fact("columns") or ()]
        threads = default_threads() if self.threads is None else self.threads
        scan = Scan(files, settings, threads, ahead, known=known, tolerant=True)
        names = [column.aws_name for column in scan.schema]
        if settings.columns is not None:  # what is only filtered by has to be known again, too
            have = {column.name for column in scan.schema}
            names += [c.column for c in settings.where if c.column not in have]
        if names != state.fact("columns"):
            state.keep("columns", names)
        return scan

    def _pump(
        self,
        scan: Scan,
        positions: Sequence[Position],
        enrichment: Enrichment,
        delivery: Delivery,
        began: float,
    ) -> None:
        """Everything, batch by batch, with checkpoints when they are due."""
        readers = [_reading(scan, number, at) for number, at in enumerate(positions)]
        threads = max(1, min(scan.threads, len(readers)))
        batches = in_order(
            readers, threads=threads, cost=_cost, limit=_AHEAD_BYTES, stopped=self._stop.is_set
        )
        last = list(positions)
        errors = self.report.enricher_errors
        self.progress.bytes_read(sum(at.bytes for at in positions))
        try:
            for number, item in batches:
                file = scan.files[number]
                if isinstance(item, FlowBatch):
                    last[number] = self._take(item, last[number], enrichment, delivery)
                    delivery.cover(_key(file), _covered(file, last[number], OPEN))
                else:
                    self._ended(file, item.error, last[number], delivery)
                self.report.enricher_errors = errors | {
                    name: errors.get(name, 0) + count for name, count in enrichment.errors.items()
                }
                if delivery.due():
                    self.report.seconds = time.monotonic() - began
                    delivery.checkpoint()
                if self._stop.is_set():
                    return
        finally:
            batches.close()

    def _take(
        self, batch: FlowBatch, at: Position, enrichment: Enrichment, delivery: Delivery
    ) -> Position:
        """Deliver a batch that begins at a position; where its source goes on."""
        report = self.report
        for name, count in batch.counts.items():
            report.counts[name] += count
        for reason, count in batch.rejected_by_reason.items():
            report.rejected_by_reason[reason] = report.rejected_by_reason.get(reason, 0) + count
        if batch.format is not None:
            report.formats.setdefault(str(batch.format), batch.format_source)
        if len(batch):
            delivery.write(enrichment.apply(pa.record_batch(batch), batch.source))
        delivery.reject(batch.all_rejected)
        read = self._count_bytes(at, batch.bytes_in)
        if batch.format is None:
            return Position(
                bytes=read
            )  # no line has been read yet: should there be any, all are new
        line = batch.next_line
        if batch.all_rejected and batch.all_rejected[-1].reason == "truncated":
            line = batch.all_rejected[-1].line_number  # should the source be mended, it is whole
        return Position(line, batch.format, batch.format_source, read)

    def _count_bytes(self, at: Position, read: int) -> int:
        """Count what was read of a source since a position; how much that is in all. On the way to
        the position it is read again, which does not count."""
        new = max(0, read - at.bytes)
        self.report.bytes_in += new
        self.progress.bytes_read(new)
        return at.bytes + new

    def _ended(
        self, file: SourceFile, error: Exception | None, at: Position, delivery: Delivery
    ) -> None:
        self.progress.file_done()
        if error is None:
            self._count_bytes(at, file.size or 0)
            self.report.files_done += 1
            delivery.cover(_key(file), _covered(file, at, DONE))
            return
        if not isinstance(error, InputError):
            raise error
        self.report.damaged[file.name] = str(error)
        damaged = isinstance(error, ContainerError) and error.container != "stream"
        # a source that could not be read on (a network, a permission) is tried again by the next
        # run
        status = DAMAGED if damaged else OPEN
        delivery.cover(_key(file), attrs.evolve(_covered(file, at, status), reason=str(error)))

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """SIGINT ends the run after a checkpoint; a second one at once. Only in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def interrupt(number: int, frame: FrameType | None) -> None:
            signal.signal(signal.SIGINT, before)
            self._stop.set()

        signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


# ---- details -------------------------------------------------------------------------------------


def _reading(scan: Scan, number: int, at: Position) -> Iterator[tuple[int, FlowBatch | _Ended]]:
    """Run by a thread of its own. It only reads: hashing keys here, too, made whole runs slower,
    since reading is what they wait for."""
    try:
        for batch in scan.read(number, at):
            yield number, batch
        yield number, _Ended(None)
    except Exception as error:  # handed to the consumer, who decides
        yield number, _Ended(error)


def _cost(item: tuple[int, FlowBatch | _Ended]) -> int:
    return item[1].nbytes if isinstance(item[1], FlowBatch) else 0


def _key(file: SourceFile) -> str:
    """A file is the same however its path is spelt, and from wherever the run is started."""
    return os.path.abspath(file.name) if isinstance(file, LocalFile) else file.name


def _covered(file: SourceFile, at: Position, status: str) -> Covered:
    fmt = "" if at.format is None else str(at.format)
    return Covered(version_of(file), at.line, fmt, at.known_by, status, bytes=at.bytes)


def _position(covered: Covered) -> Position:
    fmt = FlowFormat.parse(covered.format, unknown="text") if covered.format else None
    return Position(covered.line, fmt, covered.known_by, covered.bytes)


def _field(aws_name: str) -> Field:
    return FIELDS.get(aws_name.replace("-", "_")) or text_field(aws_name)


def _side(path: str | os.PathLike[str] | None) -> Sink | None:
    """Rejected lines and dead letters: JSON lines, under the same protocol as everything else."""
    if path is None:
        return None
    return file_sink("jsonl", JsonLines(), os.fspath(path), FileOptions(), any_name=True)


def _jsonable(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _jsonable(item) for name, item in value.items()}
    if isinstance(value, set | frozenset):  # in an order that is the same in every process
        return sorted(map(_jsonable, value), key=repr)
    if isinstance(value, list | tuple | range):
        return [_jsonable(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _allowed(limit: int | str | None) -> tuple[float, bool] | None:
    """(number, False), or (fraction of all lines, True)."""
    if limit is None:
        return None
    text = str(limit).strip()
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = -1.0
    relative = text.endswith("%")
    if not number >= 0 or (relative and number > 100) or (not relative and number % 1):
        raise UsageError(
            f"max_rejects={limit!r} is not a number of lines or a percentage",
            hint="as in 1000 or 0.5%",
        )
    return (number / 100, True) if relative else (number, False)
