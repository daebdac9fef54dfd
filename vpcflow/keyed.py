"""The engine behind `KeyedEnricher`: distinct keys, a cache of answers, and columns gathered from
it.

Every key that was asked has a number (the kernel's key set finds it), and every added column a
table that holds the answer by number. So a batch costs one look-up in the set for each record and
role, and one gather for each column; Python runs for new keys only. When the cache is full, the
half of the keys that was not used for longest is forgotten.
"""

from __future__ import annotations

import secrets
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from vpcflow import _native
from vpcflow.enrich import Key, KeyedEnricher
from vpcflow.errors import PluginError, nearest

if TYPE_CHECKING:
    from typing_extensions import CapsuleType

_DICTIONARY = "dictionary<int32, utf8>"
_TYPES: Mapping[str, pa.DataType] = {
    **{name: pa.type_for_alias(name) for name in ("bool", "utf8", "float32", "float64")},
    **{
        f"{sign}int{bits}": pa.type_for_alias(f"{sign}int{bits}")
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
    "timestamp[ms, tz=UTC]": pa.timestamp("ms", "UTC"),
    _DICTIONARY: pa.dictionary(pa.int32(), pa.utf8()),
}


def arrow_type(name: str, column: str, plugin: str) -> pa.DataType:
    """The type that `adds` names. Raises PluginError for one that it may not name."""
    compact = {known.replace(" ", ""): type_ for known, type_ in _TYPES.items()}
    found = compact.get(name.replace(" ", ""))
    if found is None:
        close = nearest(name, _TYPES)
        raise PluginError(
            f"adds: {column} has the type {name!r}, which is not one of {', '.join(_TYPES)}",
            plugin=plugin,
            hint=f"did you mean {close!r}?" if close else None,
        )
    return found


class KeyedEngine:
    """Runs one KeyedEnricher. fields: the columns that it adds, in order. keyed: by how many of
    the enricher's roles the batches can be asked (the others give nulls)."""

    def __init__(self, enricher: KeyedEnricher, columns: Sequence[str], name: str) -> None:
        self.enricher = enricher
        self.name = name
        self._types = [arrow_type(t, column, name) for column, t in enricher.adds.items()]
        self._roles = list(enricher.on.items())
        self.fields = [
            pa.field(column.replace("{role}", role), type_)
            for role, _ in self._roles
            for column, type_ in zip(enricher.adds, self._types, strict=True)
        ]
        self._answerable = [set(key) <= set(columns) for _, key in self._roles]
        if not self._roles or not all(key for _, key in self._roles):
            raise PluginError("on names no role, or a role without a column", plugin=name)
        if "start" not in columns and enricher.epochs:
            self._answerable = [False] * len(self._roles)
        self._epochs = [_milliseconds(moment, name) for moment in enricher.epochs]
        self._keys: CapsuleType = _native.keys(secrets.randbits(64))
        self._tables = [_table(type_) for type_ in self._types]

    def columns(self, batch: pa.RecordBatch) -> list[pa.Array]:
        """The columns of `fields` for a batch. Raises whatever the enricher raises, and PluginError
        for answers that are not what it promised."""
        epochs = self._epoch_of(batch) if self._epochs and any(self._answerable) else None
        columns = []
        for (_, key), answerable in zip(self._roles, self._answerable, strict=True):
            if answerable:
                columns += self._role(batch.select(list(key)), epochs)
            else:
                columns += [pa.nulls(batch.num_rows, type_) for type_ in self._types]
        self._bound_cache()
        return columns

    def _role(self, keys: pa.RecordBatch, epochs: pa.Array | None) -> list[pa.Array]:
        asked = keys if epochs is None else keys.append_column("epoch", epochs)
        handle = _native.import_batch(*asked.__arrow_c_array__())
        codes, new_rows = _native.encode(self._keys, handle)
        if new_rows:
            rows = pa.Array.from_buffers(
                pa.int32(), len(new_rows) // 4, [None, pa.py_buffer(new_rows)]
            )
            try:
                self._ask(asked.take(rows), epochs is not None)
            except BaseException:
                self._forget_all()  # the set knows keys now whose answers the tables do not
                raise
        return [table.gather(codes, keys.num_rows) for table in self._tables]

    def _ask(self, new: pa.RecordBatch, with_epoch: bool) -> None:
        """Put the answers for new keys behind those that the tables hold."""
        columns = [column.to_pylist() for column in new.columns]
        epochs = columns.pop() if with_epoch else None
        keys: list[Key] = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
        if epochs is None:
            self._append(self.enricher.lookup_many(keys), len(keys))
            return
        begin = 0  # keys of one epoch stand together, mostly: one question for each run of them
        while begin < len(keys):
            end = begin + 1
            while end < len(keys) and epochs[end] == epochs[begin]:
                end += 1
            answers = self.enricher.lookup_many(keys[begin:end], epochs[begin])
            self._append(answers, end - begin)
            begin = end

    def _append(self, answers: Sequence[Any], count: int) -> None:
        if len(answers) != len(self._types):
            raise PluginError(
                f"lookup_many gave {len(answers)} columns, and adds names {len(self._types)}",
                plugin=self.name,
            )
        arrays = [
            _as_array(values, type_, column, self.name)
            for values, type_, column in zip(answers, self._types, self.enricher.adds, strict=True)
        ]
        for array, column in zip(arrays, self.enricher.adds, strict=True):
            if len(array) != count:
                raise PluginError(
                    f"lookup_many gave {len(array)} values of {column} for {count} keys",
                    plugin=self.name,
                )
        for table, array in zip(self._tables, arrays, strict=True):
            table.append(array)

    def _epoch_of(self, batch: pa.RecordBatch) -> pa.Array:
        """For each record the position of the last epoch that is not after its `start`, else -1;
        the last one where it has no start."""
        start = batch.column("start").cast(pa.int64())
        last = len(self._epochs) - 1
        bounds = pc.min_max(start)
        low, high = bounds["min"].as_py(), bounds["max"].as_py()
        if low is None:
            return pa.repeat(pa.scalar(last, pa.int32()), batch.num_rows)
        first, end = (bisect_right(self._epochs, moment) - 1 for moment in (low, high))
        if first == end:
            epochs = pa.repeat(pa.scalar(first, pa.int32()), batch.num_rows)
            return epochs if not start.null_count else pc.if_else(start.is_null(), last, epochs)
        epochs = pa.repeat(pa.scalar(first, pa.int32()), batch.num_rows)
        for number in range(first + 1, end + 1):
            reached = pc.fill_null(pc.greater_equal(start, self._epochs[number]), False)
            epochs = pc.if_else(reached, pa.scalar(number, pa.int32()), epochs)
        return pc.if_else(start.is_null(), pa.scalar(last, pa.int32()), epochs)

    def _bound_cache(self) -> None:
        if _native.key_count(self._keys) <= self.enricher.cache:
            return
        kept = _native.forget(self._keys)
        for table in self._tables:
            table.keep(kept)

    def _forget_all(self) -> None:
        self._keys = _native.keys(secrets.randbits(64))
        self._tables = [_table(type_) for type_ in self._types]


# ---- tables: the answers by number of the key ----------------------------------------------------


class _DictionaryTable:
    """Repeating texts: for each key the number of its text."""

    def __init__(self) -> None:
        self._texts = _native.keys(secrets.randbits(64))
        self._values = pa.array([], pa.utf8())
        self._numbers = bytearray()

    def append(self, array: pa.Array) -> None:
        plain = array.cast(pa.utf8()) if pa.types.is_dictionary(array.type) else array
        batch = pa.record_batch([plain], names=["text"])
        numbers, new = _native.encode(self._texts, _native.import_batch(*batch.__arrow_c_array__()))
        self._numbers += numbers
        if new:
            rows = pa.Array.from_buffers(pa.int32(), len(new) // 4, [None, pa.py_buffer(new)])
            self._values = pa.concat_arrays([self._values, plain.take(rows)])

    def gather(self, codes: bytes, rows: int) -> pa.Array:
        values, validity = _native.gather(codes, self._numbers)
        buffers = [None if validity is None else pa.py_buffer(validity), pa.py_buffer(values)]
        indices = pa.Array.from_buffers(pa.int32(), rows, buffers)
        return pa.DictionaryArray.from_arrays(indices, self._values)

    def keep(self, kept: bytes) -> None:
        """Only the keys of these numbers stay, and the texts that they need."""
        former = self.gather(kept, len(kept) // 4).cast(pa.utf8())
        self.__init__()  # type: ignore[misc]
        self.append(former)


class _PlainTable:
    """Anything else: the values themselves."""

    def __init__(self, type_: pa.DataType) -> None:
        self._values = pa.array([], type_)
        self._new: list[pa.Array] = []

    def append(self, array: pa.Array) -> None:
        self._new.append(array)

    def gather(self, codes: bytes, rows: int) -> pa.Array:
        if self._new:
            self._values = pa.concat_arrays([self._values, *self._new])
            self._new = []
        indices = pa.Array.from_buffers(pa.int32(), rows, [None, pa.py_buffer(codes)])
        known = pc.greater_equal(indices, 0)
        if not pc.all(known).as_py():
            indices = pc.if_else(known, indices, None)
        return self._values.take(indices)

    def keep(self, kept: bytes) -> None:
        self._values = self.gather(kept, len(kept) // 4)


def _table(type_: pa.DataType) -> _DictionaryTable | _PlainTable:
    return _DictionaryTable() if pa.types.is_dictionary(type_) else _PlainTable(type_)


def _as_array(values: Any, type_: pa.DataType, column: str, plugin: str) -> pa.Array:
    value_type = type_.value_type if pa.types.is_dictionary(type_) else type_
    try:
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        if not isinstance(values, pa.Array):
            return pa.array(values, value_type)
        return values if values.type in (type_, value_type) else values.cast(value_type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError) as error:
        raise PluginError(
            f"the values for {column} are not of the type {type_} that adds names: {error}",
            plugin=plugin,
        ) from error


def _milliseconds(moment: datetime, plugin: str) -> int:
    if moment.tzinfo is None:
        raise PluginError(f"epochs holds {moment!r}, a time without a zone", plugin=plugin)
    return int(moment.timestamp() * 1000)
