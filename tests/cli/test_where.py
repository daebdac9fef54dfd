"""What a person writes behind --where, --since and --until, and what scan is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow import UsageError
from vpcflow.cli.where import conditions

MAY = datetime(2024, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("expression", "where"),
    [
        ("action=REJECT", {"action": "REJECT"}),
        ("action==reject", {"action": "REJECT"}),
        ("log-status=nodata", {"log_status": "NODATA"}),
        ("dstport=443", {"dstport": 443}),
        ("dstport = 443, 8443", {"dstport": [443, 8443]}),
        ("dstport=1024..65535", {"dstport": (1024, None)}),
        ("dstport=22..23", {"dstport": (22, 24)}),
        ("dstport=..1023", {"dstport": (None, 1024)}),
        ("bytes>=1000", {"bytes": (1000, None)}),
        ("bytes>1000", {"bytes": (1001, None)}),
        ("bytes<1000", {"bytes": (None, 1000)}),
        ("bytes<=1000", {"bytes": (None, 1001)}),
        ("srcaddr=10.0.0.0/8", {"srcaddr": "10.0.0.0/8"}),
        ("pkt-srcaddr=10.1.2.3", {"pkt_srcaddr": "10.1.2.3"}),
        ("dstaddr=2001:DB8::1", {"dstaddr": "2001:db8::1"}),
        ("protocol=tcp", {"protocol": 6}),
        ("protocol=TCP,17", {"protocol": [6, 17]}),
        ("tcp-flags=syn-ack+fin", {"tcp_flags": 19}),
        ("instance_id=-", {"instance_id": None}),
        ("instance_tag=web", {"instance_tag": "web"}),
        ('instance_tag="a, b",c', {"instance_tag": ["a, b", "c"]}),
        ("instance_tag=x..y", {"instance_tag": "x..y"}),
        ("start=2024-05-01", {"start": (MAY, MAY + DAY)}),
        ("start>2024-05-01", {"start": (MAY + DAY, None)}),
        ("start=2024-05-01..2024-05-02", {"start": (MAY, MAY + 2 * DAY)}),
        ("end=1714521600", {"end": MAY}),
        ("end>=1714521600000", {"end": (MAY, None)}),
        ("end<2024-05-01T02:00:00+02:00", {"end": (None, MAY)}),
        ("field_of_2031=x", {"field_of_2031": "x"}),
    ],
)
def test_an_expression_becomes_a_condition(expression: str, where: dict[str, object]) -> None:
    assert conditions([expression]) == where


def test_no_expression_is_no_condition() -> None:
    assert conditions([]) is None


def test_several_expressions_hold_together() -> None:
    assert conditions(["action=REJECT", "bytes>=10", "bytes<20", "bytes<=100"]) == {
        "action": "REJECT",
        "bytes": (10, 20),
    }
    assert conditions(["dstport=22,443,8443", "dstport>=443", "dstport=443,22"]) == {"dstport": 443}


def test_since_and_until_bound_the_start() -> None:
    where = conditions([], since="2h", until="2024-05-02", now=MAY + DAY)
    assert where == {"start": (MAY + timedelta(hours=22), MAY + DAY)}
    where = conditions(["start<2024-05-01T12:00"], since="2024-05-01")
    assert where == {"start": (MAY, MAY + timedelta(hours=12))}


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("scraddr=10.0.0.1", "did you mean srcaddr?"),
        ("dst_prot=1", "did you mean dstport?"),
        ("REJECT", "is not COLUMN=VALUE"),
        ("action!=REJECT", "cannot exclude"),
        ("action=", "has no value"),
        ("action>ACCEPT", "has no order"),
        ("dstport=010", "not a whole number"),
        ("dstport=http", "not a whole number"),
        ("protocol=quic", "not a whole number or a known name"),
        ("dstport=65536", "goes up to 65535"),
        ("dstport=1..2,5", "not one range"),
        ("dstport=..", "not one range"),
        ("dstport=9..1", "ends before it begins"),
        ("srcaddr=10.0.0.256", "does not appear to be"),
        ("srcaddr=10.0.0.5/8", "write 10.0.0.0/8 for the block, or 10.0.0.5"),
        ("start=yesterday", "is not a time"),
        ("start=2024-05-01,2024-05-02", "a day cannot be one of several"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_would_mend_it(expression: str, says: str) -> None:
    with pytest.raises(UsageError) as refusal:
        conditions([expression])
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    "expressions",
    [
        ["bytes=1", "bytes=2"],
        ["bytes<5", "bytes>=5"],
        ["dstport=-", "dstport>5"],
        ["start>9999-12-31"],
        ["start<1970-01-01"],
        ["bytes<0"],
        ["dstport>65535"],
    ],
)
def test_conditions_that_nothing_can_satisfy_are_refused(expressions: list[str]) -> None:
    with pytest.raises(UsageError, match="can satisfy all conditions"):
        conditions(expressions)


def test_two_address_conditions_on_one_column_are_refused() -> None:
    with pytest.raises(UsageError, match="given twice"):
        conditions(["srcaddr=10.0.0.0/8", "srcaddr=10.1.0.0/16"])


@given(st.lists(st.text(), max_size=3), st.none() | st.text(), st.none() | st.text())
def test_any_text_is_a_condition_or_a_usage_error(
    expressions: list[str], since: str | None, until: str | None
) -> None:
    try:
        where = conditions(expressions, since=since, until=until)
    except UsageError:
        return
    assert where is None or all(isinstance(name, str) for name in where)


@given(st.sampled_from(["dstport", "bytes", "start"]), st.sampled_from(["=", "<", ">=", ".."]),
       st.text(alphabet="0123456789-.:TZ,wd", max_size=24))  # fmt: skip
def test_anything_like_a_number_or_time_is_a_condition_or_a_usage_error(
    column: str, operator: str, value: str
) -> None:
    text = f"{column}={value}..{value}" if operator == ".." else f"{column}{operator}{value}"
    try:
        where = conditions([text], since=value)
    except UsageError:
        return
    assert where is None or set(where) <= {column, "start"}
