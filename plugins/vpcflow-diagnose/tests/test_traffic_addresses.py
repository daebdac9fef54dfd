"""Numbers for addresses: one text each, also when the kernel gives its codes anew."""

from __future__ import annotations

import random
from contextlib import closing

import pyarrow as pa
import pytest
from vpcflow_diagnose.traffic.addresses import Addresses


@pytest.mark.parametrize("most", [None, 300])
def test_numbers_stand_for_their_texts(most: int | None) -> None:
    rng = random.Random(2)
    texts = [f"10.{n % 7}.{n // 256}.{n % 256}" for n in range(5000)]
    given: list[tuple[pa.Array, list[str | None]]] = []
    with closing(Addresses(most)) as addresses:
        for _ in range(40):
            addresses.begin()
            column = [rng.choice([None, *texts, *texts[:50] * 100]) for _ in range(400)]
            batch = pa.record_batch({"srcaddr": pa.array(column, pa.string_view())})
            given.append((addresses.numbers(batch, "srcaddr"), column))
        known: dict[int, str] = {}
        for table in addresses.tables():
            for number, text in zip(*(c.to_pylist() for c in table.columns), strict=True):
                assert number not in known
                known[number] = text
    for numbers, column in given:
        assert [n and known[n] if n != 0 else known[0] for n in numbers.to_pylist()] == column
    again = len(known) > len(set(known.values()))
    assert again == (most is not None)


def test_no_addresses() -> None:
    with closing(Addresses()) as addresses:
        assert sum(table.num_rows for table in addresses.tables()) == 0
