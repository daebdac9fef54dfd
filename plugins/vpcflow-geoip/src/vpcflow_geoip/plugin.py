"""What vpcflow finds of this distribution: the enricher `geoip`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vpcflow.hookspecs import hookimpl

if TYPE_CHECKING:
    from vpcflow.registry import Register
    from vpcflow_geoip.enricher import GeoIP


@hookimpl
def vpcflow_register_enrichers(register: Register) -> None:
    register("geoip", _geoip)


def _geoip(argument: str, options: Mapping[str, str]) -> GeoIP:
    from vpcflow_geoip.enricher import from_text

    return from_text(argument, options)
