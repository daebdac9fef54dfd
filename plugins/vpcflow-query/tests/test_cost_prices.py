"""Price tables: the built-in one is whole; one's own replaces it, or is refused with the place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vpcflow_query.prices import CHARGED, DESTINATIONS, built_in, load, parse
from vpcflow_query.queries import named_queries

import vpcflow

GOOD = """\
date = 2027-01-31
[us-east-1.s3.delivery]
usd = 0.2
confirmed = true
source = "our contract"
"""


def test_the_built_in_table_has_every_charge_of_every_destination() -> None:
    prices = built_in()
    for destination in DESTINATIONS:
        charges = prices.charges("us-east-1", destination)
        assert {charge.name for charge in charges} == set(CHARGED[destination])
        assert all(charge.source for charge in charges)
    assert set(prices.regions) == {"us-east-1", "ap-northeast-1"}


@pytest.mark.parametrize(
    ("query", "charge"),
    [("nat-gateway-bill", "nat-gateway"), ("cross-az-traffic", "between-zones")],
)
def test_named_queries_take_their_price_from_the_table(query: str, charge: str) -> None:
    (tier,) = built_in().network(charge).tiers
    for variant in named_queries()[query].variants:
        (price,) = (one for one in variant.parameters if one.name == "price")
        assert price.default == tier.usd
        assert not tier.confirmed
        assert "not confirmed" in variant.notes[-1]


def test_a_file_replaces_charge_by_charge(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text(GOOD)
    prices = load(path)
    delivery, storage, _ = prices.charges("us-east-1", "s3")
    assert delivery.amount(100_000).usd == pytest.approx(20_000)
    assert delivery.source == "our contract"
    assert storage == built_in().charges("us-east-1", "s3")[1]
    assert prices.date == date(2027, 1, 31)
    assert "ours.toml" in prices.origin
    assert str(built_in().date) in prices.origin


def test_a_region_without_prices_has_those_of_the_base_unconfirmed() -> None:
    prices = built_in()
    assert not prices.knows("eu-west-1")
    for charge in prices.charges("eu-west-1", "cloudwatch"):
        assert not charge.amount(1).confirmed
        assert "us-east-1" in charge.source
    tokyo = prices.charges("ap-northeast-1", "cloudwatch")
    assert tokyo[0].amount(10).usd == pytest.approx(7.6)
    assert not tokyo[2].amount(1).confirmed  # Logs Insights: only us-east-1's is known


def table(body: str, head: str = "[us-east-1.s3.delivery]") -> str:
    return f"date = 2027-01-31\n{head}\n{body}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "date is missing"),
        ("date = 'today'", "date is missing or no date"),
        ("date = 2027-01-31T10:00:00Z", "date is missing or no date"),
        ("date = 2027-13-31", "is not TOML"),
        ("date = 2027-01-31", "holds no prices"),
        ("date = 2027-01-31\n[us-east-1.s3", "is not TOML"),
        ("date = 2027-01-31\nregions = 3", "is not the name of an AWS Region"),
        ("date = 2027-01-31\nus-east-1 = 3", "us-east-1 is not a table"),
        (table("usd = 1", "[mars.s3.delivery]"), "mars is not the name of an AWS Region"),
        (table("usd = 1", '["us-east-1\\u001b[31m".s3.delivery]'), r"us-east-1\x1b[31m"),
        (table("usd = 1", "[us-east-1.cloudwach.delivery]"), "did you mean cloudwatch?"),
        (table("usd = 1", "[us-east-1.s3.conversion]"), "us-east-1.s3.conversion is no charge"),
        (table("", "[us-east-1.s3]\ndelivery = 1"), "us-east-1.s3.delivery is not a table"),
        (table("usd = 1"), "does not say whether it is confirmed"),
        (table("usd = 1\nconfirmed = 'yes'"), "confirmed is neither true nor false"),
        (table("confirmed = true"), "must have either usd or tiers"),
        (table("usd = 1\ntiers = []\nconfirmed = true"), "must have either usd or tiers"),
        (table("usd = 1\nconfirmed = true\nsource = 3"), "source is not text"),
        (table("usd = 1\nconfirmed = true\nup_to = 3"), "up_to is no key"),
        (table("usd = '1'\nconfirmed = true"), "usd is '1'"),
        (table("usd = true\nconfirmed = true"), "usd is True"),
        (table("usd = -0.5\nconfirmed = true"), "usd is -0.5"),
        (table("usd = nan\nconfirmed = true"), "usd is nan"),
        (table("usd = inf\nconfirmed = true"), "usd is inf"),
        (table("usd = 1e300\nconfirmed = true"), "usd is 1e+300"),
        (table(f"usd = {'9' * 400}\nconfirmed = true"), "usd is 9999"),
        (table(f"usd = {'9' * 5000}\nconfirmed = true"), "is not TOML"),
        (table("tiers = []\nconfirmed = true"), "is no list of tiers"),
        (table("tiers = 3\nconfirmed = true"), "is no list of tiers"),
        (table("tiers = [1]\nconfirmed = true"), "delivery is not a table"),
        (table("tiers = [{up_to_gb = 1, usd = 1}]\nconfirmed = true"), "last tier and has an end"),
        (table("tiers = [{usd = 1}, {usd = 2}]\nconfirmed = true"), "tiers[1] has no end"),
        (
            table("tiers = [{up_to_gb = 0, usd = 1}, {usd = 2}]\nconfirmed = true"),
            "ends at 0 GB, not above 0",
        ),
        (
            table(
                "tiers = [{up_to_gb = 9, usd = 1}, {up_to_gb = 8, usd = 1}, {usd = 2}]\n"
                "confirmed = true"
            ),
            "tiers[2] ends at 8 GB, not above 9",
        ),
        (table("tiers = [{usd = 1, upto = 2}]\nconfirmed = true"), "upto is no key"),
    ],
)
def test_a_wrong_file_is_refused_and_the_place_is_named(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    with pytest.raises(vpcflow.UsageError) as raised:
        load(path)
    shown = str(raised.value)
    assert said in shown
    assert str(path) in shown
    assert shown.replace("\n", "").isprintable()


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    binary, large = tmp_path / "binary.toml", tmp_path / "large.toml"
    binary.write_bytes(b"date = \xff")
    large.write_bytes(GOOD.encode() + b"#" * (1 << 20))
    for path, said in (
        (tmp_path / "none.toml", "No such file"),
        (tmp_path, "Is a directory"),
        (binary, "not UTF-8"),
        (large, "larger than"),
    ):
        with pytest.raises(vpcflow.UsageError, match=said):
            load(path)


@given(st.text(max_size=200) | st.text("=[]{}.\"'\n usd-1datecomfir", max_size=200))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    for tried in (text, f"date = 2027-01-31\n{text}", table(text)):
        try:
            _, charges = parse(tried, "prices.toml")
        except vpcflow.UsageError:
            continue
        assert charges
