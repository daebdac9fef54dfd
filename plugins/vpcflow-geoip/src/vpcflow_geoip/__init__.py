"""GeoIP for vpcflow: `--enrich geoip=City.mmdb,ASN.mmdb`. See `enricher.GeoIP`."""

__version__ = "0.1.0"
