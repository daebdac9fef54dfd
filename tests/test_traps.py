"""Mistakes that readers of flow logs are known to make, one test each.

The docstrings say in general words who falls into the trap; what is right is written out by hand.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import checks
import lines
import polars
import pyarrow as pa
import pytest

import vpcflow
from vpcflow import FlowFormat, FormatError, UsageError

DEFAULT = FlowFormat.default()
GATEWAY = FlowFormat.transit_gateway()
LINE = lines.DEFAULT_LINE
V5 = FlowFormat(tuple(f for f in vpcflow.FIELDS.values() if 2 <= f.version <= 5))
ALPHABETICAL = FlowFormat(tuple(sorted(V5.fields, key=lambda field: field.aws_name)))
GATEWAY_LINE = (
    b"6 TransitGatewayAttachment 123456789012 tgw-0123456789abcdef0 tgw-attach-0123456789abcdef0 "
    b"123456789012 210987654321 vpc-0aaaaaaaaaaaaaaaa vpc-0bbbbbbbbbbbbbbbb "
    b"subnet-0aaaaaaaaaaaaaaaa subnet-0bbbbbbbbbbbbbbbb eni-0aaaaaaaaaaaaaaaa "
    b"eni-0bbbbbbbbbbbbbbbb use1-az1 use1-az2 tgw-attach-0bbbbbbbbbbbbbbbb 10.0.0.1 10.1.0.1 "
    b"49152 443 6 10 840 1700000000 1700000060 OK IPv4 0 0 0 0 18 us-east-1 ingress - -"
)
V5_LINE = (
    b"5 123456789010 eni-1235b8ca123456789 10.0.0.1 10.0.0.2 49152 443 6 10 840 1700000000 "
    b"1700000060 ACCEPT OK vpc-0aaaaaaaaaaaaaaaa subnet-0aaaaaaaaaaaaaaaa i-0aaaaaaaaaaaaaaaa 18 "
    b"IPv4 10.0.0.1 10.0.0.2 us-east-1 use1-az1 - - - S3 egress 7"
)


def rows(data: bytes | Any, **options: Any) -> list[dict[str, Any]]:
    batch = vpcflow.parse(data, **options)
    assert batch.rejected == ()
    return [checks.row(record) for record in batch]


def only(data: bytes, **options: Any) -> dict[str, Any]:
    (row,) = rows(data, **options)
    return row


def rejected(data: bytes, **options: Any) -> list[tuple[int, str, str | None]]:
    batch = vpcflow.parse(data, **options)
    return [(line.line_number, line.reason, line.field) for line in batch.rejected]


def scanned(*sources: object, **options: Any) -> list[dict[str, Any]]:
    with vpcflow.scan(*sources, **options) as stream:
        return [checks.row(record) for record in stream.records()]


def in_order(values: dict[str, bytes], format: FlowFormat) -> bytes:
    return b" ".join(values[name] for name in format.names)


# Separators and line ends


def test_two_blanks_in_a_row_are_one() -> None:
    """Splitting at exactly one blank: AWS's own published example holds two blanks in a row."""
    assert only(LINE.replace(b" 6 20 ", b" 6  20 ")) == only(LINE)


def test_tabs_and_blanks_at_the_ends_change_nothing() -> None:
    """Readers built on a CSV module, or on a regular expression that starts at the first digit."""
    assert only(b" \t" + LINE.replace(b" ", b"\t") + b"\t \n") == only(LINE)


def test_a_carriage_return_is_not_part_of_the_last_value() -> None:
    """Files that went over a Windows machine: the last column then reads OK + carriage return."""
    data = lines.header(DEFAULT) + b"\r\n" + LINE + b"\r\n" + LINE + b"\r"
    assert [row["log_status"] for row in rows(data)] == ["OK", "OK"]


def test_a_carriage_return_within_a_line_is_text() -> None:
    """Readers in universal-newline mode cut a line in two at a stray carriage return."""
    assert rows(b"a\rb 1\n", format="vpc-id dstport") == [{"vpc_id": "a\rb", "dstport": 1}]


