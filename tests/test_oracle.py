"""The oracle itself, held against lines that AWS's documentation prints and explains."""

from __future__ import annotations

import lines
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.errors import FormatError
from vpcflow.flow_format import FlowFormat

DEFAULT = FlowFormat.default()


def test_the_documented_example_of_an_accepted_flow() -> None:
    (record,) = oracle.read(lines.DEFAULT_LINE).records
    assert record == {
        "version": 2,
        "account_id": "123456789010",
        "interface_id": "eni-1235b8ca123456789",
        "srcaddr": "172.31.16.139",
        "dstaddr": "172.31.16.21",
        "srcport": 20641,
        "dstport": 22,
        "protocol": 6,
        "packets": 20,
        "bytes": 4249,
        "start": 1418530010_000,
        "end": 1418530070_000,
        "action": "ACCEPT",
        "log_status": "OK",
    }


def test_the_documented_examples_of_nodata_and_skipdata() -> None:
    result = oracle.read(lines.text([lines.NODATA_LINE, lines.SKIPDATA_LINE]))
    assert [record["log_status"] for record in result.records] == ["NODATA", "SKIPDATA"]
    assert [record["srcaddr"] for record in result.records] == [None, None]
    assert (result.counts["nodata"], result.counts["skipdata"]) == (1, 1)


def test_positions_of_rejected_lines_count_bytes_of_the_text() -> None:
    data = lines.BOM + b"\n" + "10.0.0.1 é\n".encode() + b"10.0.0.1 1 2\r\n"
    found = oracle.read(data, "srcaddr dstport").rejected
    facts = [(line.line_number, line.byte_offset, line.reason, line.field) for line in found]
    assert facts == [(2, 4, "not-an-integer", "dstport"), (3, 16, "too-many-fields", None)]
    assert found[1].text == b"10.0.0.1 1 2\r"


@pytest.mark.parametrize(
    ("where", "ports"),
    [
        ({"dstport": 22}, [22]),
        ({"dstport": [22, 443]}, [22, 443]),
        ({"dstport": (23, 444)}, [443]),
        ({"dstport": (None, 443)}, [22]),
        ({"dstport": None}, [None]),
        ({"srcaddr": "10.0.0.0/8"}, [22, None]),
        ({"srcaddr": "10.0.0.1", "dstport": 22}, [22]),
        ({"srcaddr": ["2001:db8::/32", "10.0.0.2"]}, [443, None]),
        ({"start": ("2023-11-14T22:13:20Z", 1700000001)}, [22]),
        ({"pkt_srcaddr": None}, [22, 443, None]),
        ({"pkt_srcaddr": "10.0.0.1"}, []),
    ],
)
def test_what_where_wants(where: dict[str, object], ports: list[int | None]) -> None:
    data = b"10.0.0.1 22 1700000000\n2001:0db8::1 443 1700000001\n10.0.0.2 - 1700000002000\n"
    result = oracle.read(data, "srcaddr dstport start", ["dstport"], where)
    assert [record["dstport"] for record in result.records] == ports
    assert result.counts["filtered"] == 3 - len(ports)


def test_a_bad_filter_column_rejects_the_line_and_others_are_not_looked_at_when_filtered() -> None:
    data = b"x 1 y\n10.0.0.1 2 y\n10.0.0.1 1 5\n10.0.0.1 1 y\n"
    result = oracle.read(data, "srcaddr dstport bytes", where={"dstport": 1, "srcaddr": "10.0.0.1"})
    assert [line.line_number for line in result.rejected] == [4]
    assert result.counts["filtered"] == 2
    data = b"y 10.0.0.1 x\n"
    (line,) = oracle.read(data, "dstport srcaddr bytes", where={"bytes": 1}).rejected
    assert line.field == "bytes"


def test_an_unknown_format_is_refused() -> None:
    for data in (b"1 2 3\n", lines.DEFAULT_LINE + b" more\n", b"10.0.0.1\n"):
        with pytest.raises(FormatError):
            oracle.read(data)


@given(st.data())
def test_every_line_is_counted_once(data: st.DataObject) -> None:
    format = data.draw(lines.formats())
    result = oracle.read(data.draw(lines.documents(format)), FlowFormat(format.fields))
    counts = result.counts
    parts = ("records", "filtered", "rejected", "blank", "header")
    assert counts["lines"] == sum(counts[part] for part in parts)
    assert counts["records"] == len(result.records)
    assert counts["rejected"] == len(result.rejected)
