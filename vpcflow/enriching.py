"""Runs a chain of enrichers over batches: columns are added, records never changed or dropped."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Literal

import pyarrow as pa

from vpcflow.codes import ColumnCodes
from vpcflow.enrich import BatchEnricher, Enricher, KeyedEnricher
from vpcflow.errors import PluginError, VpcflowError
from vpcflow.keyed import KeyedEngine, arrow_type

OnError = Literal["fail", "null"]


class _BatchEngine:
    """Runs one BatchEnricher."""

    def __init__(self, enricher: BatchEnricher, name: str) -> None:
        self.enricher = enricher
        self.name = name
        self.fields = [
            pa.field(column, arrow_type(type_, column, name))
            for column, type_ in enricher.adds.items()
        ]

    def columns(self, batch: pa.RecordBatch) -> list[pa.Array]:
        given = self.enricher.enrich(batch)
        if set(given) != {field.name for field in self.fields}:
            wanted = ", ".join(field.name for field in self.fields)
            raise PluginError(
                f"enrich gave the columns {', '.join(given)}; adds names {wanted}", plugin=self.name
            )
        return [_fitting(given[f.name], f, batch.num_rows, self.name) for f in self.fields]


class Enrichment:
    """Enrichers bound to batches of one schema, in order: each sees the columns of those before.

    schema: of the enriched batches. errors: batches by enricher that got nulls, with
    on_error="null". Raises PluginError for an enricher that adds a column that is already there.
    """

    def __init__(
        self, enrichers: Sequence[Enricher], schema: pa.Schema, *, on_error: OnError = "fail"
    ) -> None:
        self.on_error = on_error
        self.errors: dict[str, int] = {}
        self.schema = schema
        self._codes = ColumnCodes()
        self._engines: list[KeyedEngine | _BatchEngine] = []
        for enricher in enrichers:
            engine = _engine(enricher, self.schema, self._codes)
            for field in engine.fields:
                if field.name in self.schema.names:
                    raise PluginError(
                        f"adds the column {field.name!r}, which is there already",
                        plugin=engine.name,
                    )
                self.schema = self.schema.append(field)
            self._engines.append(engine)

    def apply(self, batch: pa.RecordBatch, source: str = "") -> pa.RecordBatch:
        """The batch with all new columns. source: where it came from, for errors.

        Raises PluginError when an enricher raises, with on_error="fail".
        """
        self._codes.begin()
        arrays, names = list(batch.columns), list(batch.schema.names)
        for engine in self._engines:
            arrays += self._columns(engine, batch, source)
            names += [field.name for field in engine.fields]
            batch = pa.RecordBatch.from_arrays(arrays, names)
        return batch

    def _columns(
        self, engine: KeyedEngine | _BatchEngine, batch: pa.RecordBatch, source: str
    ) -> list[pa.Array]:
        try:
            return engine.columns(batch)
        except Exception as error:
            if self.on_error == "null":
                self.errors[engine.name] = self.errors.get(engine.name, 0) + 1
                return [pa.nulls(batch.num_rows, field.type) for field in engine.fields]
            raise _failed(engine.name, source, error) from error

    def close(self) -> None:
        """Close its enrichers, see `close_all`."""
        close_all([engine.enricher for engine in self._engines])


def close_all(enrichers: Sequence[Enricher]) -> None:
    """Close enrichers, whether they were used or not; the first error is raised after the last was
    tried."""
    failed: Exception | None = None
    for enricher in enrichers:
        try:
            enricher.close()
        except Exception as error:
            failed = failed or _failed(enricher.name or type(enricher).__name__, "", error)
    if failed is not None:
        raise failed


def _engine(
    enricher: Enricher, schema: pa.Schema, codes: ColumnCodes
) -> KeyedEngine | _BatchEngine:
    name = enricher.name or type(enricher).__name__
    try:
        enricher.bind(schema.names)
        if isinstance(enricher, KeyedEnricher):
            return KeyedEngine(enricher, schema, name, codes)
        if isinstance(enricher, BatchEnricher):
            return _BatchEngine(enricher, name)
    except VpcflowError:
        raise
    except Exception as error:
        raise _failed(name, "", error) from error
    raise PluginError(
        f"a {type(enricher).__name__} is neither a KeyedEnricher nor a BatchEnricher", plugin=name
    )


def _fitting(array: object, field: pa.Field, rows: int, plugin: str) -> pa.Array:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if not isinstance(array, pa.Array):
        kind = type(array).__name__
        raise PluginError(
            f"enrich gave a {kind} for {field.name}, not a pyarrow.Array", plugin=plugin
        )
    if len(array) != rows:
        raise PluginError(
            f"enrich gave {len(array)} values of {field.name} for {rows} records", plugin=plugin
        )
    if array.type == field.type:
        return array
    if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(array.type):
        return array.cast(pa.utf8()).dictionary_encode()
    return array.cast(field.type)


def _failed(plugin: str, source: str, error: Exception) -> PluginError:
    said = error.message if isinstance(error, VpcflowError) else f"{type(error).__name__}: {error}"
    where = f", in a batch of {source}" if source else ""
    return PluginError(
        f"failed{where}: {said}",
        plugin=plugin,
        hint=error.hint
        if isinstance(error, VpcflowError) and error.hint
        else "--on-enricher-error null delivers nulls instead, and counts them",
    )


def flat(made: Sequence[Enricher | Sequence[Enricher]], names: Mapping[int, str]) -> list[Enricher]:
    """Enrichers as factories give them, one or several each, in one list; `names[i]` is given to
    those of position i that have none."""
    for number, given in enumerate(made):
        for enricher in [given] if isinstance(given, Enricher) else given:
            enricher.name = enricher.name or names.get(number, "")
    return list(itertools.chain.from_iterable([g] if isinstance(g, Enricher) else g for g in made))
