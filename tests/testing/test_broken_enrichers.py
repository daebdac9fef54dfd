"""Every promise of enrichers has one here that breaks it, and the suite says which."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from suite_failures import fails

from vpcflow.enrich import BatchEnricher, KeyedEnricher
from vpcflow.testing import EnricherSuite

RECORDS = {"test_sample_records", "test_any_records", "test_an_empty_batch", "test_nulls_only"}
ASKING = {"test_hostile_keys", "test_many_keys_get_what_each_gets_alone"}


class Keyed(KeyedEnricher):
    """Keeps all promises."""

    on: Mapping[str, tuple[str, ...]] = {"src": ("srcaddr",), "dst": ("dstaddr",)}
    adds: Mapping[str, str] = {"{role}_country": "utf8", "{role}_asn": "int64"}

    def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...] | None:
        return ("DE", 3320) if str(key).startswith("10.") else None


class Batch(BatchEnricher):
    """Keeps all promises."""

    adds: Mapping[str, str] = {"twice": "int64"}

    def enrich(self, batch: pa.RecordBatch) -> Mapping[str, pa.Array]:
        return {"twice": pa.array([len(row) for row in batch.to_pylist()], pa.int64())}


class FewValues(Keyed):
    adds: Mapping[str, str] = {**Keyed.adds, "{role}_city": "utf8"}


class TakesTheLogsWord(Keyed):
    def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...] | None:
        a, b, *_ = str(key).split(".")
        return (a, int(b))


class Shadows(Keyed):
    adds: Mapping[str, str] = {"region": "utf8"}
    on: Mapping[str, tuple[str, ...]] = {"src": ("srcaddr",)}

    def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...] | None:
        return None


class NoRole(Keyed):
    adds: Mapping[str, str] = {"country": "utf8", "{role}_asn": "int64"}


class StrangeType(Keyed):
    adds: Mapping[str, str] = {"{role}_country": "varchar", "{role}_asn": "int64"}


class AddsNothing(Batch):
    adds: Mapping[str, str] = {}

    def enrich(self, batch: pa.RecordBatch) -> Mapping[str, pa.Array]:
        return {}


class ManyTooFew(Keyed):
    def lookup_many(self, keys: Sequence[Any], epoch: int = 0) -> Sequence[Any]:
        return [[None] * max(0, len(keys) - 1), [None] * len(keys)]


class ManyColumnsTooFew(Keyed):
    def lookup_many(self, keys: Sequence[Any], epoch: int = 0) -> Sequence[Any]:
        return [[None] * len(keys)]


class ManyOutOfOrder(Keyed):
    def lookup_many(self, keys: Sequence[Any], epoch: int = 0) -> Sequence[Any]:
        return [sorted(str(key) for key in keys), [None] * len(keys)]


class DependsOnCompany(Keyed):
    def lookup_many(self, keys: Sequence[Any], epoch: int = 0) -> Sequence[Any]:
        return [[None] * len(keys), [len(keys)] * len(keys)]


class Counts(Keyed):
    def __init__(self) -> None:
        self.numbers = itertools.count()

    def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...] | None:
        return ("DE", next(self.numbers))


class WrongType(Keyed):
    def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...] | None:
        return ("DE", "not a number")


class DropsRows(Batch):
    def enrich(self, batch: pa.RecordBatch) -> Mapping[str, pa.Array]:
        return {"twice": pa.nulls(max(0, batch.num_rows - 1), pa.int64())}


class OtherColumns(Batch):
    def enrich(self, batch: pa.RecordBatch) -> Mapping[str, pa.Array]:
        return {"thrice": pa.nulls(batch.num_rows, pa.int64())}


class NeedsItsColumn(Batch):
    def enrich(self, batch: pa.RecordBatch) -> Mapping[str, pa.Array]:
        return {"twice": batch.column("packets")}


class NeedsRecords(Batch):
    def enrich(self, batch: pa.RecordBatch) -> Mapping[str, pa.Array]:
        batch.to_pylist()[0]
        return super().enrich(batch)


class NeedsValues(Batch):
    def enrich(self, batch: pa.RecordBatch) -> Mapping[str, pa.Array]:
        rows = batch.to_pylist()
        return {"twice": pa.array([len(row.get("srcaddr", "")) for row in rows], pa.int64())}


BROKEN = [
    (FewValues, "test_every_answer_has_all_values",
     "lookup gave 2 values and adds names 3", RECORDS | ASKING),
    (TakesTheLogsWord, "test_hostile_keys",
     "the enricher, asked for '2001:db8::5', raised ValueError",
     RECORDS | ASKING | {"test_every_answer_has_all_values"}),
    (Shadows, "test_its_columns_are_new_and_have_types",
     "adds names 'region', which AWS's logs have", RECORDS),
    (NoRole, "test_its_columns_are_new_and_have_types",
     "adds names 'country' without {role}, and on has 2 roles", RECORDS),
    (StrangeType, "test_its_columns_are_new_and_have_types", "has the type 'varchar'", RECORDS),
    (AddsNothing, "test_its_columns_are_new_and_have_types", "adds is empty", set()),
    (ManyTooFew, "test_many_keys_get_what_each_gets_alone",
     "values of {role}_country for", RECORDS),
    (ManyColumnsTooFew, "test_many_keys_get_what_each_gets_alone",
     "lookup_many gave 1 columns and adds names 2", RECORDS | ASKING),
    (ManyOutOfOrder, "test_many_keys_get_what_each_gets_alone",
     "asked for the same keys backwards", set()),
    (DependsOnCompany, "test_many_keys_get_what_each_gets_alone",
     " is 1 alone and ", set()),
    (Counts, "test_many_keys_get_what_each_gets_alone", "asked for the same keys backwards", set()),
    (WrongType, "test_sample_records",
     "the values for {role}_asn are not of the type int64", RECORDS),
    (DropsRows, "test_sample_records", "enrich() changed the number of rows: ", RECORDS),
    (OtherColumns, "test_sample_records",
     "enrich() gave the columns ['thrice'], and adds names ['twice']", RECORDS),
    (NeedsItsColumn, "test_sample_records",
     "enrich() of the tags sample raised KeyError", RECORDS),
    (NeedsRecords, "test_an_empty_batch",
     "enrich() of an empty batch raised IndexError", {"test_any_records"}),
    (NeedsValues, "test_nulls_only",
     "enrich() of nulls only raised TypeError", {"test_any_records", "test_sample_records"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "test", "message", "also"), BROKEN, ids=lambda x: getattr(x, "__name__", "")
)
def test_the_suite_notices(
    tmp_path: Path, kind: Any, test: str, message: str, also: set[str]
) -> None:
    class Suite(EnricherSuite):
        def make_enricher(self) -> Any:
            return kind()

    fails(Suite, tmp_path, test, message, also)


@pytest.mark.parametrize("kind", [Keyed, Batch])
def test_those_that_the_broken_ones_are_made_of_keep_their_promises(
    tmp_path: Path, kind: Any
) -> None:
    class Suite(EnricherSuite):
        def make_enricher(self) -> Any:
            return kind()

    from suite_failures import failures

    assert failures(Suite, tmp_path) == {}


def test_something_else(tmp_path: Path) -> None:
    class Suite(EnricherSuite):
        def make_enricher(self) -> Any:
            return {}

    with pytest.raises(AssertionError, match="it is a dict"):
        Suite().test_it_is_an_enricher()


def test_examples_that_are_not_met(tmp_path: Path) -> None:
    class Suite(EnricherSuite):
        examples = (({"srcaddr": "10.0.0.1"}, {"src_country": "FR"}),)

        def make_enricher(self) -> Any:
            return Keyed()

    message = "for {'srcaddr': '10.0.0.1'} src_country is 'DE', not 'FR'"
    fails(Suite, tmp_path, "test_examples", message)


def test_a_factory_that_takes_any_option(tmp_path: Path) -> None:
    class Suite(EnricherSuite):
        factory = staticmethod(lambda argument, options: Keyed())

    message = "the factory with the wrong option {'no_such_option': '1'} did not raise UsageError"
    fails(Suite, tmp_path, "test_a_wrong_option", message)


def test_a_factory_that_fails_otherwise(tmp_path: Path) -> None:
    class Suite(EnricherSuite):
        factory = staticmethod(lambda argument, options: Keyed(**options))

    message = "raised TypeError, not UsageError"
    fails(Suite, tmp_path, "test_a_wrong_option", message)