def test_form_feeds_and_other_line_separators_of_unicode_do_not_end_a_line() -> None:
    """str.splitlines() ends lines at eight more characters than a newline."""
    odd = "a\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029b"
    data = odd.encode() + b" 1\n"
    assert rows(data, format="vpc-id dstport") == [{"vpc_id": odd, "dstport": 1}]


def test_a_byte_order_mark_is_not_part_of_the_first_name() -> None:
    """The first column is then unknown, and the whole header is thrown away."""
    data = lines.BOM + lines.header(DEFAULT) + b"\n" + LINE
    assert only(data) == only(LINE)
    assert vpcflow.parse(data).format_source == "header"


def test_the_last_line_needs_no_newline() -> None:
    """Line readers that wait for a newline lose the last record of each file."""
    assert len(rows(LINE + b"\n" + LINE)) == 2


def test_blank_lines_are_counted_and_nothing_else() -> None:
    """A blank line counted as an error, or as a record of nulls."""
    batch = vpcflow.parse(b"\n" + LINE + b"\n\n \t\r\n" + LINE + b"\n\n")
    assert batch.counts["records"] == 2
    assert batch.counts["blank"] == 4
    assert batch.counts["lines"] == 6


# Integers


@pytest.mark.parametrize(
    "port", [b"010", b"+443", b"443.0", b"0x1f", b"0b11", b"4_4", b"-1", b"4e2", b"00", b"NaN"]
)
def test_what_is_not_a_plain_decimal_is_not_a_port(port: bytes) -> None:
    """Number parsers that guess the base read 010 as 8; lenient ones take signs and fractions."""
    line = LINE.replace(b" 22 ", b" " + port + b" ")
    assert rejected(line, format=DEFAULT) == [(1, "not-an-integer", "dstport")]


@pytest.mark.parametrize(
    ("column", "largest"),
    [
        ("dstport", 65_535),
        ("protocol", 255),
        ("version", 2**31 - 1),
        ("tcp_flags", 2**31 - 1),
        ("bytes", 2**63 - 1),
    ],
)
def test_a_number_beyond_its_column_is_set_aside_and_does_not_wrap(
    column: str, largest: int
) -> None:
    """Readers that keep the low bits turn port 65537 into port 1."""
    data = b"%d\n%d\n%d\n%d\n" % (largest, largest + 1, 2**64 + 22, 10**40)
    assert [record.asdict() for record in vpcflow.parse(data, format=column)] == [{column: largest}]
    assert rejected(data, format=column) == [(n, "out-of-range", column) for n in (2, 3, 4)]


def test_a_port_that_is_zero_stays_zero() -> None:
    """`value if value else '-'`: ICMP has ports 0, and they are not missing."""
    line = LINE.replace(b" 20641 22 6 20 4249 ", b" 0 0 1 0 0 ")
    row = only(line)
    assert (row["srcport"], row["dstport"], row["packets"], row["bytes"]) == (0, 0, 0, 0)
    assert json.loads(vpcflow.parse(line).to_jsonl())["srcport"] == 0


def test_protocols_without_a_well_known_name_are_numbers_too() -> None:
    """Readers that map numbers to names fail on the numbers that they have no name for."""
    assert rows(b"255\n0\n143\n", format="protocol") == [
        {"protocol": 255},
        {"protocol": 0},
        {"protocol": 143},
    ]


def test_a_dash_in_an_integer_column_is_null() -> None:
    """int('-') raises; NODATA lines and flags that could not be computed hold it."""
    assert rows(b"- - -\n", format="tcp-flags traffic-path bytes") == [
        {"tcp_flags": None, "traffic_path": None, "bytes": None}
    ]


# Accounts and other text


def test_an_account_keeps_its_leading_zeros_and_may_be_unknown() -> None:
    """Account ids read as numbers lose their zeros, and fail on the word `unknown`."""
    data = b"000123456789 1\nunknown 2\n123456789012 3\n"
    accounts = [row["account_id"] for row in rows(data, format="account-id dstport")]
    assert accounts == ["000123456789", "unknown", "123456789012"]


