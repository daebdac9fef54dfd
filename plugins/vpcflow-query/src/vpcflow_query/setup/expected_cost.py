"""What the flow log will cost a month: `vpcflow_query.cost` asked about this plan."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from attrs import evolve, frozen

from vpcflow import UsageError
from vpcflow.errors import InputError, printable
from vpcflow_query.cost import Meter, Monthly, Volume, typical_line
from vpcflow_query.cost.destinations import DestinationCost, cost_at
from vpcflow_query.cost.line_length import typical
from vpcflow_query.cost.report_lines import usd
from vpcflow_query.cost.volume import COMPRESSION, MONTH
from vpcflow_query.prices import BASE, Destination, Prices
from vpcflow_query.reading import Reading
from vpcflow_query.setup.destination import Bucket, LogGroup
from vpcflow_query.setup.plan import Plan
from vpcflow_query.tiers import GB

SCALE = 100
"""Records a second of the figure that is told when no volume is known."""
_YEAR_DAYS = 360  # twelve of the months that cost is told for


@frozen
class Expected:
    """month: of the new flow log's records, in its format. kept_days: for how long they are kept;
    None for ever (storage is then that of a year's records). cost: at its destination. errors: of
    the logs that were measured; what could be read of them counts."""

    month: Monthly
    kept_days: int | None
    cost: DestinationCost
    prices: Prices
    region: str
    errors: tuple[InputError, ...] = ()

    def sentences(self) -> list[str]:
        parts = ", ".join(
            f"{one.charge} {usd(one.usd)}" + ("" if one.confirmed else " (not confirmed)")
            for one in self.cost.amounts
        )
        told = f"{usd(self.cost.usd)} a month for {self.month.gb:,.4g} GB ({self.month.basis}): "
        told += parts
        if self.cost.amount("storage"):
            kept = f"{self.kept_days} days" if self.kept_days else "ever: here 12 months of them"
            told += f"; records are kept for {kept}"
        sentences = [told + "."]
        if self.errors:
            names = ", ".join(printable(error.source or "one of them") for error in self.errors)
            sentences.append(f"Only what could be read was measured: damaged are {names}.")
        if self.month.weak:
            sentences.append("Measured over less than an hour: a weak guess.")
        if not self.prices.knows(self.region):
            sentences.append(f"There are no prices for {self.region}: these are {BASE}'s.")
        listed = f"{self.prices.date} ({self.prices.origin})"
        return [*sentences, f"List prices of {listed}; vpcflow cost explains what drives them."]

    def as_json(self) -> dict[str, object]:
        return {
            **self.cost.as_dict(),
            "gb_per_month": self.month.gb,
            "records_per_month": self.month.records,
            "basis": self.month.basis,
            "weak": self.month.weak,
            "kept_days": self.kept_days,
            "prices": {"date": self.prices.date.isoformat(), "origin": self.prices.origin},
        }


def expected(
    plan: Plan, prices: Prices, month: Monthly, compression: float = COMPRESSION
) -> Expected:
    """month: of the flow log's records. compression: bytes of text for one of gzip."""
    to = plan.destination
    kept: int | None = None
    if isinstance(to, LogGroup):
        kept = to.retention_days
    elif isinstance(to, Bucket):
        kept = to.expire_days
    cost = cost_at(
        _destination(plan),
        month,
        prices,
        plan.region,
        retention=(kept or _YEAR_DAYS) / 30,
        compression=compression,
    )
    return Expected(month, kept, cost, prices, plan.region)


def of_volume(plan: Plan, prices: Prices, gb: float) -> Expected:
    """For so many GB of text a month."""
    text = gb * GB
    return expected(plan, prices, Monthly(text / typical_line(plan.format), text))


def of_rate(plan: Plan, prices: Prices, per_second: float) -> Expected:
    """For so many records a second, at the usual length of a record of this format."""
    line = typical_line(plan.format)
    records = per_second * MONTH
    basis = f"{per_second:,.6g} records a second of {line} bytes each"
    return expected(plan, prices, Monthly(records, records * line, basis))


def of_measured(plan: Plan, prices: Prices, sources: Sequence[str]) -> Expected:
    """For as many records as these logs hold in their time.

    Fields that all these logs have are as long as measured there, others as usual. Raises
    UsageError if there are no records, and what is wrong with a source if none could be read.
    """
    reading = Reading(sources)
    with reading.scan() as stream, Meter() as meter:
        for batch in reading.batches(stream):
            meter.add(batch)
        volume = meter.volume()
        everywhere = set(plan.format.names).intersection(*(f.names for f, _ in stream.formats))
    if not volume.all.records:
        if reading.errors:
            raise reading.errors[0]
        raise UsageError(
            "--measured has no records: nothing can be said of the cost",
            hint="--gb-per-month or --records-per-second",
        )
    seen = volume.per_month()
    line = line_length(plan, volume, everywhere)
    basis = f"{seen.basis}: {seen.records:,.4g} records of {line:.0f} bytes"
    month = Monthly(seen.records, seen.records * line, basis, seen.weak)
    return evolve(expected(plan, prices, month, volume.compression), errors=tuple(reading.errors))


def line_length(plan: Plan, volume: Volume, everywhere: Collection[str]) -> float:
    """Mean bytes of a record in the plan's format, newline included. everywhere: the columns that
    all the logs have; of one that only some have, the mean would be taken over all records."""
    total = 0.0
    for field in plan.format.fields:
        seen = volume.fields.get(field.name) if field.name in everywhere else None
        measured = seen is not None and seen.measured
        total += seen.text_bytes / volume.all.records if seen and measured else typical(field) + 1
    return total


def _destination(plan: Plan) -> Destination:
    to = plan.destination
    if isinstance(to, Bucket):
        return "s3-parquet" if to.file_format == "parquet" else "s3"
    if isinstance(to, LogGroup):
        return "cloudwatch-ia" if to.infrequent else "cloudwatch"
    return "firehose"
