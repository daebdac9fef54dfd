"""What one value shows about the field that it stands in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.fields import FIELDS, text_field
from vpcflow.shapes import misfit


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("account_id", "123456789010 000123456789 unknown"),
        ("interface_id", "eni-1235b8ca eni-1235b8ca123456789 -"),
        ("srcaddr", "10.0.0.1 ::1 2001:db8::8a2e:370:7334 ::ffff:10.0.0.1 -"),
        ("srcport", "0 22 65535 -"),
        ("protocol", "0 6 255 -"),
        ("packets", "0 9223372036854775807 -"),
        ("start", "1418530010 1418530010123"),
        ("action", "ACCEPT REJECT -"),
        ("log_status", "OK NODATA SKIPDATA"),
        ("vpc_id", "vpc-abcdefab012345678 -"),
        ("instance_id", "i-01234567890123456 -"),
        ("type", "IPv4 IPv6 EFA -"),
        ("region", "us-east-1 us-gov-west-1 cn-north-1 eusc-de-east-1 -"),
        ("az_id", "use1-az1 usw2-lax1-az1 use1-wl1-bos-wlz1 -"),
        ("flow_direction", "ingress egress -"),
        ("pkt_src_aws_service", "S3 AMAZON A_SERVICE_THAT_IS_NEW -"),
        ("ecs_task_arn", "arn:aws:ecs:us-east-1:123456789012:task/c/0123 -"),
        ("instance_tag", "caf%C3%A9 % -"),
        ("resource_type", "TransitGateway TransitGatewayAttachment"),
        ("tgw_id", "tgw-0123456789abcdef0"),
        ("tgw_attachment_id", "tgw-attach-0123456789abcdef0"),
        ("tgw_pair_attachment_id", "tgw-attach-0123456789abcdef0 -"),
        ("tgw_src_vpc_account_id", "123456789010 -"),
    ],
)
def test_what_aws_writes_fits(name, values):
    for value in values.split():
        assert misfit(FIELDS[name], value.encode()) is None


@pytest.mark.parametrize(
    ("name", "expected", "values"),
    [
        ("account_id", "an account (12 digits, or unknown)", "12345678901 1234567890123 me -"),
        ("interface_id", "an interface (eni-...)", "eni- eni-xyz i-0123 ENI-0123"),
        ("srcaddr", "an IP address", "10.0.0.256 010.0.0.1 10.0.0.0/8 6 eni-0123 ::g \xe9"),
        ("srcport", "an integer from 0 to 65535", "65536 010 00 +6 -6 6.0 0x1f \xb2 10.0.0.1"),
        ("protocol", "an integer from 0 to 255", "256 tcp"),
        ("packets", f"an integer from 0 to {2**63 - 1}", f"{2**63} {'9' * 5000}"),
        ("start", "a Unix time (10 or 13 digits)", "0123456789 141853001 14185300101 - 2024-01-01"),
        ("action", "ACCEPT or REJECT", "accept OK NODATA 6"),
        ("log_status", "OK or NODATA or SKIPDATA", "- ACCEPT ok"),
        ("region", "a Region (us-east-1)", "use1-az1 us-east 6"),
        ("tgw_id", "a transit gateway (tgw-...)", "tgw-attach-0123 vpc-0123"),
        ("resource_type", "TransitGateway or TransitGatewayAttachment", "- Gateway"),
    ],
)
def test_anything_else_says_what_belongs_there(name, expected, values):
    for value in values.split():
        assert misfit(FIELDS[name], value.encode()) == expected


@given(st.ip_addresses())
def test_every_address_fits_an_address_and_no_number_or_id(address):
    token = str(address).encode()
    assert misfit(FIELDS["dstaddr"], token) is None
    assert misfit(FIELDS["bytes"], token) is not None
    assert misfit(FIELDS["interface_id"], token) is not None


@given(st.sampled_from([f for f in FIELDS.values() if f.maximum is not None]), st.integers())
def test_integers_fit_exactly_their_range(field, value):
    fits = misfit(field, str(value).encode()) is None
    assert fits == (0 <= value <= field.maximum)


@given(st.binary(min_size=1))
def test_any_bytes_are_judged_without_an_error(token):
    for field in FIELDS.values():
        assert misfit(field, token) in (None, misfit(field, b"\x00"))
    assert misfit(text_field("new"), token) is None
