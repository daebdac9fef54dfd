"""What AWS writes into each field, as far as one value alone can show it.

Used only to tell whether lines without a header are in a certain format, never to refuse a record:
a reader keeps any text, while an assumption about the order of the fields needs evidence.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping

from vpcflow.fields import Field

# Null in no record that AWS documents, NODATA and SKIPDATA included.
_NEVER_NULL = {"version", "account_id", "start", "end", "log_status", "resource_type"}


def misfit(field: Field, token: bytes) -> str | None:
    """What belongs into `field` ("an IP address") where `token` does not; None where it does."""
    if token == b"-" and field.name not in _NEVER_NULL:
        return None
    expected, fits = _expectation(field)
    return None if fits(token) else expected


_Expectation = tuple[str, Callable[[bytes], bool]]


def _expectation(field: Field) -> _Expectation:
    maximum = field.maximum
    if maximum is not None:
        return f"an integer from 0 to {maximum}", lambda token: _is_integer(token, maximum)
    return _BY_NAME.get(field.name) or _BY_KIND.get(field.kind) or _ANY_TEXT


def _is_integer(token: bytes, maximum: int) -> bool:
    plain = token.isdigit() and (token[:1] != b"0" or token == b"0")
    return plain and len(token) <= 19 and int(token) <= maximum


def _is_address(token: bytes) -> bool:
    try:
        ipaddress.ip_address(token.decode("ascii"))
    except ValueError:
        return False
    return True


def _one_of(*words: str) -> _Expectation:
    return " or ".join(words), {word.encode() for word in words}.__contains__


def _like(expected: str, pattern: str) -> _Expectation:
    matches = re.compile(pattern.encode()).fullmatch
    return expected, lambda token: matches(token) is not None


_ANY_TEXT = _like("text", r"(?s:.+)")
_INTERFACE = _like("an interface (eni-...)", "eni-[0-9a-f]+")
_VPC = _like("a VPC (vpc-...)", "vpc-[0-9a-z]+")
_SUBNET = _like("a subnet (subnet-...)", "subnet-[0-9a-z]+")
_ZONE = _like("an Availability Zone ID (use1-az1)", "[a-z0-9-]+-[a-z]*z[0-9]+")
_ATTACHMENT = _like("a transit gateway attachment (tgw-attach-...)", "tgw-attach-[0-9a-z]+")
_ARN = _like("an ARN (arn:...)", r"arn:[!-~]+")

_BY_KIND: Mapping[str, _Expectation] = {
    "account": _like("an account (12 digits, or unknown)", "[0-9]{12}|unknown"),
    "address": ("an IP address", _is_address),
    "time": _like("a Unix time (10 or 13 digits)", "[1-9][0-9]{9}(?:[0-9]{3})?"),
    "action": _one_of("ACCEPT", "REJECT"),
    "status": _one_of("OK", "NODATA", "SKIPDATA"),
}

_BY_NAME: Mapping[str, _Expectation] = {
    "interface_id": _INTERFACE,
    "vpc_id": _VPC,
    "subnet_id": _SUBNET,
    "instance_id": _like("an instance (i-...)", "i-[0-9a-z]+"),
    "type": _one_of("IPv4", "IPv6", "EFA"),
    "region": _like("a Region (us-east-1)", "[a-z]+(?:-[a-z]+)+-[0-9]+"),
    "az_id": _ZONE,
    "sublocation_type": _one_of("wavelength", "outpost", "localzone"),
    "flow_direction": _one_of("ingress", "egress"),
    "ecs_cluster_arn": _ARN,
    "ecs_container_instance_arn": _ARN,
    "ecs_task_definition_arn": _ARN,
    "ecs_task_arn": _ARN,
    "resource_id": _like("a NAT gateway (nat-...)", "nat-[0-9a-z]+"),
    "next_hop_interface_id": _INTERFACE,
    "next_hop_subnet_id": _SUBNET,
    "next_hop_az_id": _ZONE,
    "next_hop_vpc_id": _VPC,
    "resource_type": _like("TransitGateway or TransitGatewayAttachment", "TransitGateway[A-Za-z]*"),
    "tgw_id": _like("a transit gateway (tgw-...)", "tgw-(?!attach-)[0-9a-z]+"),
    "tgw_attachment_id": _ATTACHMENT,
    "tgw_src_vpc_id": _VPC,
    "tgw_dst_vpc_id": _VPC,
    "tgw_src_subnet_id": _SUBNET,
    "tgw_dst_subnet_id": _SUBNET,
    "tgw_src_eni": _INTERFACE,
    "tgw_dst_eni": _INTERFACE,
    "tgw_src_az_id": _ZONE,
    "tgw_dst_az_id": _ZONE,
    "tgw_pair_attachment_id": _ATTACHMENT,
}
