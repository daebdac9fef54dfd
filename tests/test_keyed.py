"""The enrichers' engine: equal to asking for every record, with a cache that may forget."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow import PluginError, _native
from vpcflow.enrich import BatchEnricher, KeyedEnricher
from vpcflow.enriching import Enrichment, close_all

KEYS = st.sampled_from(["", "a", "b", "10.0.0.1", "2001:db8::1", "ü", "x" * 40, "x" * 41, None])
ROWS = st.lists(st.tuples(KEYS, KEYS, st.sampled_from([0, 1, -1, 2**40, None])), max_size=40)
SCHEMA = pa.schema([("src", pa.utf8()), ("dst", pa.utf8()), ("vpc", pa.int64())])
DICTIONARY = "dictionary<int32, utf8>"


def answer(key: tuple[str, int]) -> tuple[Any, ...] | None:
    text, number = key
    if text == "b":
        return None
    return (text[:1] or None, len(text) + number, text * 2, number > 0, number / 7)


class Wide(KeyedEnricher):
    name = "wide"
    on = {"src": ("src", "vpc"), "dst": ("dst", "vpc")}
    adds = {
        "{role}_first": DICTIONARY,
        "{role}_sum": "int64",
        "{role}_twice": "utf8",
        "{role}_some": "bool",
        "{role}_part": "float64",
    }

    def __init__(self, cache: int = 1 << 18) -> None:
        self.cache = cache  # type: ignore[misc]
        self.asked: list[Any] = []

    def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...] | None:
        self.asked.append(key)
        return answer(key)


def batch_of(rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) or [[], [], []]
    return pa.RecordBatch.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def expected(rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    names = ("first", "sum", "twice", "some", "part")
    found = []
    for src, dst, vpc in rows:
        row: dict[str, Any] = {"src": src, "dst": dst, "vpc": vpc}
        for role, text in (("src", src), ("dst", dst)):
            known = None if text is None or vpc is None else answer((text, vpc))
            row |= {f"{role}_{n}": v for n, v in zip(names, known or [None] * 5, strict=True)}
        found.append(row)
    return found


@given(batches=st.lists(ROWS, max_size=6), cache=st.sampled_from([1, 3, 1 << 18]))
def test_answers_are_those_of_asking_for_every_record(
    batches: list[list[tuple[Any, ...]]], cache: int
) -> None:
    enrichment = Enrichment([Wide(cache)], SCHEMA)
    for rows in batches:
        enriched = enrichment.apply(batch_of(rows))
        enriched.validate(full=True)
        assert enriched.schema.equals(enrichment.schema)
        assert enriched.to_pylist() == expected(rows)


@given(rows=ROWS, sliced=st.integers(0, 5))
def test_slices_and_dictionaries_are_keys_like_any_other(
    rows: list[tuple[Any, ...]], sliced: int
) -> None:
    batch = batch_of(rows)
    columns = [batch.column(0).dictionary_encode(), batch.column(1), batch.column(2)]
    encoded = pa.RecordBatch.from_arrays(columns, names=SCHEMA.names).slice(sliced)
    enriched = Enrichment([Wide()], encoded.schema).apply(encoded)
    assert enriched.to_pylist() == expected(rows[sliced:])


def test_a_key_is_asked_once_whatever_its_role_and_batch() -> None:
    enricher = Wide()
    enrichment = Enrichment([enricher], SCHEMA)
    for _ in range(3):
        enrichment.apply(batch_of([("a", "c", 1), ("c", "a", 1), ("a", "b", 1), ("b", None, 1)]))
    assert sorted(enricher.asked) == [("a", 1), ("b", 1), ("c", 1)]


def test_what_was_used_last_is_what_the_cache_keeps() -> None:
    enricher = Wide(cache=4)
    enrichment = Enrichment([enricher], SCHEMA)
    for text in "abcdefg":
        enrichment.apply(batch_of([(text, "x", 1)]))
    enricher.asked.clear()
    enrichment.apply(batch_of([("x", "g", 1)]))
    assert enricher.asked == []
    enrichment.apply(batch_of([("a", None, 1)]))
    assert enricher.asked == [("a", 1)]


def test_two_columns_of_a_key_do_not_run_into_each_other() -> None:
    class Pair(KeyedEnricher):
        on = {"": ("src", "dst")}
        adds = {"pair": "utf8"}

        def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...]:
            return ("|".join(key),)

    rows = [("ab", "c", 1), ("a", "bc", 1), ("", "abc", 1)]
    enriched = Enrichment([Pair()], SCHEMA).apply(batch_of(rows))
    assert enriched.column("pair").to_pylist() == ["ab|c", "a|bc", "|abc"]


def test_a_log_without_the_keys_columns_gets_nulls() -> None:
    schema = pa.schema([("src", pa.utf8())])
    enriched = Enrichment([Wide()], schema).apply(pa.record_batch({"src": ["a"]}))
    assert set(enriched.schema.names) > {"src_first", "dst_part"}
    assert all(value is None for value in enriched.to_pylist()[0].values() if value != "a")


def test_enrichers_see_the_columns_of_those_before() -> None:
    class First(KeyedEnricher):
        on = {"src": ("src",)}
        adds = {"vpc_of": DICTIONARY}

        def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...]:
            return (f"vpc-{key}",)

    class Second(KeyedEnricher):
        adds = {"seen": "utf8"}

        def bind(self, columns: Sequence[str]) -> None:
            assert list(columns) == ["src", "dst", "vpc", "vpc_of"]
            self.on = {"": ("vpc_of", "dst")}

        def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...]:
            return (str(key),)

    enriched = Enrichment([First(), Second()], SCHEMA).apply(batch_of([("a", "b", 1)]))
    assert enriched.column("seen").to_pylist() == ["('vpc-a', 'b')"]


# ---- epochs --------------------------------------------------------------------------------------

NOON = datetime(2026, 9, 14, 12, tzinfo=UTC)
HOURS = [NOON + timedelta(hours=n) for n in range(4)]


class Snapshots(KeyedEnricher):
    on = {"src": ("src",)}
    adds = {"{role}_at": "int32"}
    epochs = HOURS

    def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...]:
        return (epoch,)


@given(
    minutes=st.lists(st.one_of(st.none(), st.integers(-90, 400)), max_size=20),
    several=st.integers(1, 3),
)
def test_an_answer_is_the_one_valid_at_the_records_start(
    minutes: list[int | None], several: int
) -> None:
    starts = [None if m is None else NOON + timedelta(minutes=m) for m in minutes]
    schema = pa.schema([("src", pa.utf8()), ("start", pa.timestamp("ms", "UTC"))])
    batch = pa.RecordBatch.from_arrays(
        [pa.array(["a"] * len(starts), pa.utf8()), pa.array(starts, schema.field(1).type)],
        schema=schema,
    )
    enrichment = Enrichment([Snapshots()], schema)
    for _ in range(several):
        enriched = enrichment.apply(batch)
    wanted = [3 if s is None else sum(hour <= s for hour in HOURS) - 1 for s in starts]
    assert enriched.column("src_at").to_pylist() == wanted


def test_epochs_need_a_zone() -> None:
    class Naive(Snapshots):
        epochs = [NOON.replace(tzinfo=None)]

    with pytest.raises(PluginError, match="without a zone"):
        Enrichment([Naive()], pa.schema([("src", pa.utf8()), ("start", pa.timestamp("ms", "UTC"))]))


# ---- broken promises -----------------------------------------------------------------------------


class Broken(KeyedEnricher):
    name = "broken"
    on = {"src": ("src",)}
    adds = {"a": "int64", "b": "utf8"}


class RaisesOnLookup(Broken):
    def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...]:
        raise KeyError(key)


class TooShort(Broken):
    def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...]:
        return (1,)


class WrongType(Broken):
    def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...]:
        return ("one", "b")


class FewColumns(Broken):
    def lookup_many(self, keys: Sequence[Any], epoch: int = 0) -> Sequence[Any]:
        return [[1] * len(keys)]


class FewValues(Broken):
    def lookup_many(self, keys: Sequence[Any], epoch: int = 0) -> Sequence[Any]:
        return [[1], ["b"]]


class NoLookup(Broken):
    pass


class UnknownType(Broken):
    adds = {"a": "integer64"}


class Taken(Broken):
    adds = {"dst": "utf8"}


class NoKey(Broken):
    on = {"src": ()}


class Shrinking(BatchEnricher):
    name = "broken"
    adds = {"a": "int64"}

    def enrich(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        return {"a": pa.array([1])}


class Other(Shrinking):
    def enrich(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        return {"b": pa.array([1, 2])}


class Listing(Shrinking):
    def enrich(self, batch: pa.RecordBatch) -> dict[str, Any]:
        return {"a": [1, 2]}


@pytest.mark.parametrize(
    ("enricher", "said"),
    [
        (RaisesOnLookup, "failed, in a batch of x.log: KeyError: 'p'"),
        (TooShort, "lookup gave 1 values, and adds names 2"),
        (WrongType, "values for a are not of the type int64"),
        (FewColumns, "lookup_many gave 1 columns, and adds names 2"),
        (FewValues, "lookup_many gave 1 values of a for 2 keys"),
        (NoLookup, "has neither lookup nor lookup_many"),
        (UnknownType, "'integer64'.*did you mean 'int64'"),
        (Taken, "adds the column 'dst', which is there already"),
        (NoKey, "a role without a column"),
        (Shrinking, "enrich gave 1 values of a for 2 records"),
        (Other, "enrich gave the columns b; adds names a"),
        (Listing, "a list for a, not a pyarrow.Array"),
    ],
)
def test_a_broken_promise_is_named(enricher: type[Any], said: str) -> None:
    with pytest.raises(PluginError, match=f"(?s){said}") as caught:
        Enrichment([enricher()], SCHEMA).apply(batch_of([("p", "q", 1), ("r", "s", 2)]), "x.log")
    assert caught.value.plugin == "broken"


def test_a_float_cannot_be_a_key() -> None:
    class ByFloat(Broken):
        on = {"src": ("part",)}

    with pytest.raises(PluginError, match="part is a double, which cannot be a key"):
        Enrichment([ByFloat()], pa.schema([("part", pa.float64())]))


@given(batches=st.lists(ROWS, min_size=1, max_size=8), most=st.sampled_from([0, 2, 1 << 20]))
def test_codes_may_be_given_anew_between_any_two_batches(
    batches: list[list[tuple[Any, ...]]], most: int
) -> None:
    enrichment = Enrichment([Wide(), ByText()], SCHEMA)
    enrichment._codes._most = most
    for rows in batches:
        batch = batch_of(rows)
        enriched = enrichment.apply(batch)
        assert enriched.select(enriched.schema.names[:13]).to_pylist() == expected(rows)
        assert enriched["by_src"].to_pylist() == batch["src"].to_pylist()
        assert enriched["by_dst"].to_pylist() == batch["dst"].to_pylist()


class ByText(KeyedEnricher):
    """Keys of one column go another way than pairs."""

    on = {"src": ("src",), "dst": ("dst",)}
    adds = {"by_{role}": DICTIONARY}

    def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...]:
        return (key,)


def test_failures_can_be_nulls_that_are_counted() -> None:
    class Sometimes(Broken):
        def lookup(self, key: Any, epoch: int = 0) -> tuple[Any, ...]:
            if key == "bad":
                raise RuntimeError("no")
            return (1, key)

    enrichment = Enrichment([Sometimes()], SCHEMA, on_error="null")
    rows = [("good", None, 1)], [("bad", None, 1), ("good", None, 1)], [("good", None, 1)]
    enriched = [enrichment.apply(batch_of(r)).column("b").to_pylist() for r in rows]
    assert enriched == [["good"], [None, None], ["good"]]
    assert enrichment.errors == {"broken": 1}


def test_closing_closes_all_and_tells_the_first_error() -> None:
    closed = []

    class Closing(Wide):
        def __init__(self, prefix: str) -> None:
            super().__init__()
            self.adds = {f"{prefix}{name}": type_ for name, type_ in Wide.adds.items()}
            self.prefix = prefix

        def close(self) -> None:
            closed.append(self.prefix)
            raise OSError(self.prefix)

    with pytest.raises(PluginError, match="OSError: p"):
        close_all([Closing("p"), Closing("q")])
    assert closed == ["p", "q"]


def test_nothing_of_the_batches_is_kept_alive() -> None:
    before = _native.live_exports()
    enrichment = Enrichment([Wide(cache=8)], SCHEMA)
    for number in range(50):
        enrichment.apply(batch_of([(f"{number}", "x" * number, number)]))
    assert _native.live_exports() == before
