"""The enricher as users meet it: columns, options, errors, and batches through the engine."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from vpcflow_geoip._native import _core
from vpcflow_geoip.enricher import GeoIP, Settings, from_text
from vpcflow_geoip.samples import write_asn_like, write_city_like
from vpcflow_geoip.writing import write_database

from vpcflow.enriching import Enrichment
from vpcflow.errors import InputError, PluginError, UsageError
from vpcflow.plugins import plugins

TEXT = "dictionary<int32, utf8>"
MUNICH = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "city": {"names": {"de": "München", "en": "Munich"}},
    "location": {"latitude": 48.137, "longitude": 11.575},
    "subdivisions": [{"iso_code": "BY"}],
    "traits": {"is_anycast": True, "user_count": 7},
}
NOWHERE = {"country": {"iso_code": "FR"}, "city": {"names": {"en": "Nowhere"}}}
SYSTEM = {"autonomous_system_number": 64496, "autonomous_system_organization": "Example"}


@pytest.fixture
def city(tmp_path: Path) -> Path:
    path = tmp_path / "city.mmdb"
    networks = {"9.0.0.0/8": MUNICH, "11.0.0.0/8": NOWHERE, "2a00::/16": MUNICH}
    write_database(path, networks, database_type="Own-City", languages=("de", "en"))
    return path


@pytest.fixture
def asn(tmp_path: Path) -> Path:
    path = tmp_path / "asn.mmdb"
    write_database(path, {"9.0.0.0/9": SYSTEM}, database_type="Own-ASN")
    return path


def answers(enricher: GeoIP, *addresses: str) -> dict[str, list[Any]]:
    columns = enricher.lookup_many(list(addresses))
    names = [name.removeprefix("{role}_") for name in enricher.adds]
    return dict(zip(names, (column.to_pylist() for column in columns), strict=True))


def batch(**columns: list[Any]) -> pa.RecordBatch:
    return pa.record_batch({name: pa.array(values) for name, values in columns.items()})


# ---- columns -------------------------------------------------------------------------------------


def test_two_databases_give_place_and_system(city: Path, asn: Path) -> None:
    enricher = from_text(f"{city}, {asn}", {})
    assert enricher.adds == {
        "{role}_scope": TEXT,
        "{role}_country": TEXT,
        "{role}_city": TEXT,
        "{role}_latitude": "float64",
        "{role}_longitude": "float64",
        "{role}_asn": "int64",
        "{role}_as_org": TEXT,
    }
    assert answers(enricher, "9.1.1.1", "11.0.0.1", "2a00::5", "12.0.0.1") == {
        "scope": ["public"] * 4,
        "country": ["DE", "FR", "DE", None],
        "city": ["Munich", "Nowhere", "Munich", None],
        "latitude": [48.137, None, 48.137, None],
        "longitude": [11.575, None, 11.575, None],
        "asn": [64496, None, None, None],
        "as_org": ["Example", None, None, None],
    }


@pytest.mark.parametrize(
    ("record", "columns"),
    [
        ({"country": {"iso_code": "DE"}}, ["country"]),
        ({"country_code": "DE"}, ["country"]),
        ({"country": "DE", "city": "Bonn"}, ["country", "city"]),
        ({"lat": 1.5, "lng": 2}, ["latitude", "longitude"]),
        ({"asn": "AS64496", "as_name": "Example"}, ["asn", "as_org"]),
        ({"traits": SYSTEM}, ["asn", "as_org"]),
        ({"country": {"names": {"en": "Germany"}}}, []),
    ],
)
def test_only_columns_that_can_be_filled_are_added(
    tmp_path: Path, record: dict[str, Any], columns: list[str]
) -> None:
    write_database(tmp_path / "any.mmdb", {"9.0.0.0/8": record}, database_type="GeoLite2-City")
    enricher = GeoIP([tmp_path / "any.mmdb"])
    assert list(enricher.adds) == ["{role}_scope", *(f"{{role}}_{name}" for name in columns)]
    found = answers(enricher, "9.0.0.1")
    assert all(values != [None] for values in found.values())
    assert found.get("asn", [64496]) == [64496]


def test_a_large_database_is_known_by_its_type_too(tmp_path: Path) -> None:
    """Only a part of a large file is looked at, and nothing in it may have what its type says."""
    networks = {f"{n >> 8}.{n & 255}.0.0/16": {"x": n} for n in range(256, 16_000)}
    write_database(tmp_path / "big.mmdb", networks, database_type="GeoIP2-Country")
    assert "{role}_country" in GeoIP([tmp_path / "big.mmdb"]).adds


def test_the_first_database_that_knows_an_address_answers(tmp_path: Path, city: Path) -> None:
    other = tmp_path / "other.mmdb"
    austria, switzerland = {"country": {"iso_code": "AT"}}, {"country": {"iso_code": "CH"}}
    networks = {"9.0.0.0/8": austria, "12.0.0.0/8": switzerland}
    write_database(other, networks, database_type="Own-Country")
    wanted = Settings(columns=("country",))
    texts = ("9.0.0.1", "12.0.0.1", "13.0.0.1")
    assert answers(GeoIP([city, other], wanted), *texts) == {"country": ["DE", "CH", None]}
    assert answers(GeoIP([other, city], wanted), *texts) == {"country": ["AT", "CH", None]}


@pytest.mark.parametrize(
    "text", ["", "-", "10.0.0", "10.0.0.256", "010.0.0.1", "fe80::1%eth0", "9.0.0.1 ", "\ud800"]
)
def test_what_is_no_address_gets_nulls(city: Path, asn: Path, text: str) -> None:
    found = answers(GeoIP([city, asn]), text)
    assert all(values == [None] for values in found.values())


@pytest.mark.parametrize(
    ("address", "scope"),
    [
        ("10.1.2.3", "private"),
        ("172.31.255.255", "private"),
        ("fd00:ec2::253", "private"),
        ("100.64.0.1", "shared"),
        ("127.0.0.1", "loopback"),
        ("169.254.169.254", "link-local"),
        ("224.0.0.251", "multicast"),
        ("255.255.255.255", "reserved"),
    ],
)
def test_private_and_reserved_addresses_are_not_looked_up(
    tmp_path: Path, address: str, scope: str
) -> None:
    path = tmp_path / "everywhere.mmdb"
    networks = {"0.0.0.0/1": NOWHERE, "128.0.0.0/1": NOWHERE, "fc00::/7": NOWHERE}
    write_database(path, networks, database_type="Own-Country")
    assert answers(GeoIP([path]), address)["country"] == [None]
    assert answers(GeoIP([path]), address)["scope"] == [scope]
    assert answers(GeoIP([path], Settings(lookup="all")), address)["country"] == ["FR"]


def test_documentation_addresses_are_named_and_looked_up(tmp_path: Path) -> None:
    path = tmp_path / "documentation.mmdb"
    write_database(path, {"192.0.2.0/24": MUNICH}, database_type="Own-City")
    found = answers(GeoIP([path]), "192.0.2.1")
    assert (found["scope"], found["country"]) == (["documentation"], ["DE"])


# ---- options -------------------------------------------------------------------------------------


def test_names_are_in_the_language_or_else_english(city: Path) -> None:
    enricher = from_text(str(city), {"language": "de"})
    assert answers(enricher, "9.0.0.1", "11.0.0.1")["city"] == ["München", "Nowhere"]


def test_columns_are_chosen(city: Path, asn: Path) -> None:
    enricher = from_text(f"{city},{asn}", {"columns": "asn,country"})
    assert list(enricher.adds) == ["{role}_country", "{role}_asn"]


def test_fields_are_named_with_and_without_a_type(city: Path) -> None:
    fields = "region:subdivisions.0.iso_code,anycast:traits.is_anycast,users:traits.user_count"
    enricher = from_text(str(city), {"fields": f"{fields},rare:traits.isp:text", "columns": ""})
    assert enricher.adds["{role}_region"] == TEXT
    assert enricher.adds["{role}_anycast"] == "bool"
    assert enricher.adds["{role}_users"] == "int64"
    assert enricher.adds["{role}_rare"] == TEXT
    found = answers(enricher, "9.0.0.1", "11.0.0.1")
    assert [found[name] for name in ("region", "anycast", "users", "rare")] == [
        ["BY", None],
        [True, None],
        [7, None],
        [None, None],
    ]


def test_a_field_takes_the_place_of_a_known_column(city: Path) -> None:
    enricher = from_text(str(city), {"fields": "country:country.names.en", "columns": "country"})
    assert answers(enricher, "9.0.0.1") == {"country": ["Germany"]}


def test_whole_numbers_and_others_are_float64(tmp_path: Path) -> None:
    path = tmp_path / "own.mmdb"
    networks = {"9.0.0.0/8": {"score": 1}, "11.0.0.0/8": {"score": 1.5}}
    write_database(path, networks, database_type="Own")
    enricher = from_text(str(path), {"fields": "score:score"})
    assert enricher.adds["{role}_score"] == "float64"
    assert answers(enricher, "9.0.0.1", "11.0.0.1")["score"] == [1.0, 1.5]


def test_a_value_of_another_type_is_an_error_and_not_null(tmp_path: Path) -> None:
    path = tmp_path / "own.mmdb"
    networks = {"9.0.0.0/8": {"id": 2**63}, "11.0.0.0/8": {"id": 5}}
    write_database(path, networks, database_type="Own")
    enricher = from_text(str(path), {"fields": "id:id:int64"})
    assert answers(enricher, "11.0.0.1")["id"] == [5]
    with pytest.raises(InputError, match="not of the type of its column"):
        enricher.lookup_many(["9.0.0.1"])
    assert answers(enricher, "11.0.0.1")["id"] == [5]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"langauge": "de"}, r"no option 'langauge'.*did you mean 'language'"),
        ({"language": "dee"}, r"no database has names in the language 'dee'; there are de, en"),
        ({"columns": "county"}, r"columns=county: there is no such column.*did you mean 'country'"),
        ({"columns": "asn"}, r"columns=asn: none of the databases has asn"),
        ({"addresses": "outer"}, r"addresses='outer' is not one of flow, packet"),
        ({"lookup": "none"}, r"lookup='none' is not one of public, all"),
        ({"fields": "region"}, r"does not name a column and a path.*name:path"),
        ({"fields": "Region:a"}, r"does not name a column and a path"),
        ({"fields": "a:b..c"}, r"does not name a column and a path"),
        ({"fields": "a:" + ".".join("b" * 40)}, r"path of 40 steps"),
        ({"fields": "a:b:txt"}, r"unknown type 'txt'.*did you mean 'text'"),
        ({"fields": "a:contry.iso_code"}, r"none of the \d records.*did you mean country.iso_code"),
        ({"fields": "a:country"}, r"leads to a map; it holds country.iso_code"),
        ({"fields": "a:subdivisions"}, r"leads to an array; its first element is subdivisions.0"),
        ({"fields": "a:country.iso_code,a:country.iso_code"}, r"names 'a' twice"),
        ({"fields": ",".join(["a:b"] * 51)}, r"names 51 columns; 50 is the most"),
        ({"fields": "scope:country.iso_code"}, r"cannot name a column 'scope'"),
    ],
)
def test_wrong_options_say_what_is_right(city: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=f"(?s){said}"):
        from_text(str(city), options)


# ---- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: None, r"there is no GeoIP database .*did you mean .*city.mmdb"),
        (lambda p: p.write_bytes(b""), r"is an empty file"),
        (lambda p: p.write_bytes(b"ip,country\n" * 99), r"is no MaxMind DB file"),
        (lambda p: p.write_bytes(gzip.compress(b"x" * 99)), r"(?s)is no MaxMind.*gzip-compressed"),
        (lambda p: p.write_bytes(b"PK\x03\x04" + bytes(99)), r"(?s)is no MaxMind.*a zip archive"),
        (lambda p: p.mkdir(), r"cannot be read: Is a directory"),
    ],
)
def test_wrong_files_say_what_they_are(
    city: Path, make: Callable[[Path], object], said: str
) -> None:
    path = city.parent / "cit.mmdb"
    make(path)
    with pytest.raises(UsageError, match=f"(?s){said}"):
        from_text(str(path), {})


def test_no_file_is_an_error_with_an_example() -> None:
    with pytest.raises(UsageError, match=r"(?s)needs a database.*GeoLite2-City\.mmdb"):
        from_text("", {})


def test_another_version_of_the_format_is_refused(city: Path) -> None:
    content = city.read_bytes()
    at = content.rindex(b"binary_format_major_version") + len(b"binary_format_major_version")
    city.write_bytes(
        content[:at] + content[at : at + 2].replace(b"\x02", b"\x03") + content[at + 2 :]
    )
    with pytest.raises(UsageError, match="has format version 3; 2 is known"):
        from_text(str(city), {})


# ---- through the engine --------------------------------------------------------------------------


def test_both_ends_of_records_get_columns(city: Path, asn: Path) -> None:
    records = batch(
        srcaddr=["9.0.0.1", "10.0.0.1", None, "x"], dstaddr=["10.0.0.1", "11.0.0.1", "9.0.0.1", "-"]
    )
    chain = Enrichment([from_text(f"{city},{asn}", {})], records.schema)
    made = chain.apply(records).to_pydict()
    assert made["src_country"] == ["DE", None, None, None]
    assert made["dst_country"] == [None, "FR", "DE", None]
    assert made["src_scope"] == ["public", "private", None, None]
    assert made["dst_asn"] == [None, None, 64496, None]
    assert pa.types.is_dictionary(chain.schema.field("src_country").type)
    chain.close()


def test_packet_addresses_are_taken_where_there_are_any(city: Path) -> None:
    records = batch(srcaddr=["9.0.0.1"], dstaddr=["9.0.0.1"], pkt_dstaddr=["11.0.0.1"])
    for wanted, expected in (("flow", "DE"), ("packet", "FR")):
        enricher = from_text(str(city), {"addresses": wanted, "columns": "country"})
        made = Enrichment([enricher], records.schema).apply(records).to_pydict()
        assert (made["src_country"], made["dst_country"]) == (["DE"], [expected])


def test_a_damaged_database_stops_the_run_or_gives_nulls(city: Path) -> None:
    """Damage that is met on the way: a key whose length leads out of the file."""
    enrichers = [from_text(str(city), {"columns": "country"}) for _ in range(2)]
    with city.open("r+b") as file:
        file.seek(city.read_bytes().index(b"iso_code") - 1)
        file.write(b"\xff")
    records = batch(srcaddr=["9.0.0.1"], dstaddr=["9.0.0.1"])
    with pytest.raises(PluginError, match="GeoIP database is damaged") as raised:
        Enrichment(enrichers[:1], records.schema).apply(records, "x.log")
    assert "x.log" in str(raised.value)
    chain = Enrichment(enrichers[1:], records.schema, on_error="null")
    assert chain.apply(records).to_pydict()["src_country"] == [None]


def test_answers_for_many_batches_stay_the_same(tmp_path: Path) -> None:
    """Tables and their texts grow from batch to batch; the columns that were given out do not
    change."""
    write_city_like(tmp_path / "city.mmdb", 5_000)
    write_asn_like(tmp_path / "asn.mmdb", 5_000)
    paths = [tmp_path / "city.mmdb", tmp_path / "asn.mmdb"]
    texts = [f"{a}.{b}.1.1" for a in range(1, 200) for b in range(0, 256, 8)]
    whole = answers(GeoIP(paths), *texts)
    enricher = GeoIP(paths)
    parts = [enricher.lookup_many(texts[at : at + 97]) for at in range(0, len(texts), 97)]
    for number, values in enumerate(whole.values()):
        assert [v for part in parts for v in part[number].to_pylist()] == values
        for part in parts:
            part[number].validate(full=True)


def test_two_threads_cannot_use_one_table(tmp_path: Path) -> None:
    """The GIL is released in look-ups; a second thread is refused, not let in."""
    write_city_like(tmp_path / "city.mmdb", 20_000)
    enricher = GeoIP([tmp_path / "city.mmdb"])
    texts = [f"{n >> 8}.{n & 255}.{n % 199}.9" for n in range(1 << 16)]
    array = pa.array(texts)
    refused: list[str] = []

    def ask() -> None:
        for _ in range(8):
            try:
                enricher.lookup_many(array)
            except RuntimeError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(refused) <= {"the table is in use by another thread"}
    assert answers(enricher, "9.0.0.1").keys() >= {"country"}


def test_rows_and_columns_that_do_not_exist_are_refused(city: Path) -> None:
    enricher = GeoIP([city])
    table = enricher._tables[0]._table
    with pytest.raises(IndexError, match="no such row"):
        _core.values(table, 0, (5).to_bytes(4, "little"))
    with pytest.raises(IndexError, match="no column 99"):
        _core.values(table, 99, b"")


def test_the_plugin_is_found_and_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    assert plugins().enrichers["geoip"].distribution == "vpcflow-geoip"
    code = "import sys, vpcflow_geoip.plugin; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pyarrow", "vpcflow_geoip._native._core", "mmap"} & set(ran.stdout.split())
