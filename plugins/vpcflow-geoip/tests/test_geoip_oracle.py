"""Look-ups against `maxminddb`: a million random addresses, several databases and writers."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import maxminddb
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from vpcflow_geoip.enricher import GeoIP, Settings
from vpcflow_geoip.samples import spread_networks, write_asn_like, write_city_like

Answers = Callable[[Mapping[str, Any]], tuple[Any, ...]]
CITY = ("country", "city", "latitude", "longitude")
ASN = ("asn", "as_org")


def of_city(record: Mapping[str, Any]) -> tuple[Any, ...]:
    names = record.get("city", {}).get("names", {})
    location = record.get("location", {})
    return (
        record.get("country", {}).get("iso_code"),
        names.get("de", names.get("en")),
        location.get("latitude"),
        location.get("longitude"),
    )


def of_asn(record: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        record.get("autonomous_system_number"),
        record.get("autonomous_system_organization"),
    )


def of_country(record: Mapping[str, Any]) -> tuple[Any, ...]:
    return (record.get("country", {}).get("iso_code"),)


def random_addresses(count: int, seed: int) -> list[str]:
    """Half IPv4, of all of it; half IPv6, most of them where networks are."""
    dice = random.Random(seed)
    firsts = (0x2400, 0x2600, 0x2A00)
    texts = [str(ipaddress.IPv4Address(dice.getrandbits(32))) for _ in range(count // 2)]
    for _ in range(count // 2):
        inside = (dice.choice(firsts) << 112) | dice.getrandbits(116)
        number = dice.getrandbits(128) if dice.random() < 0.1 else inside
        texts.append(str(ipaddress.IPv6Address(number)))
    return texts


def edges(networks: list[tuple[int, int, int]], count: int, seed: int) -> list[str]:
    """First and last addresses of networks, and those beside them."""
    texts = []
    for version, first, length in random.Random(seed).sample(networks, count):
        bits = 32 if version == 4 else 128
        make = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
        last = first + (1 << (bits - length)) - 1
        beside = (max(first - 1, 0), first, last, min(last + 1, (1 << bits) - 1))
        texts += [str(make(number)) for number in beside]
    return texts


def hits_equal_to_maxminddb(
    path: Path, addresses: list[str], columns: Sequence[str], answers: Answers, language: str = "en"
) -> int:
    """Compare all columns for all addresses; the number of addresses with a record."""
    enricher = GeoIP([path], Settings(lookup="all", language=language))
    assert list(enricher.adds) == [f"{{role}}_{name}" for name in ("scope", *columns)]
    ours = [column.to_pylist() for column in enricher.lookup_many(addresses)[1:]]
    hits = 0
    with maxminddb.open_database(path) as reader:
        for address, found in zip(addresses, zip(*ours, strict=True), strict=True):
            record = reader.get(address)
            hits += record is not None
            assert found == answers(record or {}), address
    return hits


@pytest.mark.parametrize("record_size", [24, 28, 32])
def test_a_city_database(tmp_path: Path, record_size: int) -> None:
    write_city_like(tmp_path / "city.mmdb", 20_000, record_size=record_size, seed=record_size)
    addresses = random_addresses(200_000, record_size)
    networks = list(spread_networks(20_000, record_size))
    addresses += edges(networks, 5_000, 1)
    assert hits_equal_to_maxminddb(tmp_path / "city.mmdb", addresses, CITY, of_city, "de") > 120_000


def test_half_a_million_networks(tmp_path: Path) -> None:
    write_asn_like(tmp_path / "asn.mmdb", 500_000)
    addresses = random_addresses(380_000, 4)
    assert hits_equal_to_maxminddb(tmp_path / "asn.mmdb", addresses, ASN, of_asn) > 250_000


def test_databases_of_another_writer(tmp_path: Path) -> None:
    """Trees of mmdb_writer, with IPv4 at ::/96 and networks inside of others."""
    dice = random.Random(5)
    for size in (24, 28):
        writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Any-ASN")
        filler = "x" * (1 if size == 24 else 300)
        for number in range(1500 if size == 24 else 3000):
            length = dice.randint(4, 32)
            first = ipaddress.ip_network((dice.getrandbits(32), length), strict=False)
            somewhere = (0x2A00 << 112) | dice.getrandbits(116)
            other = ipaddress.ip_network((somewhere, dice.randint(16, 128)), strict=False)
            organisation = f"{filler}{number}"
            record = {
                "autonomous_system_number": number,
                "autonomous_system_organization": organisation,
            }
            writer.insert_network(IPSet([str(first), str(other)]), record)
        path = tmp_path / f"{size}.mmdb"
        writer.to_db_file(str(path))
        hits = hits_equal_to_maxminddb(path, random_addresses(10_000, 3), ASN, of_asn)
        assert hits > 4_000


def test_a_database_of_ipv4_alone(tmp_path: Path) -> None:
    writer = MMDBWriter(ip_version=4, database_type="Any-Country")
    writer.insert_network(IPSet(["9.0.0.0/9"]), {"country": {"iso_code": "DE"}})
    writer.insert_network(IPSet(["9.128.0.0/30"]), {"country": {"iso_code": "FR"}})
    writer.to_db_file(str(tmp_path / "four.mmdb"))
    addresses = ["9.0.0.0", "9.127.255.255", "9.128.0.3", "9.128.0.4", "8.255.255.255"]
    assert hits_equal_to_maxminddb(tmp_path / "four.mmdb", addresses, ["country"], of_country) == 3
    enricher = GeoIP([tmp_path / "four.mmdb"])
    assert enricher.lookup_many(["2a00::1", "9.0.0.1"])[1].to_pylist() == [None, "DE"]


def test_mapped_and_nat64_addresses_are_looked_up_by_their_ipv4_address(tmp_path: Path) -> None:
    write_asn_like(tmp_path / "asn.mmdb", 2_000)
    enricher = GeoIP([tmp_path / "asn.mmdb"], Settings(columns=("asn",)))
    (numbers,) = enricher.lookup_many(["8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::808:808"])
    assert numbers[0].as_py() is not None
    assert len(set(numbers.to_pylist())) == 1
