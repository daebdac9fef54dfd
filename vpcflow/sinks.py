"""Sinks: what a plugin writes to deliver records. Two-phase where the target can do it.

    open(schema, run) -> write(batch)* -> prepare() -> receipts -> commit(receipts) -> ... ->
    close()

The pipeline calls one sink from one thread at a time, in order. `prepare` and `commit` are called
whenever a checkpoint is due (a sink asks with `due`), and at the end; between them the pipeline
stores the receipts together with how far the sources have been read. After a crash a new sink gets
the stored receipts to `commit` (or `withdraw`) before its `open`: they must say all that it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

    from vpcflow.report import Run

Receipts = Sequence[Any]
"""JSON values; small: they are stored."""

Delivery = Literal["exactly-once", "at-least-once"]


class Sink:
    """Base of sinks. name: in reports, such as "parquet:out/"; set by whoever made the sink.

    delivery: "exactly-once": `prepare` makes what was written durable and not yet visible, `commit`
    makes it visible and may be repeated. "at-least-once": a service that cannot do that: `prepare`
    gives nothing, and `commit` returns when the service has acknowledged all that was written; the
    pipeline then calls it *before* it stores how far it has come.
    """

    name: str = ""
    delivery: Delivery = "exactly-once"
    resumable: bool = True
    """False for a target that cannot be checkpointed at all, such as standard output: `--state`
    refuses it."""
    whole: bool = False
    """True for a target that can be prepared only once, at the end: a single file in a format that
    cannot be appended to."""

    def open(self, schema: pa.Schema, run: Run) -> None:
        """Before the first batch. schema: of all batches; texts are utf8 (columns of enrichers also
        dictionary<int32, utf8>). Raises PluginError for a target that cannot be written."""
        raise NotImplementedError

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch. May block: that slows the reader down, and nothing piles up."""
        raise NotImplementedError

    def due(self) -> bool:
        """Whether the sink would like a checkpoint now, because of the size or age of what it has
        written and not prepared."""
        return False

    def prepare(self) -> Receipts:
        """Make all that was written durable, not visible; no file stays open."""
        return []

    def commit(self, receipts: Receipts) -> None:
        """Make it visible; after a crash possibly for the second time. May raise
        `places.LostFile`: then nothing of `receipts` stays visible, and their records come
        again."""

    def withdraw(self, receipts: Receipts) -> None:
        """Remove what `receipts` stand for, whether it was made visible or not: its records come
        again. Only after a crash, when another part of the same checkpoint was lost."""

    def discard_leftovers(self) -> None:
        """Remove what earlier runs of this state (`run.owner`) prepared or began without a stored
        receipt. Called after `open` and the commit of stored receipts, before the first write."""

    def close(self) -> None:
        """The run has ended well; everything has been committed."""

    def abort(self) -> None:
        """The run has failed: drop what was written and not prepared. What was prepared stays."""