def test_records_of_several_accounts_keep_their_own() -> None:
    """Readers that put the account into the file's metadata give all records the last one's."""
    data = LINE + b"\n" + LINE.replace(b"123456789010", b"000000000042") + b"\n"
    assert [row["account_id"] for row in rows(data)] == ["123456789010", "000000000042"]


def test_a_reject_reason_is_whatever_text_is_written_there() -> None:
    """Closed lists of values: AWS adds values, and samples hold such as `Accepted`."""
    data = b"REJECT BPA\nREJECT EC\nACCEPT Accepted\nREJECT new-reason/2\nACCEPT -\n"
    reasons = [row["reject_reason"] for row in rows(data, format="action reject-reason")]
    assert reasons == ["BPA", "EC", "Accepted", "new-reason/2", None]


def test_tags_are_percent_decoded_and_nothing_else_is() -> None:
    """Tag values (version 11) are percent-encoded, even their dashes; other text is not."""
    data = b"%2D %2D\ncaf%C3%A9 caf%C3%A9\na%20b+c a%20b+c\n- -\n"
    assert rows(data, format="instance-tag vpc-id") == [
        {"instance_tag": "-", "vpc_id": "%2D"},
        {"instance_tag": "café", "vpc_id": "caf%C3%A9"},
        {"instance_tag": "a b+c", "vpc_id": "a%20b+c"},
        {"instance_tag": None, "vpc_id": None},
    ]


def test_a_tag_that_is_not_percent_encoding_is_set_aside() -> None:
    """Lenient decoders leave 100% as it is, and then 100%25 and 100% are the same tag."""
    data = b"100%\n%2\n%zz\n%ff\n%C3\n100%25\n"
    assert rejected(data, format="asg-tag") == [
        (1, "bad-percent-encoding", "asg_tag"),
        (2, "bad-percent-encoding", "asg_tag"),
        (3, "bad-percent-encoding", "asg_tag"),
        (4, "not-utf8", "asg_tag"),
        (5, "not-utf8", "asg_tag"),
    ]


def test_text_that_is_not_utf8_is_set_aside_and_not_replaced() -> None:
    """errors="replace" makes different values equal; strict decoding of a whole file loses it."""
    data = b"a\xffb 1\nplain 2\n\xed\xa0\x80 3\n"
    assert rejected(data, format="vpc-id dstport") == [
        (1, "not-utf8", "vpc_id"),
        (3, "not-utf8", "vpc_id"),
    ]
    assert len(vpcflow.parse(data, format="vpc-id dstport")) == 1


def test_values_are_escaped_in_json_and_csv() -> None:
    """JSON pasted together from strings breaks, or worse, at the first quotation mark."""
    value = 'a"b\\c,\x01\x7f</script>\u2028é'
    batch = vpcflow.parse(value.encode() + b" 1\n", format="vpc-id dstport")
    assert json.loads(batch.to_jsonl()) == {"vpc_id": value, "dstport": 1}
    read = csv.DictReader(io.StringIO(batch.to_csv().decode(), newline=""))
    assert list(read) == [{"vpc_id": value, "dstport": "1"}]


def test_a_long_value_is_not_cut() -> None:
    """Fixed buffers: ARNs and container ids are longer than any address."""
    value = b"arn:aws:ecs:eu-central-1:123456789012:task-definition/" + b"x" * 70_000
    data = value + b" 1\n"
    for text in checks.TEXT_MODES:
        row = only(data, format="ecs-task-definition-arn dstport", text=text)
        assert row["ecs_task_definition_arn"] == value.decode()


# Times


def test_times_are_seconds_since_1970_in_utc() -> None:
    """Seconds taken for milliseconds give dates in January 1970; local times give wrong hours."""
    (record,) = vpcflow.parse(LINE)
    assert record.start == datetime(2014, 12, 14, 4, 6, 50, tzinfo=UTC)
    assert record.start.utcoffset().total_seconds() == 0


def test_thirteen_digits_are_milliseconds() -> None:
    """Old data holds milliseconds: read as seconds they are in the year 46918."""
    assert only(b"1418530010123", format="start") == {"start": 1418530010123}


