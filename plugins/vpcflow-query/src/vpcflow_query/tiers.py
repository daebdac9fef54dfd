"""What a volume costs where prices fall in steps: each GB at the price of the step it lies in."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

GB = 2**30
"""AWS bills vended logs by GB of 2^30 bytes, and its steps of 10 TB are 10,240 GB."""


@frozen
class Tier:
    """One step. up_to_gb: where it ends, counted from 0; None for the last one. usd: per GB.
    confirmed: whether a source that can be named gives this price."""

    up_to_gb: float | None
    usd: float
    confirmed: bool = True


@frozen
class Step:
    """What lies in one tier. gb: how much; usd: what that costs."""

    tier: Tier
    gb: float
    usd: float


@frozen
class Amount:
    """What a volume costs under one charge. confirmed: whether all prices that it took are."""

    charge: str
    gb: float
    usd: float
    confirmed: bool
    source: str
    steps: tuple[Step, ...] = ()


@frozen
class Charge:
    """One line of a price list. name: delivery, conversion, ingestion, storage (per GB-month) or
    scan. tiers: in ascending order, the last without end. source: where the prices come from."""

    name: str
    tiers: tuple[Tier, ...]
    source: str = ""

    def amount(self, gb: float) -> Amount:
        """What `gb` (0 or more) costs."""
        steps = graduated(gb, self.tiers)
        usd = sum(step.usd for step in steps)
        # of nothing at all, the first price is what is quoted
        used = [step.tier for step in steps] or self.tiers[:1]
        return Amount(self.name, gb, usd, all(t.confirmed for t in used), self.source, steps)


def graduated(gb: float, tiers: Sequence[Tier]) -> tuple[Step, ...]:
    """`gb` cut at the ends of the tiers; only the steps that it reaches."""
    steps = []
    start = 0.0
    for tier in tiers:
        end = gb if tier.up_to_gb is None else min(gb, tier.up_to_gb)
        if end > start:
            steps.append(Step(tier, end - start, (end - start) * tier.usd))
            start = end
    return tuple(steps)
