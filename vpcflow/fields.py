"""Every field that AWS writes into VPC and Transit Gateway Flow Logs: one table.

Names, versions, types and order follow AWS: the field table of "Flow log records" in the Amazon
VPC User Guide, and that of "Transit Gateway Flow Logs records" in the Amazon VPC Transit Gateways
guide. Column names are AWS's names with `_` for `-`. One name has one type everywhere; the types
are those of AWS's Parquet files, except that `start` and `end` are timestamps.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from attrs import frozen

FieldType = Literal["int32", "int64", "utf8", "timestamp[ms, tz=UTC]"]
FieldKind = Literal[
    "version",
    "account",  # 12 digits, or the word unknown
    "id",
    "address",
    "port",
    "protocol",
    "count",
    "time",
    "action",
    "status",
    "flags",
    "code",  # a number or word whose meaning AWS's documentation lists
    "name",
    "tag",  # percent-encoded in the log, decoded in the column
]


@frozen
class Field:
    """One field of a flow log record.

    name: the column's name, `pkt_srcaddr`. aws_name: as AWS writes it, `pkt-srcaddr`.
    version: of the record format that brought it; 0 for a name that this table does not know.
    type: the column's Arrow type. dictionary: whether its texts repeat so often that `text="view"`
    gives a dictionary column. kind: what the value is. description: one line for people.
    """

    name: str
    aws_name: str
    version: int
    type: FieldType
    dictionary: bool
    kind: FieldKind
    description: str

    @property
    def maximum(self) -> int | None:
        """The largest integer that may stand in this column (the smallest is 0); None for text
        and times."""
        if self.kind == "port":
            return 65_535
        if self.kind == "protocol":
            return 255
        return {"int32": 2**31 - 1, "int64": 2**63 - 1}.get(self.type)


def text_field(aws_name: str) -> Field:
    """A plain text column for a name that the table does not know, such as one AWS added since."""
    return Field(
        name=aws_name.replace("-", "_"),
        aws_name=aws_name.replace("_", "-"),
        version=0,
        type="utf8",
        dictionary=False,
        kind="name",
        description="not known to this version of vpcflow; read as text",
    )


# Texts that hardly repeat within a batch, besides addresses: a dictionary would not pay.
_SELDOM_REPEATED = {
    "ecs-container-instance-arn",
    "ecs-container-instance-id",
    "ecs-container-id",
    "ecs-second-container-id",
    "ecs-task-arn",
    "ecs-task-id",
}

_Row = tuple[str, int, FieldType, FieldKind, str]
_TIME: FieldType = "timestamp[ms, tz=UTC]"

_VPC: tuple[_Row, ...] = (
    ("version", 2, "int32", "version", "highest version among the fields of the log's format"),
    ("account-id", 2, "utf8", "account", "owner of the source interface; `unknown` if a service"),
    ("interface-id", 2, "utf8", "id", "recorded interface; null for a regional NAT gateway"),
    ("srcaddr", 2, "utf8", "address", "source; outgoing: the interface's primary private address"),
    ("dstaddr", 2, "utf8", "address", "destination; incoming: the interface's primary address"),
    ("srcport", 2, "int32", "port", "source port; 0 for ICMP"),
    ("dstport", 2, "int32", "port", "destination port; 0 for ICMP"),
    ("protocol", 2, "int32", "protocol", "IANA protocol number: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6"),
    ("packets", 2, "int64", "count", "packets in the aggregation window"),
    ("bytes", 2, "int64", "count", "bytes in the aggregation window"),
    ("start", 2, _TIME, "time", "when the window's first packet was seen; up to 60 s late"),
    ("end", 2, _TIME, "time", "when the window's last packet was seen; up to 60 s late"),
    ("action", 2, "utf8", "action", "ACCEPT; REJECT: denied, or came after the connection closed"),
    ("log-status", 2, "utf8", "status", "OK; NODATA: no traffic; SKIPDATA: AWS lost records"),
    ("vpc-id", 3, "utf8", "id", "VPC of the interface"),
    ("subnet-id", 3, "utf8", "id", "subnet of the interface"),
    ("instance-id", 3, "utf8", "id", "instance, if the interface is attached to one of yours"),
    ("tcp-flags", 3, "int32", "flags", "OR of 1 FIN, 2 SYN, 4 RST, 18 SYN-ACK; lone ACK or PSH: 0"),
    ("type", 3, "utf8", "name", "IPv4, IPv6 or EFA"),
    ("pkt-srcaddr", 3, "utf8", "address", "source in the packet itself, behind NAT or a gateway"),
    ("pkt-dstaddr", 3, "utf8", "address", "destination in the packet itself"),
    ("region", 4, "utf8", "name", "Region of the interface"),
    ("az-id", 4, "utf8", "id", "Availability Zone ID (use1-az1), not the zone's name"),
    ("sublocation-type", 4, "utf8", "name", "wavelength, outpost or localzone"),
    ("sublocation-id", 4, "utf8", "id", "ID of the sublocation"),
    ("pkt-src-aws-service", 5, "utf8", "name", "AWS service whose range pkt-srcaddr is in"),
    ("pkt-dst-aws-service", 5, "utf8", "name", "AWS service whose range pkt-dstaddr is in"),
    ("flow-direction", 5, "utf8", "name", "ingress or egress, seen from the interface"),
    ("traffic-path", 5, "int32", "code", "way out of the VPC for egress, 1 to 8"),
    ("ecs-cluster-arn", 7, "utf8", "id", "ECS cluster of the task"),
    ("ecs-cluster-name", 7, "utf8", "name", "name of the ECS cluster"),
    ("ecs-container-instance-arn", 7, "utf8", "id", "ECS container instance; null on Fargate"),
    ("ecs-container-instance-id", 7, "utf8", "id", "ID of that instance; null on Fargate"),
    ("ecs-container-id", 7, "utf8", "id", "runtime ID of the task's first container"),
    ("ecs-second-container-id", 7, "utf8", "id", "runtime ID of its second; others are not kept"),
    ("ecs-service-name", 7, "utf8", "name", "ECS service that started the task"),
    ("ecs-task-definition-arn", 7, "utf8", "id", "ECS task definition"),
    ("ecs-task-arn", 7, "utf8", "id", "ECS task"),
    ("ecs-task-id", 7, "utf8", "id", "ID of the ECS task"),
    ("reject-reason", 8, "utf8", "code", "BPA (Block Public Access) or EC (Encryption Controls)"),
    ("resource-id", 9, "utf8", "id", "regional NAT gateway that the record is of"),
    ("encryption-status", 10, "int32", "code", "0 clear, 1 by Nitro, 2 by the application, 3 both"),
    ("instance-tag", 11, "utf8", "tag", "value of the instance's first chosen tag"),
    ("instance-tag-2", 11, "utf8", "tag", "value of the instance's second chosen tag"),
    ("interface-tag", 11, "utf8", "tag", "value of the interface's first chosen tag"),
    ("interface-tag-2", 11, "utf8", "tag", "value of the interface's second chosen tag"),
    ("asg-tag", 11, "utf8", "tag", "value of the Auto Scaling group's first chosen tag"),
    ("asg-tag-2", 11, "utf8", "tag", "value of the Auto Scaling group's second chosen tag"),
    ("interface-type", 11, "utf8", "name", "type of the recorded interface, such as nat_gateway"),
    ("next-hop-interface-id", 11, "utf8", "id", "interface at the other end of the hop"),
    ("next-hop-subnet-id", 11, "utf8", "id", "subnet of the next hop's interface"),
    ("next-hop-az-id", 11, "utf8", "id", "zone ID of the next hop; another than az-id: cross-zone"),
    ("next-hop-vpc-id", 11, "utf8", "id", "VPC of the next hop's interface"),
    ("next-hop-interface-type", 11, "utf8", "name", "type of the next hop's interface"),
)

_TRANSIT_GATEWAY: tuple[_Row, ...] = (
    ("resource-type", 6, "utf8", "name", "TransitGateway or TransitGatewayAttachment"),
    ("tgw-id", 6, "utf8", "id", "recorded transit gateway"),
    ("tgw-attachment-id", 6, "utf8", "id", "recorded attachment"),
    ("tgw-src-vpc-account-id", 6, "utf8", "account", "owner of the source VPC"),
    ("tgw-dst-vpc-account-id", 6, "utf8", "account", "owner of the destination VPC"),
    ("tgw-src-vpc-id", 6, "utf8", "id", "source VPC"),
    ("tgw-dst-vpc-id", 6, "utf8", "id", "destination VPC"),
    ("tgw-src-subnet-id", 6, "utf8", "id", "subnet of the source"),
    ("tgw-dst-subnet-id", 6, "utf8", "id", "subnet of the destination"),
    ("tgw-src-eni", 6, "utf8", "id", "attachment interface on the source side"),
    ("tgw-dst-eni", 6, "utf8", "id", "attachment interface on the destination side"),
    ("tgw-src-az-id", 6, "utf8", "id", "Availability Zone ID of the source"),
    ("tgw-dst-az-id", 6, "utf8", "id", "Availability Zone ID of the destination"),
    ("tgw-pair-attachment-id", 6, "utf8", "id", "attachment on the other side of the gateway"),
    ("packets-lost-no-route", 6, "int64", "count", "packets dropped: no route"),
    ("packets-lost-blackhole", 6, "int64", "count", "packets dropped: blackhole route"),
    ("packets-lost-mtu-exceeded", 6, "int64", "count", "packets dropped: larger than the MTU"),
    ("packets-lost-ttl-expired", 6, "int64", "count", "packets dropped: time to live expired"),
)


def _field(row: _Row) -> Field:
    aws_name, version, type_, kind, description = row
    repeats = type_ == "utf8" and kind != "address" and aws_name not in _SELDOM_REPEATED
    name = aws_name.replace("-", "_")
    return Field(name, aws_name, version, type_, repeats, kind, description)


FIELDS: Mapping[str, Field] = MappingProxyType(
    {field.name: field for field in map(_field, (*_VPC, *_TRANSIT_GATEWAY))}
)
"""Every known field by column name: VPC fields in AWS's order, then the transit gateway's own."""
