"""Sample records: every kind that AWS writes, a few of each; as lines and as Arrow columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import pyarrow as pa

from vpcflow.flow_format import FlowFormat
from vpcflow.parser import parse

V5 = FlowFormat.parse(
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr "
    "region az-id sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service "
    "flow-direction traffic-path"
)
TAGS = FlowFormat.parse(
    "interface-id srcaddr dstaddr dstport bytes start end action log-status vpc-id instance-tag "
    "interface-tag-2 next-hop-az-id"
)

_ENI = "eni-0a1b2c3d4e5f60718"
_DEFAULT = f"""\
2 123456789010 {_ENI} 10.0.1.5 10.0.2.9 49152 443 6 12 8423 1700000000 1700000058 ACCEPT OK
2 123456789010 {_ENI} 203.0.113.7 10.0.1.5 51000 22 6 1 40 1700000003 1700000059 REJECT OK
2 123456789010 {_ENI} 10.0.1.5 10.0.2.9 0 0 1 4 336 1700000010 1700000068 ACCEPT OK
2 unknown {_ENI} 10.0.1.5 198.51.100.4 123 123 17 1 76 1700003590 1700003650 ACCEPT OK
"""
_IPV6 = f"""\
2 123456789010 {_ENI} 2001:db8::5 2001:db8::9 443 49152 6 20 10240 1700000000 1700000058 ACCEPT OK
2 123456789010 {_ENI} fe80::1 ff02::1 0 0 58 1 72 1700000002 1700000059 REJECT OK
2 123456789010 {_ENI} ::ffff:10.0.1.5 ::1 1 2 6 1 40 1700000002 1700000059 ACCEPT OK
"""
_NODATA = f"""\
2 123456789010 {_ENI} - - - - - - - 1700000060 1700000118 - NODATA
2 123456789010 {_ENI} 10.0.1.5 10.0.2.9 49152 443 6 12 8423 1700000120 1700000178 ACCEPT OK
2 123456789010 {_ENI} - - - - - - - 1700000180 1700000238 - SKIPDATA
"""
_V5 = f"""\
5 123456789010 {_ENI} 10.0.1.5 52.94.5.1 49152 443 6 12 8423 1700000000 1700000058 ACCEPT OK \
vpc-0aa11bb22cc33dd44 subnet-0123456789abcdef0 i-0123456789abcdef0 19 IPv4 10.0.1.5 52.94.5.1 \
us-east-1 use1-az4 - - - S3 egress 8
5 123456789010 {_ENI} 52.94.5.1 10.0.1.5 443 49152 6 10 91000 1700000000 1700000058 ACCEPT OK \
vpc-0aa11bb22cc33dd44 subnet-0123456789abcdef0 - 18 IPv4 52.94.5.1 10.0.1.5 us-east-1 use1-az4 \
outpost op-0123456789abcdef0 S3 - ingress -
"""
_TRANSIT_GATEWAY = """\
6 TransitGateway 123456789010 tgw-0a1b2c3d4e5f60718 tgw-attach-0a1b2c3d4e5f60718 123456789010 \
210987654321 vpc-0aa11bb22cc33dd44 vpc-0ee55ff66aa77bb88 subnet-0123456789abcdef0 \
subnet-0fedcba9876543210 eni-0a1b2c3d4e5f60718 eni-0f1e2d3c4b5a69788 use1-az4 use1-az6 \
tgw-attach-0f1e2d3c4b5a69788 10.0.1.5 10.1.2.9 49152 443 6 12 8423 1700000000 1700000058 OK IPv4 \
0 0 0 0 19 us-east-1 egress - -
6 TransitGatewayAttachment 123456789010 tgw-0a1b2c3d4e5f60718 tgw-attach-0a1b2c3d4e5f60718 \
123456789010 - vpc-0aa11bb22cc33dd44 - subnet-0123456789abcdef0 - eni-0a1b2c3d4e5f60718 - use1-az4 \
- - 10.0.1.5 192.0.2.1 49152 443 6 3 180 1700000000 1700000058 OK IPv4 3 0 0 0 2 us-east-1 ingress \
- -
"""
_TAGS = f"""\
{_ENI} 10.0.1.5 10.0.2.9 443 8423 1700000000 1700000058 ACCEPT OK vpc-0aa11bb22cc33dd44 web%20shop \
caf%C3%A9 use1-az4
{_ENI} 10.0.1.5 10.0.2.9 443 9 1700000000 1700000058 REJECT OK vpc-0aa11bb22cc33dd44 \
%E6%97%A5%E6%9C%AC ..%2F..%2Fetc -
{_ENI} 10.0.1.5 10.0.2.9 443 9 1700000000 1700000058 ACCEPT OK - %22%3Cscript%3E%27%3B-- \
%1B%5B31m%0A%00 use1-az4
"""

FORMATS: Mapping[str, FlowFormat] = MappingProxyType(
    {
        "default": FlowFormat.default(),
        "v5": V5,
        "transit-gateway": FlowFormat.transit_gateway(),
        "ipv6": FlowFormat.default(),
        "nodata": FlowFormat.default(),
        "tags": TAGS,
    }
)
"""The format of each kind of sample."""

_TEXTS = {
    "default": _DEFAULT,
    "v5": _V5,
    "transit-gateway": _TRANSIT_GATEWAY,
    "ipv6": _IPV6,
    "nodata": _NODATA,
    "tags": _TAGS,
}
_SINCE = 1_700_000_000
_TIME = re.compile(r"\b17000\d{5}\b")


def sample_lines(
    kind: str = "default", *, header: bool = False, since: datetime | None = None
) -> bytes:
    """Lines as AWS writes them, each with its newline. kind: one of `FORMATS`; "tags" has values
    that are not ASCII, and some that want to be a path, HTML, SQL or a terminal escape. header:
    whether the line with the fields' names comes first, as in files from S3. since: an aware time;
    all records are of the 62 minutes from it on, and not of those from 2023-11-14T22:13:20Z."""
    moved = 0 if since is None else int(since.timestamp()) - _SINCE
    text = _TIME.sub(lambda time: str(int(time[0]) + moved), _TEXTS[kind]).encode()
    if header:
        names = " ".join(field.aws_name for field in FORMATS[kind].fields)
        return names.encode() + b"\n" + text
    return text


def sample_batch(kind: str = "default", *, since: datetime | None = None) -> pa.RecordBatch:
    """The same lines as enrichers and sinks get them: texts are plain utf8."""
    return batch_of(sample_lines(kind, since=since), FORMATS[kind])


def sample_batches() -> dict[str, pa.RecordBatch]:
    """One batch of each kind."""
    return {kind: sample_batch(kind) for kind in FORMATS}


def batch_of(lines: bytes, format: FlowFormat) -> pa.RecordBatch:
    """Lines of a format as enrichers and sinks get them."""
    return pa.record_batch(parse(lines, format=format, text="utf8", on_error="raise"))
