"""What a month of flow logs costs at each place that AWS delivers them to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from vpcflow_query.cost.volume import COMPRESSION, Monthly
from vpcflow_query.prices import DESTINATIONS, Destination, Prices
from vpcflow_query.tiers import Amount

TITLES: Mapping[str, str] = {
    "cloudwatch": "CloudWatch Standard",
    "cloudwatch-ia": "CloudWatch IA",
    "s3": "S3 (text)",
    "s3-parquet": "S3 (Parquet)",
    "firehose": "Firehose",
}
PARQUET = 0.8
"""Bytes of AWS's Parquet files for one of its gzip text (VPC User Guide: about 20 % less)."""


@frozen
class DestinationCost:
    """One destination. amounts: what is billed every month: delivery, conversion, ingestion, and
    storage once `retention` months lie there. scan: one query that reads a whole month, which no
    total holds; None where queries are somebody else's."""

    destination: Destination
    amounts: tuple[Amount, ...]
    scan: Amount | None

    @property
    def title(self) -> str:
        return TITLES[self.destination]

    @property
    def usd(self) -> float:
        return sum(amount.usd for amount in self.amounts)

    @property
    def confirmed(self) -> bool:
        return all(amount.confirmed for amount in self.amounts)

    def amount(self, charge: str) -> Amount | None:
        return next((a for a in self.amounts if a.charge == charge), None)

    def as_dict(self) -> dict[str, Any]:
        return {
            "destination": self.destination,
            "usd_per_month": self.usd,
            "confirmed": self.confirmed,
            "charges": [_as_dict(amount) for amount in self.amounts],
            "query_of_a_month": None if self.scan is None else _as_dict(self.scan),
        }


def cost_at(
    destination: Destination,
    month: Monthly,
    prices: Prices,
    region: str,
    *,
    retention: float,
    compression: float = COMPRESSION,
) -> DestinationCost:
    """retention: months that the logs are kept. compression: bytes of text for one of gzip."""
    amounts, scan = [], None
    for charge in prices.charges(region, destination):
        if charge.name == "scan":
            scan = charge.amount(_scanned(destination, month.gb, compression))
        elif charge.name == "storage":
            amounts.append(charge.amount(_stored(destination, month.gb, compression) * retention))
        else:
            amounts.append(charge.amount(month.gb))
    return DestinationCost(destination, tuple(amounts), scan)


def costs(
    month: Monthly, prices: Prices, region: str, *, retention: float, compression: float
) -> tuple[DestinationCost, ...]:
    """At every destination, in the order of `DESTINATIONS`."""
    return tuple(
        cost_at(one, month, prices, region, retention=retention, compression=compression)
        for one in DESTINATIONS
    )


def _stored(destination: str, gb: float, compression: float) -> float:
    """GB at rest: CloudWatch bills the compressed size, S3 holds gzip or Parquet."""
    return gb / compression * (PARQUET if destination == "s3-parquet" else 1.0)


def _scanned(destination: str, gb: float, compression: float) -> float:
    """GB that a query over a whole month is billed for: Logs Insights reads the text, Athena what
    is stored; of Parquet only the columns that are asked for, which may be all."""
    return gb if destination.startswith("cloudwatch") else _stored(destination, gb, compression)


def _as_dict(amount: Amount) -> dict[str, Any]:
    return {
        "charge": amount.charge,
        "gb": amount.gb,
        "usd": amount.usd,
        "confirmed": amount.confirmed,
        "source": amount.source,
        "tiers": [
            {"gb": step.gb, "usd_per_gb": step.tier.usd, "usd": step.usd} for step in amount.steps
        ],
    }
