"""Sinks and state together: writes, checkpoints, recovery. The steps are in `pipeline.py`'s
text."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import pyarrow as pa
from attrs import define, field

from vpcflow.errors import RejectedLine, UsageError, VpcflowError
from vpcflow.places import LostFile
from vpcflow.report import Run, RunReport
from vpcflow.sinks import Sink
from vpcflow.state import Covered, State

REJECTS = pa.schema(
    [
        ("source", pa.utf8()),
        ("line_number", pa.int64()),
        ("byte_offset", pa.int64()),
        ("reason", pa.utf8()),
        ("field", pa.utf8()),
        ("text", pa.utf8()),
    ]
)
DEAD_LETTERS = pa.schema(
    [("time", pa.utf8()), ("sink", pa.utf8()), ("reason", pa.utf8()), ("data", pa.utf8())]
)


@define(eq=False)
class Delivery:
    """What a run delivers to.

    sinks: of records, by name. rejects, dead_letters: where lines and refused records are set
    aside, or None. report: counted on, and stored with every checkpoint.
    """

    sinks: Mapping[str, Sink]
    state: State
    run: Run
    report: RunReport
    rejects: Sink | None = None
    dead_letters: Sink | None = None
    _covered: dict[str, Covered] = field(factory=dict, init=False)
    _prepared: dict[str, list[Any]] = field(factory=dict, init=False)
    _letters: deque[tuple[dict[str, Any], int]] = field(factory=deque, init=False)
    _written: bool = field(default=False, init=False)

    def _all(self) -> dict[str, Sink]:
        """Every sink by the name that its receipts are stored under. Those whose commit comes
        first are first; dead letters come after the sinks that they are from."""
        sinks = {f"to {name}": sink for name, sink in self.sinks.items()}
        if self.rejects is not None:
            sinks["rejects"] = self.rejects
        if self.dead_letters is not None:
            sinks["dead letters"] = self.dead_letters
        return sinks

    # ---- before the first batch ------------------------------------------------------------------

    def recover(self) -> None:
        """Finish the checkpoints that an earlier run stored: commit what it prepared. If some of it
        is gone, the rest is withdrawn and what the checkpoint covered will be read again."""
        sinks = self._all()
        for checkpoint in self.state.pending():
            unknown = [name for name in checkpoint.receipts if name not in sinks]
            if unknown:
                raise UsageError(
                    f"the state holds files of {unknown[0]!r} that wait to be published",
                    hint="run with the same --to, --rejects and --dead-letter as before",
                )
            try:
                for name, receipts in checkpoint.receipts.items():
                    sinks[name].commit(receipts)
            except LostFile:
                for name, receipts in checkpoint.receipts.items():
                    sinks[name].withdraw(receipts)
                self.state.undo(checkpoint)
            else:
                self.state.finish(checkpoint)

    def open(self, schema: pa.Schema) -> None:
        """Open every sink, and remove what earlier runs began and did not store."""
        for sink in self.sinks.values():
            sink.open(schema, self.run)
        if self.rejects is not None:
            self.rejects.open(REJECTS, self.run)
        if self.dead_letters is not None:
            self.dead_letters.open(DEAD_LETTERS, self.run)
        if self.run.resumable:
            for sink in self._all().values():
                sink.discard_leftovers()

    # ---- batches ---------------------------------------------------------------------------------

    def write(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows == 0:
            return
        self._written = True
        for name, sink in self.sinks.items():
            sink.write(batch)
            self.report.delivered[name] = self.report.delivered.get(name, 0) + batch.num_rows

    def reject(self, lines: Sequence[RejectedLine]) -> None:
        if self.rejects is None or not lines:
            return
        self._written = True
        rows = [
            attrs.asdict(line) | {"text": line.text.decode("utf-8", "backslashreplace")}
            for line in lines
        ]
        self.rejects.write(pa.RecordBatch.from_pylist(rows, schema=REJECTS))

    def dead_letter(self, letter: dict[str, Any], records: int) -> None:
        """What a sink's service has refused for good; called from any thread, and counted at the
        next checkpoint."""
        self._letters.append((letter, records))

    def cover(self, source: str, covered: Covered) -> None:
        """Everything of that source before `covered.line` has been written."""
        self._covered[source] = covered

    # ---- checkpoints -----------------------------------------------------------------------------

    @property
    def can_checkpoint(self) -> bool:
        """False while a target can be prepared only once, at the end."""
        return not any(sink.whole for sink in self._all().values())

    def due(self) -> bool:
        return any(sink.due() for sink in self._all().values()) and self.can_checkpoint

    def checkpoint(self) -> None:
        """All that was written is delivered when this returns, or it raises and the next run sees
        to it."""
        if not self._written and not self._covered:
            return
        sinks = self._all()
        for sink in sinks.values():
            if sink.delivery == "at-least-once":
                sink.commit(sink.prepare())
        self._flush_letters()
        for name, sink in sinks.items():
            if sink.delivery != "at-least-once":
                self._prepared[name] = list(sink.prepare())
        self._count_retries()
        self.report.checkpoints += 1
        stored = self.state.store(self._covered, attrs.asdict(self.report), self._prepared)
        self._covered = {}
        self._written = False
        for name, receipts in self._prepared.items():
            if receipts:
                sinks[name].commit(receipts)
        self._prepared = {}
        self.state.finish(stored)

    def _flush_letters(self) -> None:
        letters = []
        while self._letters:
            letter, records = self._letters.popleft()
            letters.append(letter)
            for counts, count in (
                (self.report.dead_letters, records),
                (self.report.delivered, -records),
            ):
                counts[letter["sink"]] = counts.get(letter["sink"], 0) + count
        if letters and self.dead_letters is not None:
            self.dead_letters.write(pa.RecordBatch.from_pylist(letters, schema=DEAD_LETTERS))

    def _count_retries(self) -> None:
        for counted, total in (
            (self.run.take_retries(), self.report.retries),
            (self.run.take_duplicates(), self.report.duplicates),
        ):
            for name, count in counted.items():
                total[name] = total.get(name, 0) + count

    # ---- the end ---------------------------------------------------------------------------------

    def close(self) -> None:
        for sink in self._all().values():
            sink.close()
        self._count_retries()

    def abort(self) -> None:
        """After an error: drop what was written and not prepared; and what was prepared, if no
        later run will see to it. A sink that fails at it does not keep the others from it."""
        for name, sink in self._all().items():
            try:
                sink.abort()
                if not self.run.resumable:
                    sink.withdraw(self._prepared.get(name, ()))
            except (VpcflowError, OSError):
                continue  # the error that brought us here is the one to tell


def report_of(stored: Mapping[str, Any] | None) -> RunReport:
    """A report as it was stored, to count on; a new one if there is none."""
    return RunReport(**stored) if stored else RunReport()


def as_json(report: RunReport) -> str:
    """The report for programs: one object on one line."""
    return json.dumps(attrs.asdict(report) | {"exit_code": report.exit_code})
