"""Look-ups in a database of half a million networks, against maxminddb; and what enriching costs.

    python plugins/vpcflow-geoip/benchmarks/geoip.py [--directory DIR]

Answers are compared first. maxminddb decodes whole records, which is the only way it has.
Everything runs on one thread, and CPU time is measured. Databases and logs are made in DIR and
kept there, so that the next run is quick.
"""

from __future__ import annotations

import argparse
import gzip
import ipaddress
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import maxminddb
import pyarrow as pa
from vpcflow_geoip.enricher import GeoIP, Settings
from vpcflow_geoip.samples import write_asn_like, write_city_like

import vpcflow
from vpcflow.enriching import Enrichment

LOOKUPS = 1_000_000
DISTINCT = 30_000
RECORDS = 1_000_000
COLUMNS = ("country", "city", "latitude", "longitude")


def best(work: Callable[[], Any], turns: int = 5) -> float:
    """CPU seconds of the quickest turn: others may use the machine."""
    times = []
    for _ in range(turns):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def random_addresses(count: int, version: int, seed: int) -> list[str]:
    """All over IPv4; for IPv6, in a part of it that has networks."""
    dice = random.Random(seed)
    if version == 4:
        return [str(ipaddress.IPv4Address(dice.getrandbits(32))) for _ in range(count)]
    first = 0x2A00 << 112
    return [str(ipaddress.IPv6Address(first | dice.getrandbits(116))) for _ in range(count)]


def databases(directory: Path) -> list[Path]:
    paths = [directory / "city.mmdb", directory / "asn.mmdb"]
    for path, write in zip(paths, (write_city_like, write_asn_like), strict=True):
        if not path.exists():
            write(path, 500_000)
    return paths


def same_answers(enricher: GeoIP, path: Path, texts: list[str]) -> None:
    countries = enricher.lookup_many(texts)[0].to_pylist()
    with maxminddb.open_database(path) as reader:
        for text, country in zip(texts, countries, strict=True):
            record: Any = reader.get(text) or {}
            if country != record.get("country", {}).get("iso_code"):
                raise SystemExit(f"{text}: {country} is not what maxminddb finds")


def get_all(reader: maxminddb.Reader, texts: list[str]) -> None:
    for text in texts:
        reader.get(text)


def lookups(paths: list[Path]) -> None:
    city = paths[0]
    print(f"load: {best(lambda: GeoIP([city])):.3f} s")
    for version in (4, 6):
        texts = random_addresses(LOOKUPS, version, 1)
        array = pa.array(texts)
        enricher = GeoIP([city], Settings(columns=COLUMNS, lookup="all"))
        same_answers(enricher, city, texts[:50_000])
        for what, given in (("pyarrow array", array), ("list of str", texts)):
            seconds = best(partial(enricher.lookup_many, given))
            print(f"IPv{version}, {what}: {LOOKUPS / seconds / 1e6:.1f} M/s (4 columns)")
        with maxminddb.open_database(city) as reader:
            seconds = best(partial(get_all, reader, texts[:50_000]), 3)
        print(f"IPv{version}, maxminddb: {50_000 / seconds / 1e6:.2f} M/s")


def first_seen(paths: list[Path]) -> None:
    texts = random_addresses(DISTINCT, 4, 2)
    times = []
    for _ in range(5):
        enricher = GeoIP(paths)
        times.append(best(partial(enricher.lookup_many, texts), 1))
    print(f"{DISTINCT} new addresses in two databases: {min(times) * 1000:.1f} ms")


def write_logs(path: Path) -> None:
    dice = random.Random(3)
    known = random_addresses(DISTINCT - 500, 4, 4)
    own = [f"10.0.{n >> 8}.{n & 255}" for n in range(500)]
    with gzip.open(path, "wb", 6) as file:
        for number in range(RECORDS):
            ends = [dice.choice(own), known[int(dice.random() ** 2 * len(known))]]
            dice.shuffle(ends)
            start = 1_789_380_000 + number // 100
            packets = dice.randrange(1, 500)
            file.write(
                f"2 123456789010 eni-{dice.randrange(200):017x} {ends[0]} {ends[1]} "
                f"{dice.randrange(1024, 65536)} 443 6 {packets} {packets * 700} {start} "
                f"{start + 60} ACCEPT OK\n".encode()
            )


def enriching(paths: list[Path], logs: Path) -> None:
    def read() -> None:
        for _ in vpcflow.scan(logs, format="default", text="utf8", threads=1):
            pass

    def enrich() -> None:
        chain = None
        for batch in vpcflow.scan(logs, format="default", text="utf8", threads=1):
            given = pa.record_batch(batch)
            chain = chain or Enrichment([GeoIP(paths)], given.schema)
            chain.apply(given)

    reading, both = best(read), best(enrich)
    print(f"{RECORDS} records of .gz: {reading:.3f} s")
    print(f"read and enriched: {both:.3f} s, {both / reading:.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path)
    given = parser.parse_args().directory
    with tempfile.TemporaryDirectory() as temporary:
        directory = given or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        paths, logs = databases(directory), directory / "flows.log.gz"
        if not logs.exists():
            write_logs(logs)
        lookups(paths)
        first_seen(paths)
        enriching(paths, logs)


if __name__ == "__main__":
    main()
