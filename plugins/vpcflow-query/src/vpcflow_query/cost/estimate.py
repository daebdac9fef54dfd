"""From a volume and a price table to what flow logs cost, why, and what would make them cheaper."""

from __future__ import annotations

from typing import Any

from attrs import asdict, evolve, frozen

from vpcflow.errors import UsageError, printable
from vpcflow_query.cost.destinations import TITLES, DestinationCost, cost_at, costs
from vpcflow_query.cost.drivers import Driver, drivers
from vpcflow_query.cost.levers import VolumeLever, overlap, volume_levers
from vpcflow_query.cost.notes import notes_on
from vpcflow_query.cost.volume import COMPRESSION, Monthly, Volume
from vpcflow_query.prices import BASE, DESTINATIONS, Destination, Prices, built_in, is_region
from vpcflow_query.tiers import GB

_LOST = {
    "cloudwatch": "",
    "cloudwatch-ia": "no metric filters, subscriptions, live tail or alarms on its contents",
    "s3": "no Logs Insights, metric filters or alarms; queries by Athena or vpcflow",
    "s3-parquet": "as S3 text; fewer tools read it, and small periods make small files",
    "firehose": "what it delivers to is not counted",
}
_KEEP_LESS = VolumeLever(
    "retention",
    "keep one month",
    0.0,
    False,
    "storage only, since delivery is paid once: a log group keeps for ever unless told so, a "
    "bucket needs a lifecycle rule",
    "what is older is gone",
)


@frozen
class Lever:
    """One way to pay less. usd: saved a month at the chosen destination. share: of what is paid
    there, 0 to 1. keeps: whether all that the logs tell would still be told somewhere. what,
    caveat: in words. confirmed: whether the prices behind it are."""

    name: str
    title: str
    usd: float
    share: float
    keeps: bool
    what: str
    caveat: str
    confirmed: bool = True


@frozen
class Estimate:
    """What flow logs cost. destination: where these go; assumed: nothing told so. costs: at every
    destination. levers: the largest saving first; savings do not add up. notes: what limits it."""

    month: Monthly
    region: str
    destination: Destination
    assumed: bool
    retention: float
    prices: Prices
    costs: tuple[DestinationCost, ...]
    levers: tuple[Lever, ...]
    drivers: tuple[Driver, ...]
    notes: tuple[str, ...]
    volume: Volume | None = None

    @property
    def chosen(self) -> DestinationCost:
        return next(one for one in self.costs if one.destination == self.destination)

    @property
    def best(self) -> Lever | None:
        """The lever that saves most among those that lose nothing, else the one that saves most."""
        kept = [lever for lever in self.levers if lever.keeps]
        return next(iter(kept or self.levers), None)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: numbers and words, in the order in which people would ask."""
        return {
            "usd_per_month": self.chosen.usd,
            "destination": self.destination,
            "destination_assumed": self.assumed,
            "region": self.region,
            "retention_months": self.retention,
            "gb_per_month": self.month.gb,
            "records_per_month": self.month.records,
            "bytes_per_record": self.month.bytes_per_record,
            "basis": self.month.basis,
            "weak": self.month.weak,
            "destinations": [one.as_dict() for one in self.costs],
            "drivers": [asdict(one) for one in self.drivers],
            "levers": [asdict(one) for one in self.levers],
            "measured": None if self.volume is None else measured(self.volume),
            "notes": list(self.notes),
            "prices": {"date": self.prices.date.isoformat(), "origin": self.prices.origin},
        }


def estimate(
    volume: Volume | Monthly,
    prices: Prices | None = None,
    *,
    region: str | None = None,
    destination: Destination | None = None,
    retention: float = 1.0,
    month: Monthly | None = None,
) -> Estimate:
    """What a volume costs.

    volume: of a `Meter` or `measure`; or a `Monthly` that is known, such as
    `Monthly(records=1e9, text_bytes=115e9)`: then only destinations are compared. prices: the
    built-in table. region, destination: those that the logs name, else us-east-1 and S3.
    retention: months that the logs are kept. month: in place of what `volume` makes in a month.
    Raises UsageError for a negative or endless number, and for what is no Region.
    """
    table = prices or built_in()
    seen = volume if isinstance(volume, Volume) else None
    of_month = month or (volume.per_month() if isinstance(volume, Volume) else volume)
    for number in (of_month.records, of_month.text_bytes, retention):
        if not 0 <= number < 1e21:
            raise UsageError(f"{number} is no volume or number of months", hint="0 or more")
    if region is not None and not is_region(region):
        raise UsageError(f"{printable(region, 40)!r} is no AWS Region", hint="as in us-east-1")
    where = region or (seen.region if seen else None) or BASE
    found = destination or (seen.destination if seen else None)
    chosen: Destination = next((one for one in DESTINATIONS if one == found), "s3")
    compression = seen.compression if seen else COMPRESSION
    all_costs = costs(of_month, table, where, retention=retention, compression=compression)
    made = Estimate(
        of_month,
        where,
        chosen,
        found is None,
        retention,
        table,
        all_costs,
        (),
        drivers(seen) if seen else (),
        notes_on(of_month, seen, table, where, all_costs),
        seen,
    )
    return evolve(made, levers=_levers(made, compression))


def _levers(made: Estimate, compression: float) -> tuple[Lever, ...]:
    paid = made.chosen
    levers = []
    for other in made.costs:
        saved = paid.usd - other.usd
        if saved > 0 and other.destination not in (made.destination, "firehose"):
            levers.append(
                Lever(
                    f"to-{other.destination}",
                    f"deliver to {TITLES[other.destination]}",
                    saved,
                    saved / paid.usd,
                    True,
                    f"${other.usd:,.2f} a month instead of ${paid.usd:,.2f}",
                    _LOST[other.destination],
                    paid.confirmed and other.confirmed,
                )
            )
    found = list(volume_levers(made.volume)) if made.volume else []
    if made.retention > 1 and paid.amount("storage"):
        found.append(_KEEP_LESS)
    for one in found:
        left = cost_at(
            made.destination,
            made.month.without(one.share),
            made.prices,
            made.region,
            retention=1.0 if one is _KEEP_LESS else made.retention,
            compression=compression,
        )
        saved = paid.usd - left.usd
        share = saved / paid.usd if paid.usd else 0.0
        levers.append(
            Lever(
                one.name, one.title, saved, share, one.keeps, one.what, one.caveat, paid.confirmed
            )
        )
    return tuple(sorted(levers, key=lambda lever: -lever.usd))


def measured(volume: Volume) -> dict[str, Any]:
    """What was measured, for JSON."""
    copies, repeated = overlap(volume)
    shares = ("all", "ok", "nodata", "skipdata", "reject", "noise", "few")
    return {
        **{name: asdict(getattr(volume, name)) for name in shares},
        "first": None if volume.first is None else volume.first.isoformat(),
        "last": None if volume.last is None else volume.last.isoformat(),
        "observed_seconds": volume.observed,
        "gaps": volume.gaps,
        "longest_window_seconds": volume.longest_window,
        "compression": volume.compression,
        "gb": volume.all.text_bytes / GB,
        "overlapping_records": copies,
        "repeated_records": repeated,
        "distinct": asdict(volume.distinct),
        "flow_logs": list(volume.flow_logs),
        "fields": {name: asdict(one) for name, one in volume.fields.items()},
        "interfaces": [
            {"interface_id": name, **asdict(one)}
            for name, one in sorted(
                volume.interfaces.items(), key=lambda item: -item[1].all.text_bytes
            )[:100]
        ],
    }
