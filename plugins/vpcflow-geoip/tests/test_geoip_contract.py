"""The suite that every enricher of a plugin is held to."""

from __future__ import annotations

from pathlib import Path

from vpcflow_geoip.enricher import from_text

from vpcflow.testing import EnricherSuite

DATABASES = Path(__file__).parents[3] / "tests" / "data" / "samples-geoip"


class TestGeoIP(EnricherSuite):
    factory = staticmethod(from_text)
    argument = f"{DATABASES / 'city.mmdb'},{DATABASES / 'asn.mmdb'}"
    examples = (
        (
            {"srcaddr": "52.218.36.75", "dstaddr": "10.0.0.31"},
            {
                "src_scope": "public",
                "src_country": "IE",
                "src_city": "Dublin",
                "src_latitude": 53.3379,
                "src_asn": 16509,
                "dst_scope": "private",
                "dst_country": None,
            },
        ),
        ({"srcaddr": "-", "dstaddr": None}, {"src_scope": None, "dst_scope": None}),
    )


class TestPacketAddresses(EnricherSuite):
    factory = staticmethod(from_text)
    argument = f"{DATABASES / 'city.mmdb'}"
    options = {"addresses": "packet", "lookup": "all", "fields": "name:country.names.en"}
    examples = (
        (
            {"srcaddr": "10.0.0.4", "pkt_srcaddr": "198.51.100.66", "dstaddr": "192.0.2.7"},
            {"src_name": "Vietnam", "dst_country": None},
        ),
    )
