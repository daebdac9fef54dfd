"""Which files are worth opening, from AWS's names for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.errors import UsageError
from vpcflow.selection import EVERYTHING, LATE, SLOT, FileFacts, Selection, facts_of

ACCOUNT, REGION, FLOW_LOG = "123456789012", "us-east-1", "fl-1234abcd5678ef901"
NAME = f"{ACCOUNT}_vpcflowlogs_{REGION}_{FLOW_LOG}_20240501T1620Z_fe123456.log.gz"
BEGIN = datetime(2024, 5, 1, 16, 20, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
LAYOUTS = {
    "prefix": f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/2024/05/01/{NAME}",
    "own prefix": f"my/own/AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/2024/05/01/{NAME}",
    "hour": f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/2024/05/01/16/{NAME}",
    "organisation": f"AWSLogs/o-abc123/{ACCOUNT}/vpcflowlogs/{REGION}/2024/05/01/{NAME}",
    "hive": f"AWSLogs/aws-account-id={ACCOUNT}/aws-service=vpcflowlogs/aws-region={REGION}/"
    f"year=2024/month=05/day=01/{NAME}",
    "hive, hour": f"AWSLogs/aws-account-id={ACCOUNT}/aws-service=vpcflowlogs/aws-region={REGION}/"
    f"year=2024/month=05/day=01/hour=16/{NAME}",
    "parquet": f"AWSLogs/{ACCOUNT}/2024/05/01/{NAME.replace('.gz', '.parquet')}",
    "unpacked": NAME.removesuffix(".gz"),
    "url": f"s3://bucket/AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/2024/05/01/{NAME}",
    "another service": NAME.replace("vpcflowlogs", "transitgatewayflowlogs"),
    "a gov region": NAME.replace(REGION, "us-gov-west-1"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_facts_of_every_layout(layout: str) -> None:
    facts = facts_of(LAYOUTS[layout])
    assert facts is not None
    assert (facts.account, facts.flow_log, facts.slot) == (ACCOUNT, FLOW_LOG, BEGIN)
    assert facts.region == ("us-gov-west-1" if "gov" in layout else REGION)
    assert facts.service.endswith("flowlogs")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "some.log",
        NAME.replace("_fl-", "_xx-"),
        NAME.replace(ACCOUNT, "12345"),
        NAME.replace(ACCOUNT, "١٢٣٤٥٦٧٨٩٠١٢"),
        NAME.replace("T1620Z", "T2560Z"),
        NAME.replace("20240501", "20240231"),
        NAME.replace("20240501", "00000501"),
        NAME + "\n",
        NAME + ".tmp",
        f"{NAME}/part",
    ],
)
def test_other_names_say_nothing_and_are_wanted(name: str) -> None:
    assert facts_of(name) is None
    assert Selection(accounts="999999999999", until=datetime(1990, 1, 1, tzinfo=UTC)).wants(name)


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        (EVERYTHING, True),
        (Selection(accounts=ACCOUNT), True),
        (Selection(accounts=["000000000000", ACCOUNT]), True),
        (Selection(accounts="000000000000"), False),
        (Selection(regions=REGION), True),
        (Selection(regions=("eu-west-1",)), False),
        (Selection(flow_logs={FLOW_LOG}), True),
        (Selection(flow_logs=["fl-0"]), False),
        (Selection(accounts=ACCOUNT, regions=REGION, flow_logs="fl-0"), False),
        (Selection(accounts=None, regions=[]), True),
    ],
)
def test_ids(selection: Selection, wanted: bool) -> None:
    assert selection.wants(NAME) is wanted


@pytest.mark.parametrize(
    ("bounds", "wanted"),
    [
        # the last record of the slot starts before its end
        ({"since": BEGIN + SLOT - SECOND}, True),
        ({"since": BEGIN + SLOT}, False),
        # the first may have started a quarter of an hour before it ended
        ({"until": BEGIN - LATE + SECOND}, True),
        ({"until": BEGIN - LATE}, False),
        ({"since": BEGIN, "until": BEGIN + SECOND}, True),
        ({"since": BEGIN.astimezone(timezone(timedelta(hours=9)))}, True),
        (
            {"since": datetime.min.replace(tzinfo=UTC), "until": datetime.max.replace(tzinfo=UTC)},
            True,
        ),
        ({"since": datetime.max.replace(tzinfo=UTC)}, False),
        ({"until": datetime.min.replace(tzinfo=UTC)}, False),
    ],
)
def test_times_at_the_edges_of_a_slot(bounds: dict[str, datetime], wanted: bool) -> None:
    assert Selection(**bounds).wants(NAME) is wanted


@pytest.mark.parametrize("day", ["99991231T2355Z", "00010101T0000Z"])
def test_the_ends_of_the_calendar(day: str) -> None:
    name = NAME.replace("20240501T1620Z", day)
    assert isinstance(facts_of(name), FileFacts)
    late, early = (Selection(since=BEGIN), Selection(until=BEGIN))
    assert late.wants(name) is day.startswith("9")
    assert early.wants(name) is day.startswith("0")


def test_times_take_a_zone() -> None:
    with pytest.raises(UsageError) as error:
        Selection(since=datetime(2024, 5, 1))
    assert error.value.message == "since is 2024-05-01T00:00:00, a time without a zone"
    assert error.value.hint == "in UTC it is 2024-05-01T00:00:00Z"


def test_folders_of_hours_and_days() -> None:
    hour = (BEGIN.replace(minute=0), BEGIN.replace(minute=0) + timedelta(hours=1))
    assert Selection(since=hour[1] - SECOND).wants_slots(*hour)
    assert not Selection(since=hour[1]).wants_slots(*hour)
    assert Selection(until=hour[0] - LATE + SECOND).wants_slots(*hour)
    assert not Selection(until=hour[0] - LATE).wants_slots(*hour)


TIMES = st.datetimes(datetime(2024, 5, 1), datetime(2024, 5, 2)).map(
    lambda t: t.replace(tzinfo=UTC)
)


@given(TIMES, st.floats(0, 1), st.integers(0, 600), st.none() | TIMES, st.none() | TIMES)
def test_no_file_with_a_wanted_record_is_left_out(
    slot: datetime, within: float, lasted: int, since: datetime | None, until: datetime | None
) -> None:
    """A record ends within its file's slot, and started up to ten minutes before."""
    slot = slot.replace(minute=slot.minute // 5 * 5, second=0, microsecond=0)
    end = slot + within * (SLOT - SECOND)
    start = end - timedelta(seconds=lasted)
    if (since is None or start >= since) and (until is None or start < until):
        name = NAME.replace("20240501T1620Z", f"{slot:%Y%m%dT%H%MZ}")
        assert Selection(since=since, until=until).wants(name)
        hour = slot.replace(minute=0)
        assert Selection(since=since, until=until).wants_slots(hour, hour + timedelta(hours=1))


@given(st.text())
def test_any_name_is_judged(name: str) -> None:
    assert EVERYTHING.wants(name)