def test_times_after_2038_are_still_seconds() -> None:
    """`if value > 2**31 - 1: value /= 1000` goes wrong in January 2038."""
    assert only(b"2147483648 4102444800", format="start end") == {
        "start": 2147483648_000,
        "end": 4102444800_000,
    }
    (record,) = vpcflow.parse(b"4102444800", format="start")
    assert record.start == datetime(2100, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", [b"0", b"999999999", b"14185300101", b"14185300101234", b"9" * 19]
)
def test_a_time_of_another_length_is_set_aside_and_not_guessed(value: bytes) -> None:
    """Guessing the unit by size: microseconds, or ports in the wrong column, become dates."""
    assert rejected(value, format="start") == [(1, "out-of-range", "start")]


# Lines that are not flows


def test_nodata_and_skipdata_are_records_with_nulls() -> None:
    """Readers that crash on them, drop them, or never save their position because of them."""
    data = lines.text([LINE, lines.NODATA_LINE, lines.SKIPDATA_LINE])
    batch = vpcflow.parse(data)
    assert [record.log_status for record in batch] == ["OK", "NODATA", "SKIPDATA"]
    assert batch.rejected == ()
    assert (batch.counts["records"], batch.counts["nodata"], batch.counts["skipdata"]) == (3, 1, 1)
    nodata = checks.row(list(batch)[1])
    assert nodata["start"] == 1431280876_000
    assert [nodata[name] for name in ("srcaddr", "dstport", "bytes", "action")] == [None] * 4


def test_a_nodata_line_may_come_first() -> None:
    """Readers that take the first line as typical, such as health checks on the first record."""
    assert vpcflow.parse(lines.text([lines.NODATA_LINE, LINE])).format_source == "assumed"


def test_a_nodata_line_may_hold_other_values() -> None:
    """Nothing follows for the other columns: a REJECT with NODATA is kept as it is written."""
    line = LINE.replace(b"ACCEPT OK", b"REJECT NODATA")
    batch = vpcflow.parse(line)
    assert checks.row(next(iter(batch))) == {
        **only(LINE),
        "action": "REJECT",
        "log_status": "NODATA",
    }
    assert batch.counts["nodata"] == 1


def test_a_nodata_line_has_no_action() -> None:
    """Readers that know two outcomes count NODATA as allowed traffic."""
    assert only(lines.NODATA_LINE)["action"] is None


def test_nodata_is_counted_without_the_column_being_asked_for() -> None:
    """Counts that depend on the columns somebody chose cannot be compared."""
    data = lines.text([LINE, lines.NODATA_LINE])
    counts = vpcflow.parse(data, columns=["srcaddr"]).counts
    assert (counts["records"], counts["nodata"]) == (2, 1)


def test_empty_input_is_an_empty_batch() -> None:
    """Aggregations that take the first record of nothing."""
    for data in (b"", b"\n", lines.BOM, b" \r\n\n"):
        batch = vpcflow.parse(data, format=DEFAULT)
        assert len(batch) == 0
        assert batch.column_names == DEFAULT.names
        assert pa.table(batch).num_rows == 0


def test_a_file_that_holds_a_header_only_has_its_columns() -> None:
    """The schema of a quiet interface's file is known all the same."""
    batch = vpcflow.parse(lines.header(V5) + b"\n")
    assert (len(batch), batch.column_names, batch.counts["header"]) == (0, V5.names, 1)


# Bad lines


def test_short_and_long_lines_are_set_aside_with_their_places() -> None:
    """zip(names, values) hides both: the one gets fewer columns, the other loses its end."""
    short, long = LINE.removesuffix(b" OK"), LINE + b" more"
    data = lines.text([LINE, short, LINE, long])
    batch = vpcflow.parse(data, format=DEFAULT)
    assert len(batch) == 2
    first, second = batch.rejected
    assert (first.line_number, first.reason, first.field, first.text) == (
        2,
        "too-few-fields",
        None,
        short,
    )
    assert (second.line_number, second.reason, second.text) == (4, "too-many-fields", long)
    assert data[second.byte_offset :].startswith(long)


