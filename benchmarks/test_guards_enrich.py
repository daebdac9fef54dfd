"""What must stay true of enriching: ENI and GeoIP beside reading the same file, and plain Python.

All are ratios or rates of the fastest of several rounds, taken in turns, each with enrichers that
have been asked nothing yet: the first questions are part of the time. Making the enrichers (reading
an inventory, mapping databases) is not.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import vpcflow
from benchmarks import enrich
from vpcflow.bench.inputs import Logs
from vpcflow.bench.measure import alternate
from vpcflow.pipeline import Pipeline

LINES = 1_000_000
ROUNDS = 7
ATTEMPTS = 3
MOST_TO_ENRICH = 1.5
"""The aim. Reading, enriching with ENI and GeoIP (34 new columns) and handing on a million records,
times reading the same file. The file is read by one thread; enriching has the other core."""
GUARD = 3.0
"""At which this fails. Enriching looks into tables of a megabyte for every record, so it loses more
than reading does when other machines use the memory that they share: measured were 1.42 to 1.59 in
quiet minutes and 1.8 to 2.4 in busy ones, of the same code on the same machine."""
LEAST_BY_PYTHON = 2_000_000
"""Records a second through an enricher whose `lookup` is plain Python, on one core."""
DATABASES = Path(__file__).parents[1] / "build" / "bench"


@pytest.fixture(scope="module")
def log(logs: Logs) -> Path:
    packed = logs.gzipped("default", LINES).packed
    assert packed is not None
    return packed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    DATABASES.mkdir(parents=True, exist_ok=True)
    inventory = enrich.write_inventory(tmp_path_factory.mktemp("inventory"))
    return inventory, enrich.write_databases(DATABASES)


def read(log: Path) -> int:
    return sum(len(batch) for batch in vpcflow.scan(log))


def test_enriched_records_are_right(log: Path, world: tuple[Path, list[Path]]) -> None:
    """Before anything is timed: against maxminddb, and against the inventory's own JSON."""
    import maxminddb

    batch = next(enrich.batches(log))
    enricher = enrich.Enrichment(enrich.eni_and_geoip(*world), batch.schema)
    rows = enricher.apply(batch).to_pylist()
    city = maxminddb.open_database(world[1][0])
    public = [row for row in rows if row["src_scope"] == "public"]
    assert len(public) > 1000
    for row in public:
        found = city.get(row["srcaddr"]) or {}
        assert row["src_country"] == found.get("country", {}).get("iso_code")
    assert all(row["src_country"] is None for row in rows if row["src_scope"] == "private")
    assert all(row["interface_vpc_id"] for row in rows)
    assert all(row["src_interface_id"] for row in rows if (row["srcaddr"] or "").startswith("10."))


def test_eni_and_geoip_cost_half_of_reading(log: Path, world: tuple[Path, list[Path]]) -> None:
    told, ratios = [], []
    for _ in range(ATTEMPTS):
        fresh = iter([enrich.eni_and_geoip(*world) for _ in range(ROUNDS + 3)])

        def enriched(fresh=fresh) -> int:
            report = Pipeline(sources=[log], to=["null:"], enrich=next(fresh)).run()
            return report.delivered["null:"]

        assert enriched() == read(log) == LINES
        laps = alternate({"read": lambda: read(log), "enriched": enriched}, rounds=ROUNDS)
        best = {name: min(lap.seconds) for name, lap in laps.items()}
        ratio = best["enriched"] / best["read"]
        ratios.append(ratio)
        told.append(f"{ratio:.2f} ({best['enriched']:.3f} s, {best['read']:.3f} s)")
        print(f"enriched / read: {told[-1]}; the aim is {MOST_TO_ENRICH}")
        if ratio <= MOST_TO_ENRICH:
            return
    assert min(ratios) <= GUARD, f"ENI and GeoIP take {', '.join(told)} times reading"


@pytest.mark.usefixtures("one_core")
def test_plain_python_keeps_up(log: Path) -> None:
    found = list(enrich.batches(log))
    keys = pa.chunked_array([batch["srcaddr"] for batch in found]).unique()
    assert len(keys) > 15_000
    told = []
    for _ in range(ATTEMPTS):
        laps = alternate({"lookup": lambda: enrich.enrich(found, [enrich.Lookup()])}, rounds=5)
        told.append(LINES / min(laps["lookup"].seconds))
        print(f"plain Python: {told[-1]:,.0f} records/s")
        if told[-1] >= LEAST_BY_PYTHON:
            return
    pytest.fail(f"plain Python: {', '.join(f'{rate:,.0f}' for rate in told)} records a second")
