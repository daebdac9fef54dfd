"""Which fields a flow log is to have, and why.

A format cannot be changed later: the flow log has to be deleted and made again (AWS: "Work with
flow logs", VPC User Guide). So the choice is made once, for what one wants to know afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vpcflow import FIELDS, FlowFormat, UsageError

DIAGNOSIS: Mapping[str, str] = MappingProxyType(
    {
        # the default format, in its order: tools that know nothing else read these
        "version": "which fields AWS may have filled",
        "account-id": "whose interface it is, where several accounts share a bucket",
        "interface-id": "which security groups judged the packet",
        "srcaddr": "who sent it",
        "dstaddr": "who it was for",
        "srcport": "the client's port: the range that a network ACL must let the reply through",
        "dstport": "the service: which rule was needed",
        "protocol": "rules are per protocol",
        "packets": "one SYN or an insisting client; a handshake alone or data after it",
        "bytes": "whether anything but headers was carried, and what it costs",
        "start": "when; order of the two directions",
        "end": "when the last packet was seen",
        "action": "accepted or rejected",
        "log-status": "windows that AWS lost (SKIPDATA) prove nothing",
        # version 3
        "vpc-id": "the same address in two VPCs is two hosts",
        "subnet-id": "which network ACL and which route table decide",
        "instance-id": "which host it is, when the interface is gone by now",
        "tcp-flags": "SYN without answer, refused (RST), or connected: without it, ACCEPT says "
        "nothing of the host behind",
        "pkt-srcaddr": "the true source behind NAT gateways, load balancers, transit gateways, "
        "pods and secondary addresses",
        "pkt-dstaddr": "the true destination, likewise",
        # version 4
        "az-id": "NAT gateways used across Availability Zones",
        # version 5
        "pkt-src-aws-service": "answers from S3 or DynamoDB that came through a NAT gateway",
        "pkt-dst-aws-service": "requests to them: an endpoint is missing",
        "flow-direction": "ingress or egress: which rules apply; without it direction is guessed",
        "traffic-path": "the way out that was taken: internet gateway, peering, another resource",
        # versions 8 and 9
        "reject-reason": "Block Public Access and Encryption Controls reject without any rule",
        "resource-id": "regional NAT gateways have no interface: this is all that names them",
    }
)
"""What `vpcflow diagnose` and `why` read, and what the named queries on NAT gateways, zones and
hosts need beside it, each with what it is for. Version 9. The fields of version 11 (next hop,
tags) are not among them: the inventory says the same, and also where a flow log of an older version
is all there is."""

TAG_FIELDS = frozenset(f.aws_name for f in FIELDS.values() if f.kind == "tag")
_TRANSIT = frozenset(FlowFormat.transit_gateway().names)
_TRANSIT_ONLY = frozenset(name for name in _TRANSIT if FIELDS[name].version == 6)

NEEDS: Mapping[int, str] = MappingProxyType(
    {
        7: "the ecs-* fields stay - unless whoever creates the flow log may call ecs:ListClusters, "
        "ListServices, ListContainerInstances, ListTaskDefinitions and ListTasks",
        10: "encryption-status stays - while VPC encryption controls are off",
    }
)
"""What AWS asks for to fill the fields of a version ("Flow log records", VPC User Guide)."""


def chosen(text: str, *, transit: bool) -> FlowFormat:
    """The format that --fields asks for: diagnosis, default, all, or a format in AWS's notation.

    transit: for a transit gateway, whose records have other fields; diagnosis, default and all are
    its default format then, which has everything there is. Raises UsageError for unknown fields and
    those that the resource's records cannot have.
    """
    if text == "default":
        return FlowFormat.transit_gateway() if transit else FlowFormat.default()
    if text in ("diagnosis", "all"):
        if transit:
            return FlowFormat.transit_gateway()
        return FlowFormat.parse(" ".join(DIAGNOSIS if text == "diagnosis" else _all()))
    format_ = FlowFormat.parse(text)
    names = frozenset(format_.names)
    wrong = names - _TRANSIT if transit else names & _TRANSIT_ONLY
    if wrong:
        whose = "VPC" if transit else "transit gateway"
        listed = ", ".join(sorted(FIELDS[name].aws_name for name in wrong))
        raise UsageError(
            f"--fields has fields that only {whose} flow logs have: {listed}",
            hint="vpcflow fields lists which record has which field",
        )
    return format_


def missing(format_: FlowFormat) -> dict[str, str]:
    """The fields that diagnosis reads and a VPC format lacks, with what each is for."""
    have = {f.aws_name for f in format_.fields}
    return {name: why for name, why in DIAGNOSIS.items() if name not in have}


def reason(aws_name: str) -> str:
    """What diagnosis reads it for, or else what it is."""
    return DIAGNOSIS.get(aws_name) or FIELDS[aws_name.replace("-", "_")].description


def _all() -> list[str]:
    """Every field of VPC records, AWS's order, but tags: those need keys (TagFieldSpecifications)
    to be anything but `-`."""
    return [
        f.aws_name
        for f in FIELDS.values()
        if f.name not in _TRANSIT_ONLY and f.aws_name not in TAG_FIELDS
    ]