@pytest.mark.parametrize("count", range(1, 40))
def test_a_line_of_any_number_of_fields_is_taken_or_set_aside(count: int) -> None:
    """Checks of a minimum length, then an index beyond it: one number of fields is fatal."""
    batch = vpcflow.parse(b" ".join([b"1"] * count), format="srcport dstport protocol")
    reason = {1: "too-few-fields", 2: "too-few-fields", 3: None}.get(count, "too-many-fields")
    assert [line.reason for line in batch.rejected] == ([reason] if reason else [])


def test_one_bad_line_does_not_stop_the_file() -> None:
    """Strict readers abort the file or the batch; the lines behind the bad one are lost."""
    data = lines.text([LINE, b"\x00\xff garbage", *[LINE] * 3])
    batch = vpcflow.parse(data, format=DEFAULT)
    assert (batch.counts["records"], batch.counts["rejected"]) == (4, 1)


def test_two_bad_values_in_a_line_are_one_rejected_line() -> None:
    """Counts of errors that are not counts of lines; the first in line order is named."""
    data = b"10.0.0.1 x y 999\n"
    batch = vpcflow.parse(data, format="srcaddr srcport dstport protocol")
    assert [(line.reason, line.field) for line in batch.rejected] == [("not-an-integer", "srcport")]
    assert batch.rejected_by_reason == {"not-an-integer": 1}


def test_a_bad_value_in_a_column_that_nobody_reads_does_not_matter() -> None:
    """Validation of everything makes a projection slow, and loses lines that were good enough."""
    data = b"10.0.0.1 x ACCEPT\n"
    assert rows(data, format="srcaddr srcport action", columns=["action", "srcaddr"]) == [
        {"action": "ACCEPT", "srcaddr": "10.0.0.1"}
    ]


def test_lines_always_add_up() -> None:
    """Silently dropped lines: what went in is what came out, was filtered, or was set aside."""
    data = lines.text([lines.header(DEFAULT), LINE, b"", b"x", lines.header(DEFAULT), LINE])
    counts = vpcflow.parse(data, where={"dstport": 443}).counts
    assert dict(counts) == {
        "lines": 6,
        "records": 0,
        "filtered": 2,
        "rejected": 1,
        "blank": 1,
        "header": 2,
        "nodata": 0,
        "skipdata": 0,
    }


# The header


def test_the_header_is_not_a_record() -> None:
    """Forwarders that ship the header as a log line."""
    batch = vpcflow.parse(lines.text([lines.header(DEFAULT), LINE]))
    assert (len(batch), batch.counts["header"], batch.rejected) == (1, 1, ())


def test_one_unknown_name_in_a_header_is_one_text_column() -> None:
    """Readers that drop a header which holds one name unknown to them, and then take the default
    layout: every value in the wrong column, and no word about it."""
    data = b"version brand-new-field srcaddr dstport\n12 010 10.0.0.1 443\n"
    batch = vpcflow.parse(data)
    assert rows(data) == [
        {"version": 12, "brand_new_field": "010", "srcaddr": "10.0.0.1", "dstport": 443}
    ]
    assert batch.format_source == "header"


def test_a_column_that_only_the_header_knows_can_be_asked_for_and_filtered_by() -> None:
    """A field that AWS added last week is wanted most by those who asked for it."""
    data = b"dstport brand-new-field\n443 a%20b\n22 -\n80 x\n"
    columns = ["brand_new_field"]
    assert rows(data, columns=columns, where={"brand_new_field": ["a%20b", None]}) == [
        {"brand_new_field": "a%20b"},
        {"brand_new_field": None},
    ]


def test_a_header_with_underscores_is_a_header() -> None:
    """AWS's Parquet files and many exports write account_id."""
    data = lines.text([lines.header(V5, underscores=True), V5_LINE])
    assert rows(data) == rows(V5_LINE, format=V5)


def test_the_header_decides_the_order_not_the_number_of_fields() -> None:
    """Layouts chosen by token count: another order of the same 14 fields is read as the default."""
    values = dict(zip(DEFAULT.names, LINE.split(), strict=True))
    other = FlowFormat(tuple(reversed(DEFAULT.fields)))
    data = lines.text([lines.header(other), in_order(values, other)])
    assert rows(data) == [{name: only(LINE)[name] for name in other.names}]


