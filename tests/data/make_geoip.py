"""Write the sample GeoIP databases: `python tests/data/make_geoip.py [DIRECTORY]`.

They cover the addresses of the sample logs. Those are of ranges reserved for documentation, which
belong to nobody: where they are said to be here is invented, and so are their systems (RFC 5398
reserves the numbers). AWS's own ranges are where AWS says that they are.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from vpcflow_geoip.writing import write_database

Record = dict[str, Any]


def place(country: str, names: dict[str, str], latitude: float, longitude: float) -> Record:
    """A record as GeoLite2-City holds it; without names only the country is known."""
    countries = {
        "BR": {"en": "Brazil", "de": "Brasilien"},
        "DE": {"en": "Germany", "de": "Deutschland"},
        "FR": {"en": "France", "de": "Frankreich"},
        "IE": {"en": "Ireland", "de": "Irland"},
        "IT": {"en": "Italy", "de": "Italien"},
        "JP": {"en": "Japan", "de": "Japan"},
        "NL": {"en": "Netherlands", "de": "Niederlande"},
        "VN": {"en": "Vietnam", "de": "Vietnam"},
    }
    made: Record = {"country": {"iso_code": country, "names": countries[country]}}
    if names:
        made["city"] = {"names": names}
    made["location"] = {"latitude": latitude, "longitude": longitude}
    return made


DUBLIN = place("IE", {"en": "Dublin", "de": "Dublin"}, 53.3379, -6.2591)
MUNICH = place("DE", {"en": "Munich", "de": "München"}, 48.1371, 11.5754)
MILAN = place("IT", {"en": "Milan", "de": "Mailand"}, 45.4643, 9.1895)
PARIS = place("FR", {"en": "Paris", "de": "Paris"}, 48.8534, 2.3488)
AMSTERDAM = place("NL", {"en": "Amsterdam", "de": "Amsterdam"}, 52.3759, 4.8975)
TOKYO = place("JP", {"en": "Tokyo", "de": "Tokio"}, 35.6893, 139.6899)
BRAZIL = place("BR", {}, -22.8305, -43.2192)
VIETNAM = place("VN", {}, 16.0, 106.0)

PLACES = {
    "52.218.0.0/17": DUBLIN,
    "192.0.2.0/26": MUNICH,
    "192.0.2.64/26": PARIS,
    "192.0.2.128/27": MILAN,
    "192.0.2.160/27": TOKYO,
    "192.0.2.192/26": BRAZIL,
    "198.51.100.0/24": VIETNAM,
    "203.0.113.0/24": AMSTERDAM,
    "2001:db8:0::/48": PARIS,
    "2001:db8:1::/48": MUNICH,
    "2001:db8:2::/48": MILAN,
    "2001:db8:a::/48": TOKYO,
    "2001:db8:bad::/48": VIETNAM,
    "2001:db8:ffff::/48": AMSTERDAM,
    "2a05:d018::/35": DUBLIN,
}


def system(number: int, organisation: str) -> Record:
    """A record as GeoLite2-ASN holds it."""
    return {
        "autonomous_system_number": number,
        "autonomous_system_organization": organisation,
    }


AMAZON = system(16509, "AMAZON-02")
BROADBAND = system(64496, "Example Broadband")
MOBILE = system(64497, "Example Mobile")
HOSTING = system(64500, "Example Hosting")
PAYMENTS = system(64501, "Example Payments")

SYSTEMS = {
    "52.218.0.0/17": AMAZON,
    "192.0.2.0/25": BROADBAND,
    "192.0.2.128/25": MOBILE,
    "198.51.100.0/24": HOSTING,
    "203.0.113.0/24": PAYMENTS,
    "2001:db8:0::/47": BROADBAND,
    "2001:db8:2::/48": MOBILE,
    "2001:db8:a::/48": MOBILE,
    "2001:db8:bad::/48": HOSTING,
    "2001:db8:ffff::/48": PAYMENTS,
    "2a05:d018::/35": AMAZON,
}


def main(directory: Path) -> None:
    """Write both databases into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    write_database(
        directory / "city.mmdb",
        PLACES,
        database_type="Sample-City",
        languages=("de", "en"),
        description="Invented places of the sample logs' addresses",
    )
    write_database(
        directory / "asn.mmdb",
        SYSTEMS,
        database_type="Sample-ASN",
        description="Invented systems of the sample logs' addresses",
    )


if __name__ == "__main__":
    beside = Path(__file__).parent / "samples-geoip"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else beside)
