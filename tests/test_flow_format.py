"""How a format is written, recognised, assumed, and refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume as suppose
from hypothesis import given
from hypothesis import strategies as st
from lines import BOM, DEFAULT_LINE, NODATA_LINE, SKIPDATA_LINE, header

from vpcflow.errors import FormatError, UsageError
from vpcflow.fields import FIELDS, text_field
from vpcflow.flow_format import (
    SAMPLE_LINES,
    FlowFormat,
    assume,
    coerce,
    is_header,
    misfit,
    recognise,
    tokens,
)

TGW_LINE = (
    b"6 TransitGateway 123456789010 tgw-0123456789abcdef0 tgw-attach-0123456789abcdef1 "
    b"123456789010 210987654321 vpc-0123456789abcdef0 vpc-0123456789abcdef1 "
    b"subnet-0123456789abcdef0 subnet-0123456789abcdef1 eni-0123456789abcdef0 "
    b"eni-0123456789abcdef1 use1-az1 use1-az2 tgw-attach-0123456789abcdef2 10.0.0.1 10.1.0.1 "
    b"40000 443 6 20 4249 1418530010 1418530070 OK IPv4 0 0 0 0 19 us-east-1 ingress - -"
)
DEFAULT, GATEWAY = FlowFormat.default(), FlowFormat.transit_gateway()
NAMES = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True)
KNOWN = st.lists(st.sampled_from(list(FIELDS.values())), min_size=1, unique=True)
FORMATS = st.builds(
    lambda known, new: FlowFormat([*known, *(text_field(n) for n in new)]),
    KNOWN,
    st.lists(NAMES.filter(lambda n: n.replace("-", "_") not in FIELDS), max_size=3, unique=True),
)


def with_value(line: bytes, fmt: FlowFormat, **values: str) -> bytes:
    named = dict(zip(fmt.names, line.decode().split(" "), strict=True))
    return " ".join((named | values).values()).encode()


def refusal(lines: list[bytes], **options) -> FormatError:
    with pytest.raises(FormatError) as caught:
        recognise(lines, source="a.log", **{"given": None, **options})
    assert caught.value.source == "a.log"
    return caught.value


# Writing a format


def test_the_default_is_version_2_in_the_order_of_aws():
    assert str(DEFAULT) == (
        "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
        "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
    )
    assert (len(DEFAULT), DEFAULT.version) == (14, 2)


def test_the_transit_gateway_default_has_its_36_fields():
    assert (len(GATEWAY), GATEWAY.version) == (36, 6)
    assert GATEWAY.names[:4] == ("version", "resource_type", "account_id", "tgw_id")
    assert GATEWAY.names[-1] == "pkt_dst_aws_service"
    assert {f.name for f in FIELDS.values() if f.version == 6} < set(GATEWAY.names)
    assert "action" not in GATEWAY.names


@given(FORMATS)
def test_the_form_of_aws_is_read_back_to_the_same_format(fmt):
    again = FlowFormat.parse(str(fmt), unknown="text")
    assert again == fmt
    assert hash(again) == hash(fmt)
    assert repr(fmt) == f"FlowFormat.parse({str(fmt)!r})"


@given(KNOWN, st.data())
def test_names_may_be_written_with_hyphens_or_underscores_bare_or_not(fields, data):
    spellings = [("{}", "name"), ("{}", "aws_name"), ("${{{}}}", "name"), ("${{{}}}", "aws_name")]
    written = "".join(
        form.format(getattr(f, spelling)) + data.draw(st.sampled_from([" ", "  ", "\t", "\n"]))
        for f in fields
        for form, spelling in [data.draw(st.sampled_from(spellings))]
    )
    assert FlowFormat.parse(written).fields == tuple(fields)


@pytest.mark.parametrize("text", ["", "  \t "])
def test_an_empty_format_is_refused(text):
    with pytest.raises(UsageError, match="at least one field"):
        FlowFormat.parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version src-adr", "unknown field 'src-adr' at position 2 of 2; .* 'srcaddr'"),
        ("${srcAddr}", "'srcAddr' .* 'srcaddr'"),
        ("$${version}", r"'\$\$\{version\}' .* 'version'"),
        ("zzz", r"unknown field 'zzz' at position 1 of 1\n.*unknown=\"text\""),
        ("version,srcaddr", "separate the names by blanks"),
        ("a\x1b[31m", r"'a\\x1b\[31m'"),
    ],
)
def test_an_unknown_name_is_refused_with_its_position_and_the_nearest(text, said):
    with pytest.raises(UsageError) as caught:
        FlowFormat.parse(text)
    assert re.search(said, str(caught.value))


def test_an_unknown_name_is_read_as_text_if_that_is_asked_for():
    fmt = FlowFormat.parse("version brand-new", unknown="text")
    assert fmt.fields == (FIELDS["version"], text_field("brand-new"))


@pytest.mark.parametrize("text", ["Version", "a,b", "${}", "-a", "9a", "a{b"])
def test_what_is_no_name_is_refused_even_then(text):
    with pytest.raises(UsageError, match="unknown field"):
        FlowFormat.parse(text, unknown="text")


def test_unknown_is_error_or_text():
    with pytest.raises(UsageError, match="ignore"):
        FlowFormat.parse("version", unknown="ignore")


@pytest.mark.parametrize("text", ["start end start", "pkt-srcaddr pkt_srcaddr", "new new"])
def test_a_name_twice_is_refused(text):
    with pytest.raises(UsageError, match=f"twice: {text.split()[0].replace('-', '_')}"):
        FlowFormat.parse(text, unknown="text")


def test_a_format_made_of_fields_follows_the_same_rules():
    assert FlowFormat([FIELDS["start"]]).names == ("start",)
    with pytest.raises(UsageError, match="twice"):
        FlowFormat([FIELDS["start"], FIELDS["start"]])
    with pytest.raises(UsageError, match="at least one"):
        FlowFormat(())


def test_a_format_argument_may_be_a_format_a_string_or_the_name_of_a_default():
    assert coerce(None) is None
    assert coerce(GATEWAY) is GATEWAY
    assert coerce("default") == DEFAULT
    assert coerce("transit-gateway") == GATEWAY
    assert coerce("${version} srcaddr") == FlowFormat.parse("version srcaddr")
    with pytest.raises(UsageError, match="not list"):
        coerce(["version"])


# Lines and headers


@given(
    st.lists(st.binary(min_size=1).filter(lambda t: not set(t) & set(b" \t\r\n")), min_size=1),
    st.data(),
)
def test_blanks_and_tabs_in_runs_separate_and_line_ends_do_not_count(values, data):
    suppose(not values[0].startswith(BOM))
    blanks = st.text(" \t", min_size=1, max_size=3).map(str.encode)
    line = b"".join(v + data.draw(blanks) for v in values)
    for start in (b"", b" ", BOM, BOM + b"\t"):
        for end in (b"", b"\n", b"\r\n", b"\r"):
            assert tokens(start + line + end) == values


def test_other_control_characters_are_part_of_a_value():
    assert tokens(b"a\x00b c\x0bd\x0c e\rf\n") == [b"a\x00b", b"c\x0bd\x0c", b"e\rf"]


@given(FORMATS, st.booleans(), st.sampled_from([b"", BOM, b" "]), st.sampled_from([b"", b"\r\n"]))
def test_a_header_line_states_its_format(fmt, underscores, start, end):
    line = start + header(fmt, underscores=underscores) + end
    assert is_header(line)
    assert FlowFormat.from_header(line) == fmt
    assert recognise([b"\n", line], source="a", given=None) == (fmt, "header")


def test_a_header_may_be_a_string():
    assert FlowFormat.from_header("version srcaddr").names == ("version", "srcaddr")


@pytest.mark.parametrize(
    "line",
    [
        *(DEFAULT_LINE, NODATA_LINE, SKIPDATA_LINE, TGW_LINE, b"", b" \t\r\n", BOM),
        *(b"version -", b"version 2", b"Version srcaddr", b"version,srcaddr", b"one two"),
        *(b"${version}", b"version caf\xc3\xa9", b"version \xff"),
    ],
)
def test_a_line_with_anything_but_names_or_without_a_known_name_is_no_header(line):
    assert not is_header(line)
    with pytest.raises(FormatError, match="not a header line"):
        FlowFormat.from_header(line)


@given(st.binary())
def test_any_bytes_are_a_header_or_not_without_an_error(line):
    if is_header(line):
        assert len(FlowFormat.from_header(line)) == len(tokens(line))


def test_a_header_with_a_name_twice_is_refused():
    error = refusal([b"version pkt-srcaddr start pkt_srcaddr"])
    assert "twice: pkt_srcaddr" in error.message
    assert error.line == b"version pkt-srcaddr start pkt_srcaddr"


# Who states the format


def test_the_given_format_comes_first_then_the_header_then_the_container():
    small, line = FlowFormat.parse("version srcaddr"), b"2 10.0.0.1"
    assert recognise([line], source="a", given=small, container=DEFAULT) == (small, "given")
    named = [header(small), line]
    assert recognise(named, source="a", given=small) == (small, "given")
    assert recognise(named, source="a", given=None, container=DEFAULT) == (small, "header")
    assert recognise([line], source="a", given=None, container=small) == (small, "container")
    assert recognise([line], source="a", given=None, container=small, strict=True)[1] == "container"
    assert recognise(named, source="a", given=None, strict=True) == (small, "header")


@pytest.mark.parametrize("lines", [[], [b"\n", b" \t\r\n", BOM]])
def test_without_a_line_the_format_is_what_somebody_states_or_nothing(lines):
    assert recognise(lines, source="a", given=None) == (None, "")
    assert recognise(lines, source="a", given=None, strict=True) == (None, "")
    assert recognise(lines, source="a", given=DEFAULT) == (DEFAULT, "given")
    assert recognise(lines, source="a", given=None, container=DEFAULT) == (DEFAULT, "container")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "version dstaddr srcaddr",
            "at field 2: the header has dstaddr, the given format has srcaddr",
        ),
        ("version srcaddr", "at field 3: the header ends before it, the given format has dstaddr"),
        (
            "version srcaddr dstaddr end",
            "at field 4: the header has end, the given format ends before",
        ),
        (
            "version srcaddr new-one",
            "at field 3: the header has new-one, the given format has dstaddr",
        ),
    ],
)
def test_a_header_that_contradicts_the_given_format_is_refused_at_the_first_difference(line, said):
    error = refusal([line.encode()], given=FlowFormat.parse("version srcaddr dstaddr"))
    assert said in error.message
    assert (error.line, bool(error.hint)) == (line.encode(), True)


@given(FORMATS, FORMATS)
def test_a_header_is_accepted_beside_the_given_format_only_if_it_is_the_same(stated, fmt):
    lines = [header(stated)]
    if stated.names == fmt.names:
        assert recognise(lines, source="a", given=fmt) == (fmt, "given")
    else:
        refusal(lines, given=fmt)


# Assuming one


@pytest.mark.parametrize(
    ("line", "fmt"),
    [
        (DEFAULT_LINE, DEFAULT),
        (NODATA_LINE, DEFAULT),
        (SKIPDATA_LINE, DEFAULT),
        (BOM + DEFAULT_LINE.replace(b" ", b"\t  ") + b" \r\n", DEFAULT),
        (with_value(DEFAULT_LINE, DEFAULT, srcaddr="2001:db8::1", dstaddr="::"), DEFAULT),
        (with_value(DEFAULT_LINE, DEFAULT, account_id="unknown", interface_id="-"), DEFAULT),
        (with_value(DEFAULT_LINE, DEFAULT, start="1418530010000", end="1418530070000"), DEFAULT),
        (TGW_LINE, GATEWAY),
        (with_value(TGW_LINE, GATEWAY, resource_type="TransitGatewayAttachment"), GATEWAY),
        (with_value(TGW_LINE, GATEWAY, log_status="NODATA", srcaddr="-", srcport="-"), GATEWAY),
    ],
)
def test_a_line_that_fits_one_default_field_by_field_makes_it_the_format(line, fmt):
    assert recognise([b"\n", line], source="a", given=None) == (fmt, "assumed")
    error = refusal([line], strict=True)
    assert "strict" in error.message
    assert "describe-flow-logs" in error.hint


@pytest.mark.parametrize(
    ("fmt", "line", "name", "value", "belongs"),
    [
        (DEFAULT, DEFAULT_LINE, "version", "3", "2 (AWS writes the highest version of the fields)"),
        (DEFAULT, DEFAULT_LINE, "account_id", "12345", "an account (12 digits, or unknown)"),
        (DEFAULT, DEFAULT_LINE, "interface_id", "i-0123", "an interface (eni-...)"),
        (DEFAULT, DEFAULT_LINE, "dstaddr", "22", "an IP address"),
        (DEFAULT, DEFAULT_LINE, "srcport", "65536", "an integer from 0 to 65535"),
        (DEFAULT, DEFAULT_LINE, "srcport", "010", "an integer from 0 to 65535"),
        (DEFAULT, DEFAULT_LINE, "protocol", "256", "an integer from 0 to 255"),
        (DEFAULT, DEFAULT_LINE, "bytes", "6.0", f"an integer from 0 to {2**63 - 1}"),
        (DEFAULT, DEFAULT_LINE, "start", "4249", "a Unix time (10 or 13 digits)"),
        (DEFAULT, DEFAULT_LINE, "action", "OK", "ACCEPT or REJECT"),
        (DEFAULT, DEFAULT_LINE, "log_status", "-", "OK or NODATA or SKIPDATA"),
        (GATEWAY, TGW_LINE, "version", "2", "6 (AWS writes the highest version of the fields)"),
        (GATEWAY, TGW_LINE, "resource_type", "-", "TransitGateway or TransitGatewayAttachment"),
        (GATEWAY, TGW_LINE, "tgw_id", "vpc-0123", "a transit gateway (tgw-...)"),
    ],
)
def test_a_line_that_does_not_fit_is_refused_with_the_field_at_fault(
    fmt, line, name, value, belongs
):
    position = fmt.names.index(name) + 1
    aws_name = FIELDS[name].aws_name
    bad = with_value(line, fmt, **{name: value})
    error = refusal([bad])
    said = f"field {position} ({aws_name}) is '{value}' where {belongs} belongs"
    assert said in error.message
    assert f"line 1 has {len(fmt)} fields" in error.message
    assert "describe-flow-logs" in error.hint
    assert error.line == bad
    assert assume([bad] * (SAMPLE_LINES - 1) + [line], "a") == fmt
    refusal([bad] * SAMPLE_LINES + [line])


def test_a_line_with_another_number_of_fields_is_refused_with_its_number():
    error = refusal([DEFAULT_LINE, b"\n", DEFAULT_LINE, TGW_LINE, b"2 3"])
    assert "line 1 has 14 fields, but line 4 has 36" in error.message
    assert error.line == TGW_LINE
    refusal([DEFAULT_LINE] * (SAMPLE_LINES - 1) + [b"2 3"])
    assert assume([DEFAULT_LINE] * SAMPLE_LINES + [b"2 3"], "a") == DEFAULT


def test_blank_lines_are_not_counted_among_the_first_hundred():
    lines = [line for _ in range(SAMPLE_LINES - 1) for line in (b"\n", DEFAULT_LINE)]
    refusal([*lines, b"2 3"])


def test_a_header_further_down_speaks_for_the_lines_after_it_only():
    assert assume([DEFAULT_LINE, b"version srcaddr", b"2 10.0.0.1"], "a") == DEFAULT


@given(st.integers(1, 60).filter(lambda n: n not in (14, 36)))
def test_any_other_number_of_fields_is_refused_and_said(count):
    error = refusal([b" ".join([b"-"] * count)])
    assert f"line 1 has {count} field" in error.message
    assert "VPC default has 14, the transit gateway default 36" in error.message


@pytest.mark.parametrize(
    "order",
    [
        "version account-id interface-id dstport dstaddr srcport srcaddr protocol packets bytes "
        "start end action log-status",
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "
        "start end log-status action",
    ],
)
def test_the_default_fields_in_another_order_are_not_taken_for_the_default(order):
    fmt = FlowFormat.parse(order)
    values = dict(zip(DEFAULT.names, DEFAULT_LINE.split(), strict=True))
    refusal([b" ".join(values[name] for name in fmt.names)])


@pytest.mark.parametrize("version", sorted({f.version for f in FIELDS.values()} - {2, 6}))
@pytest.mark.parametrize("order", ["AWS's", "alphabetical"])
def test_all_fields_up_to_a_version_are_refused_but_named_as_likely(version, order):
    fields = [f for f in FIELDS.values() if f.version <= version and f.version != 6]
    fmt = FlowFormat(fields if order == "AWS's" else sorted(fields, key=lambda f: f.aws_name))
    known = dict(zip(DEFAULT.names, DEFAULT_LINE.decode().split(), strict=True))
    known["version"] = str(version)
    error = refusal([" ".join(known.get(name, "-") for name in fmt.names).encode()])
    assert f"would fit all fields up to version {version} in {order} order" in error.message
    assert f'format="{fmt}"' in error.hint


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"Version Account-Id srcaddr", "'Version' stands where AWS writes 'version'"),
        (b"version srcAddr dstAddr NEW", "'srcAddr' stands where AWS writes 'srcaddr'"),
        (b"version,account-id,srcaddr", "something other than blanks stands between its names"),
        (b'"version" "srcaddr"', "something other than blanks stands between its names"),
    ],
)
def test_a_header_in_another_spelling_is_refused_as_what_it_is(line, said):
    error = refusal([line, DEFAULT_LINE])
    assert "line 1 looks like a header" in error.message
    assert said in error.message


def test_a_record_that_holds_a_known_name_is_not_called_a_header():
    assert "no header line" in refusal([DEFAULT_LINE + b" bytes"]).message


@given(st.lists(st.binary(max_size=80), max_size=10))
def test_any_lines_are_recognised_or_refused(lines):
    try:
        fmt, said_by = recognise(lines, source="a", given=None)
    except FormatError as refused:
        text = str(refused)
        assert all(line.isprintable() for line in text.split("\n"))
    else:
        assert (fmt is None) == (said_by == "")
        assert (fmt is None) == (not any(map(tokens, lines)))


def test_no_lines_at_all_leave_nothing_to_assume_from():
    with pytest.raises(FormatError, match="no line"):
        assume([b"\n"], "a")


def test_misfit_counts_fields_first():
    assert misfit(DEFAULT, tokens(DEFAULT_LINE)) is None
    assert misfit(DEFAULT, tokens(DEFAULT_LINE)[:1]) == "it has 1 field, not 14"