def test_the_same_number_of_fields_in_another_order_is_refused_without_a_header() -> None:
    """The loudest complaint of all: a wrong format accepted without a word."""
    values = dict(zip(DEFAULT.names, LINE.split(), strict=True))
    other = FlowFormat(tuple(reversed(DEFAULT.fields)))
    with pytest.raises(FormatError) as caught:
        vpcflow.parse(in_order(values, other))
    assert "14" in str(caught.value)
    assert "format=" in str(caught.value)


def test_the_consoles_alphabetical_order_is_known_by_its_header() -> None:
    """The console's "select all" writes the 29 fields alphabetically, not in AWS's order."""
    values = dict(zip(V5.names, V5_LINE.split(), strict=True))
    line = in_order(values, ALPHABETICAL)
    row = only(lines.text([lines.header(ALPHABETICAL), line]))
    assert row == only(V5_LINE, format=V5)
    assert list(row) == list(ALPHABETICAL.names)


def test_the_consoles_alphabetical_order_without_a_header_is_refused_and_named() -> None:
    """29 fields are not "the" 29 fields: the error says which order would fit."""
    values = dict(zip(V5.names, V5_LINE.split(), strict=True))
    with pytest.raises(FormatError, match="alphabetical"):
        vpcflow.parse(in_order(values, ALPHABETICAL))


def test_a_name_twice_in_a_header_is_an_error() -> None:
    """Dictionaries keep the last of two values, and nobody learns of the first."""
    with pytest.raises(FormatError, match="srcaddr"):
        vpcflow.parse(b"version srcaddr dstaddr srcaddr\n2 10.0.0.1 10.0.0.2 10.0.0.3\n")


def test_a_header_that_disagrees_with_the_given_format_is_an_error() -> None:
    """Whoever is right, one of the two would put values into wrong columns."""
    with pytest.raises(FormatError, match="header"):
        vpcflow.parse(lines.text([lines.header(V5), V5_LINE]), format=DEFAULT)


def test_a_header_repeated_in_mid_file_is_skipped() -> None:
    """Concatenated files: the header comes again, and is not a bad line."""
    part = lines.text([lines.header(DEFAULT), LINE])
    batch = vpcflow.parse(part * 3)
    assert (len(batch), batch.counts["header"], batch.rejected) == (3, 3, ())


@pytest.mark.parametrize("columns", [None, ["srcaddr"], ["bytes", "srcaddr"]])
def test_a_filter_does_not_hide_a_header(columns: list[str] | None) -> None:
    """The header's `action` is not REJECT, but the line is no filtered record for that, and the
    fields of the lines behind it are other ones."""
    data = lines.text(
        [
            b"srcaddr action bytes",
            b"10.0.0.1 REJECT 1",
            b"srcaddr action bytes",
            b"10.0.0.2 ACCEPT 2",
            b"bytes action srcaddr",
            b"3 REJECT 10.0.0.3",
        ]
    )
    with vpcflow.scan(data, where={"action": "REJECT"}, columns=columns) as stream:
        assert [record.srcaddr for record in stream.records()] == ["10.0.0.1", "10.0.0.3"]
    assert stream.counts["header"] == 3
    assert stream.counts["filtered"] == 1


def test_a_byte_order_mark_in_front_of_a_later_header_does_not_make_it_data() -> None:
    """Files of a Windows tool, concatenated: the mark comes again with each header."""
    part = lines.BOM + lines.text([lines.header(DEFAULT), LINE])
    for columns in (None, ["srcaddr"], ["action", "dstport"]):
        batch = vpcflow.parse(part + part, columns=columns)
        assert (len(batch), batch.counts["header"], batch.rejected) == (2, 2, ())
    part = lines.BOM + b"srcaddr action\n10.0.0.1 ACCEPT\n"
    assert rows(part + part) == [{"srcaddr": "10.0.0.1", "action": "ACCEPT"}] * 2


