"""The engine behind `KeyedEnricher`: distinct keys, a cache of answers, columns gathered from it.

Every key that was asked has a number, and every added column a table that holds the answer by
number. So a batch costs one look-up for each record and key column, and one gather for each new
column; Python runs for new keys only. When the cache is full, the half of the keys that was not
used for longest is forgotten.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.answers import NumberColumn, answers_of
from vpcflow.codes import ColumnCodes, Numbers, Pairs, can_be_key, is_text, values_at
from vpcflow.enrich import Key, KeyedEnricher
from vpcflow.errors import PluginError, nearest

_DICTIONARY = "dictionary<int32, utf8>"
_TYPES: Mapping[str, pa.DataType] = {
    **{name: pa.type_for_alias(name) for name in ("bool", "utf8", "float32", "float64")},
    **{f"int{bits}": pa.type_for_alias(f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": pa.type_for_alias(f"uint{bits}") for bits in (8, 16, 32)},
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
    """Runs one KeyedEnricher. fields: the columns that it adds, in order. schema: of the batches;
    a role whose key they do not have gets nulls."""

    def __init__(
        self, enricher: KeyedEnricher, schema: pa.Schema, name: str, column_codes: ColumnCodes
    ) -> None:
        self.enricher = enricher
        self.name = name
        self._types = [arrow_type(t, column, name) for column, t in enricher.adds.items()]
        self._roles = list(enricher.on.items())
        self.fields = [
            pa.field(column.replace("{role}", role), type_)
            for role, _ in self._roles
            for column, type_ in zip(enricher.adds, self._types, strict=True)
        ]
        if not self._roles or not all(key for _, key in self._roles):
            raise PluginError("on names no role, or a role without a column", plugin=name)
        self._epochs = [_milliseconds(moment, name) for moment in enricher.epochs]
        usable = set(schema.names) if not self._epochs or "start" in schema.names else set()
        self._answerable = [set(key) <= usable for _, key in self._roles]
        self._column_codes = column_codes
        self._schema = schema
        for column in (column for _, key in self._roles for column in key if column in usable):
            if not can_be_key(kind := schema.field(column).type):
                raise PluginError(f"{column} is a {kind}, which cannot be a key", plugin=name)
        self._forget_all()

    def columns(self, batch: pa.RecordBatch) -> list[pa.Array]:
        """The columns of `fields` for a batch. Raises whatever the enricher raises, and PluginError
        for answers that are not what it promised."""
        if self._keys.stale:
            self._forget_all()
        epochs = self._epoch_of(batch) if self._epochs else None
        columns = []
        for (_, key), answerable in zip(self._roles, self._answerable, strict=True):
            if answerable:
                columns += self._role(batch, list(key), epochs)
            else:
                columns += [pa.nulls(batch.num_rows, type_) for type_ in self._types]
        if len(self._keys) > self.enricher.cache:
            kept = self._keys.forget()
            for answers in self._answers:
                answers.keep(kept)
        return columns

    def _role(
        self, batch: pa.RecordBatch, key: list[str], epochs: pa.Array | None
    ) -> list[pa.Array]:
        codes = [self._column_codes.of(batch, name) for name in key]
        asked = batch.select(key)
        if epochs is not None:
            asked = asked.append_column("epoch", epochs)
            shifted = pc.add(epochs, pa.scalar(1, pa.int32()))  # from 0 on, as codes are
            codes.append(shifted.buffers()[1].to_pybytes()[: 4 * batch.num_rows])
        numbers, new_rows = self._keys.find(codes)
        if new_rows:
            try:
                self._ask(asked, new_rows, epochs is not None)
            except BaseException:
                self._forget_all()  # keys have numbers now whose answers the tables do not have
                raise
        column = NumberColumn(numbers)
        return [answers.gather(column) for answers in self._answers]

    def _forget_all(self) -> None:
        columns = max(len(key) for _, key in self._roles) + bool(self._epochs)
        if any(len(key) + bool(self._epochs) != columns for _, key in self._roles):
            raise PluginError("on gives its roles keys of unequal length", plugin=self.name)
        self._keys = (
            Pairs(self._column_codes, columns)
            if columns > 1
            else Numbers(self._column_codes, text=self._has_text_key())
        )
        self._answers = [answers_of(type_) for type_ in self._types]

    def _has_text_key(self) -> bool:
        kinds = {
            is_text(self._schema.field(name).type)
            for (_, key), answerable in zip(self._roles, self._answerable, strict=True)
            if answerable
            for name in key
        }
        if len(kinds) > 1:
            raise PluginError("on has texts for one role and numbers for another", plugin=self.name)
        return kinds != {False}

    def _ask(self, batch: pa.RecordBatch, rows: bytes, with_epoch: bool) -> None:
        """Put the answers for new keys, which stand in those rows, behind those that are there."""
        columns = [values_at(column, rows) for column in batch.columns]
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
        for table, array in zip(self._answers, arrays, strict=True):
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
            if not start.null_count:
                return epochs
            return pc.if_else(start.is_null(), pa.scalar(last, pa.int32()), epochs)
        epochs = pa.repeat(pa.scalar(first, pa.int32()), batch.num_rows)
        for number in range(first + 1, end + 1):
            reached = pc.fill_null(pc.greater_equal(start, self._epochs[number]), False)
            epochs = pc.if_else(reached, pa.scalar(number, pa.int32()), epochs)
        return pc.if_else(start.is_null(), pa.scalar(last, pa.int32()), epochs)


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
