"""The suite for enrichers: what `vpcflow.enrich` asks of them, and what hostile logs do to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa
from hypothesis import HealthCheck, given, settings

from vpcflow.enrich import BatchEnricher, Enricher, Key, KeyedEnricher
from vpcflow.enriching import Enrichment
from vpcflow.errors import VpcflowError
from vpcflow.fields import FIELDS
from vpcflow.testing.promise import (
    broken,
    check_options,
    first_difference,
    keeping,
    require,
    same,
)
from vpcflow.testing.samples import sample_batches
from vpcflow.testing.strategies import HOSTILE, batches

_ROWS = "enrichers only add columns: they cannot change, add or drop records"
_TYPES = "the new columns are those that adds names, of the types that it names"
_HOSTILE = (
    "whatever stands in a log, an enricher gives values or nulls: addresses are not validated"
)
_ALONE = "answers depend on the key alone (and the epoch)"


class EnricherSuite:
    """Subclass it in your tests, and name the subclass Test...:

        class TestPorts(EnricherSuite):
            factory = staticmethod(vpcflow_ports.ports)   # what your plugin registers
            argument = "ports.csv"
            examples = (({"dstport": 443}, {"service": "https"}),)

    factory, argument, options: what `--enrich NAME=ARGUMENT?option=value` calls, and with what. Or
    write `make_enricher` instead. examples: column values of a record (others are null), and the
    new columns that it must get.
    """

    factory: ClassVar[Callable[..., Any] | None] = None
    argument: str = ""
    options: Mapping[str, str] = {}
    examples: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]] = ()

    def make_enricher(self) -> Enricher:
        """A new enricher, at each call."""
        factory = type(self).factory
        if factory is None:
            raise NotImplementedError("set factory, or write make_enricher")
        made: Enricher = factory(self.argument, self.options)
        return made

    # ---- what it says of itself ----------------------------------------------------------------

    def test_it_is_an_enricher(self) -> None:
        enricher = self.make_enricher()
        kind = type(enricher).__name__
        promise = "an enricher is a KeyedEnricher or a BatchEnricher"
        require(isinstance(enricher, KeyedEnricher | BatchEnricher), promise, f"it is a {kind}")

    def test_its_columns_are_new_and_have_types(self) -> None:
        enricher, batch = self._bound(sample_batches()["v5"])
        promise = "adds names new columns and their Arrow types"
        require(bool(enricher.adds), promise, "adds is empty")
        roles = len(enricher.on) if isinstance(enricher, KeyedEnricher) else 1
        for name in enricher.adds:
            require(name not in FIELDS, promise, f"adds names {name!r}, which AWS's logs have")
            if roles > 1:
                seen = f"adds names {name!r} without {{role}}, and on has {roles} roles"
                require("{role}" in name, promise, seen)
        with keeping(promise, "Enrichment"):
            Enrichment([self.make_enricher()], batch.schema)

    # ---- what it gives -------------------------------------------------------------------------

    def test_examples(self) -> None:
        for record, wanted in self.examples:
            row = self._enriched(_batch_of([record])).to_pylist()[0]
            for name, value in wanted.items():
                seen = f"for {dict(record)!r} {name} is {row.get(name)!r}, not {value!r}"
                require(same(row.get(name), value), "the examples", seen)

    def test_sample_records(self) -> None:
        """Every kind of record, NODATA and transit gateways included: where the columns are not
        there or null, an enricher gives nulls, or says at once that it takes others."""
        for kind, batch in sample_batches().items():
            self._check(batch, f"the {kind} sample")

    def test_an_empty_batch(self) -> None:
        self._check(sample_batches()["v5"].slice(0, 0), "an empty batch")

    def test_nulls_only(self) -> None:
        batch = sample_batches()["v5"]
        nulls = [pa.nulls(3, column.type) for column in batch.schema]
        self._check(pa.RecordBatch.from_arrays(nulls, schema=batch.schema), "nulls only")

    def test_any_records(self) -> None:
        @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
        @given(batches(max_size=6))
        def check(batch: pa.RecordBatch) -> None:
            self._check(batch, "random records")

        check()

    # ---- keyed enrichers: what the engine relies on --------------------------------------------

    def test_hostile_keys(self) -> None:
        for enricher, key in self._keyed_questions(hostile=True):
            _ask(enricher, [key])

    def test_every_answer_has_all_values(self) -> None:
        for enricher, key in self._keyed_questions(hostile=True):
            if type(enricher).lookup_many is not KeyedEnricher.lookup_many:
                continue
            with keeping(_HOSTILE, f"lookup({key!r})"):
                answer = enricher.lookup(key, 0) if enricher.epochs else enricher.lookup(key)
            if answer is not None and len(answer) != len(enricher.adds):
                broken(
                    "lookup gives a value for each of adds, or None",
                    f"lookup gave {len(answer)} values and adds names {len(enricher.adds)}: "
                    f"{answer!r} for {key!r}",
                )

    def test_many_keys_get_what_each_gets_alone(self) -> None:
        """The engine asks for what it does not hold yet, in any order and company."""
        questions = list(self._keyed_questions(hostile=True))
        if not questions:
            return
        enricher, keys = questions[0][0], list(dict.fromkeys(key for _, key in questions))
        together = _ask(enricher, keys)
        promise = "lookup_many gives arrays as long as keys, one for each of adds"
        for column, values in zip(enricher.adds, together, strict=False):
            seen = f"lookup_many gave {len(values)} values of {column} for {len(keys)} keys"
            require(len(values) == len(keys), promise, seen)
        backwards = _ask(enricher, keys[::-1])
        for column, there, back in zip(enricher.adds, together, backwards, strict=True):
            different = first_difference(there, back[::-1], f"values of {column}")
            if different:
                broken(_ALONE, f"asked for the same keys backwards, {different}")
        for number, key in enumerate(keys):
            alone = _ask(enricher, [key])
            for column, values, value in zip(enricher.adds, together, alone, strict=True):
                seen = (
                    f"{column} of {key!r} is {value[0]!r} alone and {values[number]!r} in company"
                )
                require(value[0] == values[number], _ALONE, seen)

    # ---- settings ------------------------------------------------------------------------------

    def test_a_wrong_option(self) -> None:
        factory = type(self).factory
        check_options(factory, self.argument, self.options, "enricher")

    # ---- helpers -------------------------------------------------------------------------------

    def _bound(self, batch: pa.RecordBatch) -> tuple[Any, pa.RecordBatch]:
        enricher = self.make_enricher()
        enricher.bind(batch.schema.names)
        return enricher, batch

    def _enriched(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        enrichment = Enrichment([self.make_enricher()], batch.schema)
        try:
            return enrichment.apply(batch)
        finally:
            enrichment.close()

    def _check(self, batch: pa.RecordBatch, what: str) -> None:
        enricher = self.make_enricher()
        try:
            enricher.bind(batch.schema.names)
        except VpcflowError:
            return  # it says that it takes other columns
        finally:
            if not isinstance(enricher, BatchEnricher):
                enricher.close()
        if isinstance(enricher, BatchEnricher):
            self._check_batch(enricher, batch, what)
        with keeping(_HOSTILE, f"enriching {what}"):
            enriched = self._enriched(batch)
        same = enriched.select(batch.schema.names).equals(batch)
        require(same, _ROWS, f"enriching {what} changed its records")

    def _check_batch(self, enricher: BatchEnricher, batch: pa.RecordBatch, what: str) -> None:
        try:
            with keeping(_HOSTILE, f"enrich() of {what}", VpcflowError):
                columns = enricher.enrich(batch)
        except VpcflowError as error:
            broken(_HOSTILE, f"enrich() of {what} raised {error}")
        finally:
            enricher.close()
        seen = (
            f"enrich() gave the columns {sorted(columns)}, and adds names {sorted(enricher.adds)}"
        )
        require(set(columns) == set(enricher.adds), _TYPES, seen)
        for name, column in columns.items():
            rows = f"enrich() changed the number of rows: {len(column)} values of {name} for "
            require(len(column) == batch.num_rows, _ROWS, f"{rows}{batch.num_rows} records")

    def _keyed_questions(self, *, hostile: bool) -> list[tuple[KeyedEnricher, Key]]:
        """The enricher, and keys: those of the samples and examples, and hostile ones."""
        rows = [row for batch in sample_batches().values() for row in batch.to_pylist()]
        rows += [dict(record) for record, _ in self.examples]
        enricher, _ = self._bound(sample_batches()["v5"])
        if not isinstance(enricher, KeyedEnricher):
            return []
        keys: dict[Key, None] = {}
        for columns in enricher.on.values():
            values = [tuple(row.get(column) for column in columns) for row in rows]
            if hostile:
                texts = [FIELDS[c].type == "utf8" if c in FIELDS else True for c in columns]
                values += [tuple(text for _ in columns) for text in HOSTILE if all(texts)]
            for key in values:
                if None not in key:
                    keys[key[0] if len(key) == 1 else key] = None
        return [(enricher, key) for key in keys]


def _ask(enricher: KeyedEnricher, keys: list[Key]) -> list[list[Any]]:
    asked = repr(keys[0]) if len(keys) == 1 else f"{len(keys)} keys at once"
    with keeping(_HOSTILE, f"the enricher, asked for {asked},"):
        many = enricher.lookup_many(keys, 0) if enricher.epochs else enricher.lookup_many(keys)
    if len(many) != len(enricher.adds):
        seen = f"lookup_many gave {len(many)} columns and adds names {len(enricher.adds)}"
        broken("lookup_many gives an array for each of adds", seen)
    return [
        values.to_pylist() if isinstance(values, pa.Array | pa.ChunkedArray) else list(values)
        for values in many
    ]


def _batch_of(records: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """Records with all columns of version 5 and those that they name themselves."""
    names = dict.fromkeys([*sample_batches()["v5"].schema.names, *records[0]])
    columns = [
        pa.array([record.get(name) for record in records], _arrow_type(name)) for name in names
    ]
    return pa.RecordBatch.from_arrays(columns, list(names))


def _arrow_type(name: str) -> pa.DataType:
    field = FIELDS.get(name)
    if field is not None and field.kind == "time":
        return pa.timestamp("ms", "UTC")
    return pa.type_for_alias(field.type) if field is not None else None