def test_a_header_with_fewer_fields_in_mid_file_changes_the_columns() -> None:
    """Concatenated files of two formats: positions of the first used for the second."""
    data = lines.text([lines.header(DEFAULT), LINE, b"dstport srcaddr", b"443 10.9.9.9"])
    with vpcflow.scan(data) as stream:
        found = [checks.row(record) for record in stream.records()]
    assert found[0] == only(LINE)
    assert found[1] == {**dict.fromkeys(DEFAULT.names), "dstport": 443, "srcaddr": "10.9.9.9"}


def test_a_field_that_only_appears_later_is_an_error_that_names_the_remedy() -> None:
    """A stream has one schema: a column that comes too late is not dropped silently."""
    data = lines.text([b"srcaddr dstport", b"10.0.0.1 443", b"srcaddr bytes", b"10.0.0.1 99"])
    with pytest.raises(FormatError) as caught:
        list(vpcflow.scan(data))
    assert "bytes" in str(caught.value)
    assert "columns=" in str(caught.value)
    columns = ["srcaddr", "dstport", "bytes"]
    assert scanned(data, columns=columns) == [
        {"srcaddr": "10.0.0.1", "dstport": 443, "bytes": None},
        {"srcaddr": "10.0.0.1", "dstport": None, "bytes": 99},
    ]


def test_lines_before_the_header_are_read_if_their_format_is_certain() -> None:
    """Readers that look for the header in the first line only, and then call it a bad record."""
    batch = vpcflow.parse(lines.text([LINE, lines.header(DEFAULT), LINE]))
    assert (len(batch), batch.counts["header"], batch.format_source) == (2, 1, "assumed")


def test_lines_before_the_header_are_not_guessed_at() -> None:
    """A comment or a cut line before the header: its fields have no names."""
    with pytest.raises(FormatError):
        vpcflow.parse(lines.text([b"# exported by somebody", lines.header(DEFAULT), LINE]))


def test_a_custom_format_without_an_action_has_no_action() -> None:
    """Filters and patterns that need ACCEPT or REJECT in a line lose the lines without."""
    row = only(lines.text([b"interface-id srcaddr bytes", b"eni-1 10.0.0.1 5"]))
    assert row == {"interface_id": "eni-1", "srcaddr": "10.0.0.1", "bytes": 5}


def test_a_line_of_words_is_not_a_header_for_that() -> None:
    """`^[a-z]` as the test of a header: regions and directions are lower-case words, too."""
    data = b"us-east-1 egress\neu-west-1 ingress\n"
    batch = vpcflow.parse(data, format="region flow-direction")
    assert (len(batch), batch.counts["header"]) == (2, 0)


def test_every_field_up_to_version_11_is_known() -> None:
    """Each release of fields breaks readers that stop at the version they were written for."""
    names = [f.name for f in vpcflow.FIELDS.values() if f.version != 6]
    assert len(names) == 54
    data = lines.text([lines.header(lines.EVERY_FIELD), lines.records(0, lines.EVERY_FIELD, 1)[0]])
    batch = vpcflow.parse(data)
    assert set(names) < set(batch.column_names)
    assert len(batch) == 1


def test_an_unknown_name_in_a_format_string_gives_the_nearest() -> None:
    """A misspelt name dropped silently shifts nothing, but its column is missing for ever."""
    with pytest.raises(UsageError, match="srcaddr"):
        vpcflow.parse(LINE, format="${version} ${src-adr}")


# Transit gateway


def test_a_transit_gateway_attachment_is_a_transit_gateway_log() -> None:
    """Detection by the word `TransitGateway` and a blank misses `TransitGatewayAttachment`."""
    batch = vpcflow.parse(GATEWAY_LINE)
    assert (batch.format, batch.format_source) == (GATEWAY, "assumed")
    (record,) = batch
    assert record.resource_type == "TransitGatewayAttachment"
    assert record.tgw_dst_vpc_account_id == "210987654321"
    assert record.packets_lost_no_route == 0


