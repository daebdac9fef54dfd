"""Graduated prices: checkpoints of the price list, and the same as counting GB by GB."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vpcflow_query.cost import Monthly, estimate, typical_line
from vpcflow_query.prices import built_in
from vpcflow_query.tiers import GB, Charge, Tier, graduated

import vpcflow

TB = 1024


def delivery(destination: str, gb: float) -> float:
    charges = built_in().charges("us-east-1", destination)
    return next(charge for charge in charges if charge.name == "delivery").amount(gb).usd


@pytest.mark.parametrize(
    ("tb", "cloudwatch", "s3"),
    [(10, 5120, 2560), (30, 10_240, 5632), (50, 12_288, 7168), (72, 13_414.40, 8294.40)],
)
def test_the_checkpoints_of_the_price_list(tb: int, cloudwatch: float, s3: float) -> None:
    assert delivery("cloudwatch", tb * TB) == pytest.approx(cloudwatch, abs=0.005)
    for destination in ("s3", "s3-parquet", "firehose"):
        assert delivery(destination, tb * TB) == pytest.approx(s3, abs=0.005)


@pytest.mark.parametrize(
    ("rate", "line", "gb", "cloudwatch", "s3"),
    [
        (100, 115, 27.8, 13.88, 6.94),
        (1_000, 115, 277.6, 138.80, 69.40),
        (1_000, 256, 618, 309, 154.50),
        (1_000, 278, 671, 335.50, 167.80),
        (10_000, 115, 2_776, 1_388, 694),
        (10_000, 256, 6_180, 3_090, 1_545),
        (100_000, 115, 27_761, 9_500, 5_188),
        (100_000, 256, 61_798, 12_818, 7_698),
    ],
)
def test_the_worked_figures(rate: int, line: int, gb: float, cloudwatch: float, s3: float) -> None:
    records = rate * 30 * 86_400
    made = estimate(Monthly(records, records * line))
    paid = {one.destination: one.amount("delivery") for one in made.costs}
    assert made.month.gb == pytest.approx(gb, rel=2e-3)
    assert paid["cloudwatch"] is not None
    assert paid["s3"] is not None
    assert paid["cloudwatch"].usd == pytest.approx(cloudwatch, rel=1e-3)
    assert paid["s3"].usd == pytest.approx(s3, rel=1e-3)


@pytest.mark.parametrize(("fields", "line"), [(14, 115), (29, 256), (40, 278)])
def test_the_usual_line_lengths(fields: int, line: int) -> None:
    names = list(vpcflow.FIELDS)[:fields]
    assert typical_line(vpcflow.FlowFormat.parse(" ".join(names))) == line


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    ends = sorted(draw(st.sets(st.integers(1, 60), max_size=4)))
    prices = st.floats(0, 5, allow_subnormal=False)
    return tuple(Tier(end, draw(prices)) for end in [*map(float, ends), None])


@given(tiers(), st.integers(0, 80))
def test_the_same_as_gb_by_gb(steps: tuple[Tier, ...], gb: int) -> None:
    def price(number: int) -> float:
        return next(t.usd for t in steps if t.up_to_gb is None or number < t.up_to_gb)

    expected = math.fsum(price(number) for number in range(gb))
    amount = Charge("delivery", steps).amount(gb)
    assert amount.usd == pytest.approx(expected, abs=1e-9)
    assert math.fsum(step.gb for step in amount.steps) == pytest.approx(gb)


@given(tiers(), st.floats(0, 100), st.floats(0, 100))
def test_more_never_costs_less_and_nothing_jumps(
    steps: tuple[Tier, ...], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    dearest = max(tier.usd for tier in steps)
    charge = Charge("delivery", steps)
    rise = charge.amount(high).usd - charge.amount(low).usd
    assert -1e-9 <= rise <= (high - low) * dearest + 1e-9


def test_nothing_costs_nothing() -> None:
    assert graduated(0.0, (Tier(None, 1.0),)) == ()
    assert estimate(Monthly(0, 0)).chosen.usd == 0


def test_the_first_price_is_confirmed_where_later_ones_are_not() -> None:
    charges = built_in().charges("us-east-1", "cloudwatch-ia")
    assert charges[0].amount(1).confirmed
    assert charges[0].amount(10 * TB).confirmed
    assert not charges[0].amount(10 * TB + 1).confirmed


def test_storage_grows_with_the_months_kept() -> None:
    month = Monthly(1e9, 115 * GB)
    one, twelve = (estimate(month, retention=months).chosen for months in (1, 12))
    stored = one.amount("storage"), twelve.amount("storage")
    assert stored[0] is not None
    assert stored[1] is not None
    assert stored[1].usd == pytest.approx(12 * stored[0].usd)
    assert twelve.usd - one.usd == pytest.approx(11 * stored[0].usd)


@pytest.mark.parametrize("wrong", [-1.0, math.inf, math.nan])
def test_impossible_volumes_are_refused(wrong: float) -> None:
    with pytest.raises(vpcflow.UsageError):
        estimate(Monthly(1, wrong))
    with pytest.raises(vpcflow.UsageError):
        estimate(Monthly(1, 1), retention=wrong)
