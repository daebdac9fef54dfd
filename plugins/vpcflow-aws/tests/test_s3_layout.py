"""What folders say: nothing wanted is ever left out, whatever the layout and the selection."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from s3_world import ACCOUNTS, FLOW_LOGS, REGIONS, file_name, folder
from vpcflow_aws.s3_layout import MOST_DAYS, Spot, days_of, divides, spot_of, wants

from vpcflow.selection import EVERYTHING, Selection

LAYOUTS = ("daily", "hourly", "hive", "hive-hourly")
EXTREMES = [
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12))),
]
NEAR = st.integers(0, 40 * 288).map(
    lambda slots: datetime(2024, 2, 20, tzinfo=UTC) + timedelta(minutes=5 * slots)
)
MOMENTS = st.one_of(
    NEAR,
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])),
    st.sampled_from(EXTREMES),
)
SELECTIONS = st.builds(
    Selection,
    accounts=st.sets(st.sampled_from(ACCOUNTS)),
    regions=st.sets(st.sampled_from(REGIONS)),
    flow_logs=st.sets(st.sampled_from(FLOW_LOGS)),
    since=st.none() | MOMENTS,
    until=st.none() | MOMENTS,
)
PREFIXES = st.sampled_from(["", "logs/", "a/b/c/", "year=2020/"])
ORGANISATIONS = st.sampled_from(["", "o-abcdefghij/"])


@given(
    st.sampled_from(LAYOUTS),
    st.sampled_from(ACCOUNTS),
    st.sampled_from(REGIONS),
    NEAR,
    PREFIXES,
    ORGANISATIONS,
    SELECTIONS,
    st.integers(0, 12),
)
def test_no_folder_above_a_wanted_file_is_left_out(
    layout: str,
    account: str,
    region: str,
    slot: datetime,
    prefix: str,
    organisation: str,
    selection: Selection,
    named: int,
) -> None:
    path = prefix + "AWSLogs/" + organisation + folder(layout, account, region, slot)
    name = file_name(account, region, FLOW_LOGS[0], slot, "vpcflowlogs")
    folders = path.split("/")[:-1]
    if selection.wants(name):
        assert all(
            wants(folders[:depth], min(named, depth), selection)
            for depth in range(len(folders) + 1)
        )
    for depth in range(len(folders)):
        spot = spot_of(folders[:depth])
        above = "/".join(folders[:depth]) + "/"
        days = days_of(spot, above, selection) if spot else None
        if days is not None and selection.wants(name):
            assert any(path.startswith(day) for day in days)


@given(NEAR, SELECTIONS)
def test_a_folder_listed_in_one_go_is_wanted_as_a_whole(slot: datetime, sel: Selection) -> None:
    folders = f"AWSLogs/{folder('hourly', ACCOUNTS[0], REGIONS[0], slot)}".split("/")[:-1]
    for depth in range(5, len(folders)):
        spot = spot_of(folders[:depth])
        assert spot is not None
        if spot.begin and spot.end and not divides(spot, sel):
            inside = {spot.begin, spot.end - timedelta(minutes=5), min(slot, spot.end)}
            timed = Selection(since=sel.since, until=sel.until)
            assert all(timed.wants_slots(at, at + timedelta(minutes=5)) for at in inside)


@pytest.mark.parametrize(
    ("path", "spot"),
    [
        ("logs/2024", None),
        ("AWSLogs", Spot(service_at=2)),
        ("x/AWSLogs/o-abcdefghij", Spot(service_at=4)),
        ("AWSLogs/123456789012", Spot("account", account="123456789012", service_at=2)),
        ("AWSLogs/notes", Spot("", exact=False, service_at=2)),
        (
            "AWSLogs/aws-account-id=123456789012/aws-service=transitgatewayflowlogs/mess",
            Spot(
                "service",
                exact=False,
                account="123456789012",
                service="transitgatewayflowlogs",
                service_at=2,
            ),
        ),
    ],
)
def test_spots(path: str, spot: Spot | None) -> None:
    assert spot_of(path.split("/")) == spot


@pytest.mark.parametrize(
    ("time", "begin", "end"),
    [
        ("2024", datetime(2024, 1, 1), datetime(2025, 1, 1)),
        ("2024/12", datetime(2024, 12, 1), datetime(2025, 1, 1)),
        ("2024/02", datetime(2024, 2, 1), datetime(2024, 3, 1)),
        ("2024/02/29", datetime(2024, 2, 29), datetime(2024, 3, 1)),
        ("2024/02/29/23", datetime(2024, 2, 29, 23), datetime(2024, 3, 1)),
    ],
)
def test_times(time: str, begin: datetime, end: datetime) -> None:
    spot = spot_of(f"AWSLogs/123456789012/vpcflowlogs/eu-west-1/{time}".split("/"))
    assert spot is not None
    assert spot.begin == begin.replace(tzinfo=UTC)
    assert spot.end == end.replace(tzinfo=UTC)


@pytest.mark.parametrize("time", ["2024/13", "2023/02/29", "0000", "9999", "2024/01/01/24"])
def test_times_that_are_none_say_nothing(time: str) -> None:
    folders = f"AWSLogs/123456789012/vpcflowlogs/eu-west-1/{time}".split("/")
    spot = spot_of(folders)
    assert spot is not None
    assert spot.begin is None
    assert not divides(spot, EVERYTHING)
    assert wants(folders, 0, Selection(since=datetime(2024, 1, 1, tzinfo=UTC)))


def test_other_services_and_hidden_names_are_passed_over_unless_named() -> None:
    trail = ["AWSLogs", "123456789012", "CloudTrail-Digest"]
    assert not wants(trail, 2, EVERYTHING)
    assert wants(trail, 3, EVERYTHING)
    assert wants(["AWSLogs", "123456789012", "someflowlogs"], 0, EVERYTHING)
    assert not wants(["logs", "_temporary"], 1, EVERYTHING)
    assert wants(["logs", "_temporary", "x"], 2, EVERYTHING)


def test_long_times_are_listed_by_year_and_month() -> None:
    spot = Spot("region")
    since = datetime(2024, 1, 1, tzinfo=UTC)
    for days, unseen in ((MOST_DAYS, True), (MOST_DAYS + 1, False), (-1, False)):
        found = days_of(spot, "x/", Selection(since=since, until=since + timedelta(days=days)))
        assert (found is not None) == unseen
