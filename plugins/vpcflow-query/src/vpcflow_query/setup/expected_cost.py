"""What the flow log will cost a month: delivery, and keeping what was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from vpcflow import UsageError
from vpcflow_query.setup.destination import Bucket, LogGroup
from vpcflow_query.setup.plan import Plan

if TYPE_CHECKING:
    from vpcflow_query.cost.volume import Volume
    from vpcflow_query.prices import Prices
    from vpcflow_query.tiers import Amount

MONTH = 30 * 86_400
SCALE = 100
"""Records a second of the figure that is told when no volume is known."""
_FOREVER = 12 * 30
_COMPRESSION = 6.0


@frozen
class Expected:
    """A month's cost. gb: of record text, before compression, as it is charged. basis: where it is
    from. kept_days: for how long it is stored; None for ever (storage is then that of a year's
    records). amounts: USD by charge. priced: date and origin of the price table."""

    gb: float
    basis: str
    kept_days: int | None
    amounts: tuple[Amount, ...]
    priced: str
    weak: bool = False

    @property
    def usd(self) -> float:
        return sum(amount.usd for amount in self.amounts)

    def sentences(self) -> list[str]:
        parts = ", ".join(
            f"{amount.charge} {_usd(amount.usd)}" + ("" if amount.confirmed else " (not confirmed)")
            for amount in self.amounts
        )
        kept = f"{self.kept_days} days" if self.kept_days else "ever: counted with 12 months kept"
        stored = any(amount.charge == "storage" for amount in self.amounts)
        return [
            f"{_usd(self.usd)} a month for {self.gb:,.4g} GB ({self.basis}): {parts}"
            + (f"; records are kept for {kept}." if stored else "."),
            *(["Measured over less than an hour: no more than a hint."] if self.weak else []),
            f"List prices of {self.priced}; vpcflow cost explains what drives them.",
        ]

    def as_json(self) -> dict[str, object]:
        return {
            "usd_per_month": round(self.usd, 2),
            "gb_per_month": self.gb,
            "basis": self.basis,
            "kept_days": self.kept_days,
            "prices": self.priced,
            "charges": [
                {
                    "charge": amount.charge,
                    "gb": amount.gb,
                    "usd": round(amount.usd, 2),
                    "confirmed": amount.confirmed,
                    "source": amount.source,
                }
                for amount in self.amounts
            ],
        }


def expected(plan: Plan, prices: Prices, gb: float, basis: str, weak: bool = False) -> Expected:
    """gb: of text a month."""
    to = plan.destination
    kept: int | None = None
    if isinstance(to, LogGroup):
        kept = to.retention_days
    elif isinstance(to, Bucket):
        kept = to.expire_days
    stored = gb / _COMPRESSION * (kept or _FOREVER) / 30
    amounts = tuple(
        charge.amount(stored if charge.name == "storage" else gb)
        for charge in prices.charges(plan.region, destination_name(plan))
        if charge.name != "scan"
    )
    return Expected(gb, basis, kept, amounts, f"{prices.date} ({prices.origin})", weak)


def destination_name(plan: Plan) -> str:
    """As the price table calls it."""
    to = plan.destination
    if isinstance(to, Bucket):
        return "s3-parquet" if to.file_format == "parquet" else "s3"
    if isinstance(to, LogGroup):
        return "cloudwatch-ia" if to.infrequent else "cloudwatch"
    return "firehose"


def of_rate(plan: Plan, prices: Prices, records_per_second: float) -> Expected:
    """For so many records, at the usual length of a record of this format."""
    from vpcflow_query.cost.line_length import typical_line
    from vpcflow_query.tiers import GB

    line = typical_line(plan.format)
    gb = records_per_second * MONTH * line / GB
    return expected(
        plan, prices, gb, f"{records_per_second:,.6g} records a second of {line} bytes each"
    )


def of_measured(plan: Plan, prices: Prices, sources: Sequence[str]) -> Expected:
    """For as many records as these logs hold in their time. Fields that they have are as long as
    measured there, others as usual. Raises UsageError if they hold no records."""
    from vpcflow_query.cost.meter import measure
    from vpcflow_query.reading import Reading
    from vpcflow_query.tiers import GB

    reading = Reading(sources)
    volume = measure(reading)
    if reading.errors and not volume.all.records:
        raise reading.errors[0]
    if not volume.all.records:
        raise UsageError(
            "--measured has no records: nothing can be said of the cost",
            hint="--gb-per-month or --records-per-second",
        )
    month = volume.per_month()
    line = line_length(plan, volume)
    basis = f"{month.basis}: {month.records:,.4g} records of {line:.0f} bytes"
    return expected(plan, prices, month.records * line / GB, basis, month.weak)


def line_length(plan: Plan, volume: Volume) -> float:
    """Mean bytes of a record in the plan's format, newline included."""
    from vpcflow_query.cost.line_length import typical

    total = 0.0
    for field in plan.format.fields:
        seen = volume.fields.get(field.name)
        measured = seen is not None and seen.measured
        total += seen.text_bytes / volume.all.records if seen and measured else typical(field) + 1
    return total


def _usd(amount: float) -> str:
    return f"${amount:,.2f}"