def test_vpc_and_transit_gateway_files_in_one_directory(tmp_path: Path) -> None:
    """Two families of records under one prefix: one cached format for both is wrong for one."""
    (tmp_path / "a.log").write_bytes(lines.text([lines.header(DEFAULT), LINE]))
    (tmp_path / "b.log").write_bytes(lines.text([lines.header(GATEWAY), GATEWAY_LINE]))
    first, second = scanned(tmp_path)
    assert (first["action"], first["tgw_id"], first["bytes"]) == ("ACCEPT", None, 4249)
    assert (second["action"], second["tgw_id"]) == (None, "tgw-0123456789abcdef0")
    assert second["bytes"] == 840
    assert list(first) == list(second)


def test_vpc_and_transit_gateway_lines_in_one_text_without_headers_are_refused() -> None:
    """Neither default fits all lines, so nothing is assumed."""
    with pytest.raises(FormatError):
        vpcflow.parse(lines.text([LINE, GATEWAY_LINE]))


# Directories


def test_two_formats_of_the_same_width_in_one_directory(tmp_path: Path) -> None:
    """A format chosen by its number of fields, or taken from the first file for all."""
    (tmp_path / "1.log").write_bytes(b"srcaddr dstaddr dstport\n10.0.0.1 10.0.0.2 443\n")
    (tmp_path / "2.log").write_bytes(b"dstaddr srcaddr bytes\n10.0.0.4 10.0.0.3 99\n")
    names = ["srcaddr", "dstaddr", "dstport", "bytes"]
    assert scanned(tmp_path) == [
        dict(zip(names, ["10.0.0.1", "10.0.0.2", 443, None], strict=True)),
        dict(zip(names, ["10.0.0.3", "10.0.0.4", None, 99], strict=True)),
    ]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_records_come_in_the_order_of_files_and_lines(tmp_path: Path, threads: int) -> None:
    """Threads that hand over whole files as they happen to finish."""
    for number in range(12):
        rows = [b"10.0.0.1 %d" % (number * 100 + n) for n in range(100)]
        data = lines.text([b"srcaddr dstport", *rows])
        (tmp_path / f"{number:02}.log.gz").write_bytes(gzip.compress(data))
    ports = [row["dstport"] for row in scanned(tmp_path, threads=threads)]
    assert ports == list(range(1200))


def test_files_with_and_without_header_lie_together(tmp_path: Path) -> None:
    """Skipping the first line of each file loses a record of those that have no header."""
    (tmp_path / "1.log").write_bytes(lines.text([lines.header(DEFAULT), LINE]))
    (tmp_path / "2.log").write_bytes(lines.text([LINE, LINE]))
    assert scanned(tmp_path) == [only(LINE)] * 3


def test_an_error_names_the_file(tmp_path: Path) -> None:
    """An error about line 7 of one of ten thousand files."""
    (tmp_path / "good.log").write_bytes(lines.text([lines.header(DEFAULT), LINE]))
    (tmp_path / "strange.log").write_bytes(b"a b c\n")
    with pytest.raises(FormatError, match=r"strange\.log"):
        list(vpcflow.scan(tmp_path))


def test_a_rejected_line_names_its_file_and_its_line_there(tmp_path: Path) -> None:
    """Line numbers counted across files, or per batch, lead nowhere."""
    (tmp_path / "1.log").write_bytes(lines.text([lines.header(DEFAULT), LINE]))
    (tmp_path / "2.log").write_bytes(lines.text([lines.header(DEFAULT), LINE, b"x"]))
    with vpcflow.scan(tmp_path) as stream:
        assert sum(len(batch) for batch in stream) == 2
        (line,) = stream.rejected
    assert (Path(line.source).name, line.line_number) == ("2.log", 3)
    assert line.byte_offset == len(lines.text([lines.header(DEFAULT), LINE]))


# Columns for other tools


def test_ports_and_times_reach_other_tools_as_numbers_and_times() -> None:
    """Everything as text: sums, joins and time windows then need casts that somebody forgets."""
    frame = polars.DataFrame(vpcflow.parse(LINE))
    assert frame.schema["dstport"] == polars.Int32
    assert frame.schema["bytes"] == polars.Int64
    assert frame.schema["start"] == polars.Datetime("ms", "UTC")
    assert frame.schema["protocol"] == polars.Int32
