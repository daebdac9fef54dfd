"""Enrichers: what a plugin writes to add columns. Two shapes; the engine is in `keyed.py`.

Enrichers get `pyarrow.RecordBatch`es with text as plain utf8, one at a time, in order, and only add
columns: they cannot change or drop records. One that raises stops the run with a PluginError that
names it and the batch's source, or gives nulls that are counted (`--on-enricher-error null`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pyarrow as pa

Key = Any
"""The value of a key column (str, int, datetime), or a tuple of them if there are several."""


class Enricher:
    """What both shapes share. name: in messages; by default what `--enrich` called it."""

    name: str = ""

    def bind(self, columns: Sequence[str]) -> None:
        """Called once, before anything else, with the names of the columns that batches will have
        (those of earlier enrichers included): the moment to choose `on`."""

    def close(self) -> None:
        """The run has ended, well or not."""


class KeyedEnricher(Enricher):
    """Looks something up for a key: an address, an interface, an address in a VPC.

    on: roles, and the columns of each one's key: `{"src": ("vpc_id", "srcaddr")}`. All roles are
        asked with the same kind of answer, and share one cache.
    adds: names of new columns, where `{role}` stands for the role, and their Arrow types:
        `{"{role}_country": "utf8"}`. Any of bool, int8 ... int64, uint8 ... uint32, float32,
        float64, utf8, "timestamp[ms, tz=UTC]", and "dictionary<int32, utf8>": for texts that repeat
        (names, countries), by far the fastest for everything behind.
    epochs: aware times, sorted, at which answers change (snapshots); usually none.

    Write `lookup`, or `lookup_many`. The engine asks for the distinct keys that it does not hold in
    its cache (a quarter of a million of the last used), so answers must depend on the key alone
    (and the epoch). Keys with a null are not asked, and a record without the key's columns gets
    nulls.
    """

    on: Mapping[str, tuple[str, ...]]
    adds: Mapping[str, str]
    epochs: Sequence[datetime] = ()
    cache: ClassVar[int] = 1 << 18
    """Keys whose answers are kept."""

    def lookup(self, key: Key, epoch: int = 0) -> tuple[Any, ...] | None:
        """The values for `adds`, in its order, for one key; None for nothing known.

        epoch: only passed if there are `epochs`: the position of the last one that is not after the
        record's `start`, or -1 before the first.
        """
        raise NotImplementedError(f"{type(self).__name__} has neither lookup nor lookup_many")

    def lookup_many(
        self, keys: Sequence[Key], epoch: int = 0
    ) -> Sequence[pa.Array | Sequence[Any]]:
        """The same for many distinct keys: for each of `adds`, in its order, an array or list as
        long as `keys`."""

        def ask(key: Key) -> tuple[Any, ...] | None:
            return self.lookup(key, epoch) if self.epochs else self.lookup(key)

        nothing = (None,) * len(self.adds)
        rows = [ask(key) or nothing for key in keys]
        for row in rows:
            if len(row) != len(self.adds):
                raise ValueError(
                    f"lookup gave {len(row)} values, and adds names {len(self.adds)}: {row!r}"
                )
        return [list(column) for column in zip(*rows, strict=True)] if rows else []


class BatchEnricher(Enricher):
    """Computes columns from whole batches."""

    adds: Mapping[str, str]
    """Names and Arrow types of the new columns, as for `KeyedEnricher` (there is no `{role}`)."""

    def enrich(self, batch: pa.RecordBatch) -> Mapping[str, pa.Array]:
        """The new columns alone, each as long as the batch."""
        raise NotImplementedError
