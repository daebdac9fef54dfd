"""Which columns a table shows in the width there is, and how values read."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from vpcflow.cli.display import single
from vpcflow.cli.names import flag_bits, flag_names, path_name, protocol_name
from vpcflow.cli.screen import Screen, cells
from vpcflow.cli.table import Table

NOON = datetime(2024, 5, 1, 12, 0, 0, tzinfo=UTC)
FLOW = {
    "version": 5, "account_id": "123456789010", "interface_id": "eni-1235b8ca123456789",
    "srcaddr": "172.31.16.139", "dstaddr": "172.31.16.21", "srcport": 20641, "dstport": 22,
    "protocol": 6, "packets": 20, "bytes": 4249, "start": NOON, "end": NOON,
    "action": "ACCEPT", "log_status": "OK",
}  # fmt: skip
NODATA = {**dict.fromkeys(FLOW), "version": 5, "start": NOON, "log_status": "NODATA"}


def flow(**changes: Any) -> SimpleNamespace:
    return SimpleNamespace(**{**FLOW, **changes})


def table(width: int | None, names: list[str] | None = None) -> Table:
    screen = Screen(width is not None, width, 24, lambda text, style: text)
    return Table(screen, names or list(FLOW), chosen=names is not None)


def test_what_matters_most_fits_eighty_columns() -> None:
    lines = table(80).page([flow(), flow(srcport=1, action="REJECT", bytes=7)])
    assert lines == [
        "2024-05-01 UTC",
        "start     action  srcaddr:srcport      dstaddr:dstport  proto  packets  bytes",
        "12:00:00  ACCEPT  172.31.16.139:20641  172.31.16.21:22  tcp         20  4,249",
        "12:00:00  REJECT  172.31.16.139:1      172.31.16.21:22  tcp         20      7",
    ]


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = "2600:1f18:1234:5678:9abc:def0:1234:5678"
    drawn = table(width)
    lines = drawn.page([flow(srcaddr=long, dstaddr=long), flow(bytes=10**18)])
    assert all(cells(line) <= width for line in [*lines, *drawn.notes()])


def test_an_address_that_is_cut_says_so_and_keeps_its_port() -> None:
    long = "2600:1f18:1234:5678:9abc:def0:1234:5678"
    (line,) = table(80).page([flow(srcaddr=long, dstaddr=long)])[2:]
    assert "…" in line
    assert "]:20641 " in line
    assert "]:22 " in line


def test_the_day_is_written_once_only_where_room_is_short_and_all_rows_share_it() -> None:
    assert "2024-05-01 12:00:00" in table(200).page([flow()])[-1]
    later = datetime(2024, 5, 2, tzinfo=UTC)
    assert "2024-05-02 00:00:00" in table(80).page([flow(), flow(start=later)])[-1]


def test_columns_that_are_alike_everywhere_are_said_once() -> None:
    drawn = table(120)
    lines = drawn.page([flow(), flow(srcport=1)])
    assert "account_id" not in lines[1]
    assert "account_id 123456789010" in drawn.notes()[0]


def test_columns_without_room_are_named() -> None:
    drawn = table(80)
    drawn.page([flow(), flow(interface_id="eni-0", packets=2**60)])
    notes = " ".join(drawn.notes())
    assert "no room for: " in notes
    assert "interface_id" in notes


def test_nodata_stands_where_the_action_would() -> None:
    lines = table(80).page([flow(), SimpleNamespace(**NODATA)])
    assert lines[-1].split() == ["12:00:00", "NODATA", "-", "-", "-", "-", "-"]
    both = table(80).page([flow(action="REJECT", log_status="NODATA")])
    assert "REJECT NODATA" in both[-1]


def test_the_reason_of_a_refusal_stands_beside_it() -> None:
    screen = Screen(True, 80, 24, lambda text, style: text)
    drawn = Table(screen, [*FLOW, "reject_reason"])
    lines = drawn.page([flow(reject_reason=None), flow(action="REJECT", reject_reason="BPA")])
    assert [line.split("  ")[1] for line in lines[2:]] == ["ACCEPT", "REJECT BPA"]


def test_what_a_transit_gateway_lost_is_one_column_and_only_there_if_something_was() -> None:
    none = {"packets_lost_no_route": 0, "packets_lost_blackhole": 0}
    names = ["packets_lost_no_route", "srcport", "srcaddr", "packets_lost_blackhole", "bytes"]
    screen = Screen(True, 80, 24, lambda text, style: text)
    lines = Table(screen, names).page([flow(**none), flow(**none | {"packets_lost_blackhole": 4})])
    assert lines == [
        "srcaddr:srcport      bytes  packets_lost",
        "172.31.16.139:20641  4,249  0",
        "172.31.16.139:20641  4,249  4 blackhole",
    ]
    assert "packets_lost" not in Table(screen, names).page([flow(**none)])[0]


def test_chosen_columns_are_all_there_in_their_order() -> None:
    lines = table(80, ["bytes", "srcport", "srcaddr"]).page([flow()])
    assert lines == [
        "bytes  srcport  srcaddr",
        "4,249    20641  172.31.16.139",
    ]


def test_chosen_columns_that_no_line_can_hold_stand_below_each_other() -> None:
    lines = table(60, list(FLOW)).page([flow()])
    assert "interface_id  eni-1235b8ca123456789" in lines
    assert len([line for line in lines if line]) == len(FLOW)


def test_without_a_terminal_every_column_is_shown() -> None:
    drawn = table(None)
    heading, row = drawn.page([flow()])
    assert set(heading.replace(":", " ").split()) >= set(FLOW) - {"protocol", "log_status"}
    assert row.startswith("2024-05-01 12:00:00  ACCEPT  172.31.16.139:20641")
    assert drawn.notes() == []


def test_a_packet_address_is_shown_where_it_says_something_new() -> None:
    names = [*FLOW, "pkt_srcaddr"]
    screen = Screen(True, 140, 24, lambda text, style: text)
    same = Table(screen, names)
    assert "pkt_srcaddr" not in same.page([flow(pkt_srcaddr=FLOW["srcaddr"])])[0]
    other = Table(screen, names)
    assert "pkt_srcaddr" in other.page([flow(pkt_srcaddr="10.0.0.1"), flow(pkt_srcaddr=None)])[0]


def test_refusals_are_coloured_and_heading_is_bold() -> None:
    marked = Screen(True, 80, 24, lambda text, style: f"<{style} {text}>")
    lines = Table(marked, ["action", "dstport"], chosen=True).page([flow(action="REJECT")])
    assert lines[0].startswith("<heading ")
    assert "<bad REJECT>" in lines[1]


@pytest.mark.parametrize(
    ("value", "reads"),
    [(0, "0"), (1, "FIN"), (2, "SYN"), (3, "SYN+FIN"), (4, "RST"), (18, "SYN-ACK"),
     (19, "SYN-ACK+FIN"), (16, "ACK"), (24, "ACK+PSH"), (23, "SYN-ACK+FIN+RST"), (256, "0x100")],
)  # fmt: skip
def test_tcp_flags_have_names(value: int, reads: str) -> None:
    assert flag_names(value) == reads
    if value not in (0, 256):
        assert flag_bits(reads.lower()) == value


def test_numbers_of_protocols_and_paths_have_names_where_there_are_any() -> None:
    assert [protocol_name(n) for n in (1, 6, 17, 58, 253)] == [
        "icmp",
        "tcp",
        "udp",
        "icmpv6",
        "253",
    ]
    assert [path_name(n) for n in (8, 9)] == ["8 internet gateway", "9"]


@pytest.mark.parametrize(
    ("name", "value", "reads"),
    [
        ("start", NOON, "2024-05-01 12:00:00"),
        ("start", NOON.replace(microsecond=5000), "2024-05-01 12:00:00.005"),
        ("bytes", 1234567, "1,234,567"),
        ("srcport", 0, "0"),
        ("traffic_path", 2, "2 internet or gateway endpoint"),
        ("encryption_status", 3, "3 nitro+application"),
        ("instance_tag", "caf\u00e9 \u202e", "café \\u202e"),
        ("a_field_of_2031", "x", "x"),
        ("bytes", None, "-"),
    ],
)
def test_values_read_well(name: str, value: object, reads: str) -> None:
    assert single(name).text(SimpleNamespace(**{name: value})) == reads
