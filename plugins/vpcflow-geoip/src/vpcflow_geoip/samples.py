"""Invented databases in the shape of real ones, for tests and benchmarks.

City-like: 500,000 networks share some 150,000 records, as places differ in their coordinates, and
all of a country share its names. ASN-like: networks share the records of 70,000 systems, few of
which have most of the networks. The same seed gives the same file.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

from vpcflow_geoip.writing import Network, write_database

LANGUAGES = ("de", "en", "es", "fr", "ja", "pt-BR", "ru", "zh-CN")
_COUNTRIES = "AEARATAUBEBGBRCACHCLCNCOCZDEDKEGESFIFRGBGRHKHUIDIEILINITJPKEKRMXMYNGNLNONZPEPHPKPLPT"
_COUNTRIES += "RORUSASESGTHTRTWUAUSVNZA"
_SYLLABLES = (
    "al",
    "ber",
    "cor",
    "dan",
    "el",
    "fol",
    "gar",
    "hol",
    "kel",
    "lan",
    "mar",
    "nor",
    "os",
)
_ENDS = ("burg", "ton", "ville", "stad", "ford", "mont", "berg", "haven")
_ORGANISATIONS = ("Networks", "Telecom", "Hosting", "Broadband", "University", "Cloud", "Mobile")


def write_city_like(
    path: str | os.PathLike[str], networks: int = 500_000, *, seed: int = 1, record_size: int = 28
) -> None:
    """A database as GeoLite2-City is one, a fifth of its networks IPv6."""
    dice = random.Random(seed)
    countries = [_country(_COUNTRIES[i : i + 2], dice) for i in range(0, len(_COUNTRIES), 2)]
    places = [_place(countries, dice) for _ in range(max(50, networks * 3 // 10))]
    write_database(
        path,
        _skewed(spread_networks(networks, seed), places, dice),
        database_type="GeoLite2-City",
        languages=LANGUAGES,
        description="Invented places",
        record_size=record_size,
    )


def write_asn_like(
    path: str | os.PathLike[str], networks: int = 500_000, *, seed: int = 2, record_size: int = 24
) -> None:
    """A database as GeoLite2-ASN is one, a fifth of its networks IPv6."""
    dice = random.Random(seed)
    numbers = dice.sample(range(1, 400_000), max(20, min(70_000, networks // 7)))
    systems = [
        {
            "autonomous_system_number": number,
            "autonomous_system_organization": f"{_name(dice)} {dice.choice(_ORGANISATIONS)}",
        }
        for number in numbers
    ]
    write_database(
        path,
        _skewed(spread_networks(networks, seed), systems, dice),
        database_type="GeoLite2-ASN",
        description="Invented systems",
        record_size=record_size,
    )


def spread_networks(count: int, seed: int) -> Iterator[Network]:
    """At least so many networks (if not very few) that do not overlap: four fifths IPv4 of any
    length, the others IPv6 up to /48 in 2400::/12, 2600::/12 and 2a00::/12. One in ten places in
    them is left empty."""
    dice = random.Random(seed)
    count = count * 23 // 20
    count_4 = count * 4 // 5
    for address, length in ((0, 1), (1 << 31, 2), (3 << 30, 3)):
        share = count_4 * 4 * 2 // 7 >> length
        yield from _divide(4, address, length, 32, share, dice)
    for first in (0x2400, 0x2600, 0x2A00):
        yield from _divide(6, first << 112, 12, 48, (count - count_4) // 3, dice)


def _divide(
    version: int, address: int, length: int, longest: int, count: int, dice: random.Random
) -> Iterator[Network]:
    """Divide a network unevenly, and its parts again, until there are `count`."""
    if count <= 1 or length == longest:
        if dice.random() < 0.9:
            yield version, address, length
        return
    room = 1 << min(longest - length - 1, 62)
    left = min(room, max(count - room, round(count * dice.uniform(0.25, 0.75))))
    half = 1 << ((32 if version == 4 else 128) - length - 1)
    yield from _divide(version, address, length + 1, longest, left, dice)
    yield from _divide(version, address + half, length + 1, longest, count - left, dice)


def _skewed(
    networks: Iterator[Network], records: list[dict[str, Any]], dice: random.Random
) -> Iterator[tuple[Network, dict[str, Any]]]:
    """Most networks have one of the first records, and every record may be met."""
    for network in networks:
        share = dice.random() ** 2
        yield network, records[int(share * len(records))]


def _name(dice: random.Random) -> str:
    return "".join(dice.choices(_SYLLABLES, k=dice.randint(1, 3))).capitalize() + dice.choice(_ENDS)


def _names(dice: random.Random, languages: int) -> dict[str, str]:
    """English always, others for the better known."""
    name = _name(dice)
    others = [code for code in LANGUAGES if code != "en"][:languages]
    return dict(sorted({"en": name, **{code: f"{name} ({code})" for code in others}}.items()))


def _country(code: str, dice: random.Random) -> dict[str, Any]:
    return {
        "continent": {"code": "EU", "geoname_id": 6_255_148, "names": _names(dice, 7)},
        "country": {
            "geoname_id": dice.randrange(10**6, 10**7),
            "iso_code": code,
            "names": _names(dice, 7),
        },
    }


def _place(countries: list[dict[str, Any]], dice: random.Random) -> dict[str, Any]:
    country = countries[int(dice.random() ** 2 * len(countries))]
    place: dict[str, Any] = {"continent": country["continent"], "country": country["country"]}
    if dice.random() < 0.9:
        names = _names(dice, dice.choice((0, 0, 0, 2, 7)))
        place["city"] = {"geoname_id": dice.randrange(10**6, 10**7), "names": names}
    place["location"] = {
        "accuracy_radius": dice.choice((1, 5, 10, 20, 50, 100, 200, 500, 1000)),
        "latitude": round(dice.uniform(-60, 70), 4),
        "longitude": round(dice.uniform(-180, 180), 4),
        "time_zone": f"Invented/{country['country']['iso_code']}",
    }
    if dice.random() < 0.5:
        place["postal"] = {"code": str(dice.randrange(10000, 99999))}
    place["registered_country"] = country["country"]
    if dice.random() < 0.7:
        code = str(dice.randrange(10, 99))
        place["subdivisions"] = [{"iso_code": code, "names": {"en": f"Region {code}"}}]
    return place
