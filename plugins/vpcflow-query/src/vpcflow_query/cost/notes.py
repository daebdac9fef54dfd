"""What limits an estimate, in words."""

from __future__ import annotations

from collections.abc import Sequence

from vpcflow_query.cost.destinations import DestinationCost
from vpcflow_query.cost.levers import overlap
from vpcflow_query.cost.volume import Monthly, Volume
from vpcflow_query.prices import BASE, Prices


def notes_on(
    month: Monthly,
    volume: Volume | None,
    prices: Prices,
    region: str,
    costs: Sequence[DestinationCost],
) -> tuple[str, ...]:
    """Sentences: how far the numbers can be relied on, and what they leave out."""
    notes = []
    if month.weak and month.records:
        notes.append(
            "Less than an hour was seen: the month is a weak guess. Give logs of a whole day, or "
            "--per-month or --records-per-second."
        )
    if volume is not None:
        notes += _of_volume(volume)
    if not prices.knows(region):
        notes.append(
            f"There are no prices for {region}; these are {BASE}'s. Others differ, by "
            "half and more; --prices FILE brings your own."
        )
    if not all(one.confirmed and (one.scan is None or one.scan.confirmed) for one in costs):
        notes.append("* rests on a price that no source at hand confirms.")
    notes.append(
        f"List prices as of {prices.date} ({prices.origin}), without tax, credits and "
        "discounts, as if nothing else of the account used up the lower tiers. Requests to S3 are "
        "left out."
    )
    return tuple(notes)


def _of_volume(volume: Volume) -> list[str]:
    notes = []
    if not volume.all.records:
        notes.append("There are no records in these logs, so nothing can be said of a month.")
    if volume.gaps:
        notes.append(
            "The logs have gaps; only the time with records was counted. If they are complete, "
            "give the time that they cover: --covers 24h."
        )
    if volume.filtered:
        notes.append(f"{volume.filtered:,} records were filtered out and are in no number here.")
    if volume.rejected:
        notes.append(f"{volume.rejected:,} lines are no records and are in no number here.")
    if volume.skipdata.records:
        notes.append(
            f"SKIPDATA is in {volume.skipdata.records:,} records: AWS lost some, how many nobody "
            "knows; the bill may count more than these logs hold."
        )
    _, repeated = overlap(volume)
    if repeated:
        notes.append(
            f"{repeated:,} records are there twice in one flow log: were files given twice? They "
            "count twice in everything here."
        )
    missing = [name for name, one in volume.fields.items() if not one.measured]
    if missing:
        notes.append(f"The length of {len(missing)} fields was not measured but is the usual one.")
    if volume.distinct.records < volume.all.records:
        notes.append(
            f"Of more than {volume.distinct.records:,} records, a sample was measured; copies and "
            "connections were looked for among the first."
        )
    if not volume.distinct.exact:
        notes.append(
            "There are so many flows that those alike are counted in a sample, within about 2 %."
        )
    if volume.partial_interfaces:
        notes.append("There are too many interfaces to tell all apart.")
    return notes
