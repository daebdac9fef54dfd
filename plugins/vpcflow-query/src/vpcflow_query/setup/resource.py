"""What a flow log is made for."""

from __future__ import annotations

import re

from attrs import frozen

from vpcflow import UsageError
from vpcflow.errors import printable

_ID = re.compile(r"(?P<kind>vpc|subnet|eni|tgw-attach|tgw)-(?:[0-9a-f]{8}|[0-9a-f]{17})", re.ASCII)


@frozen
class Kind:
    """One kind of resource. name: for people. api_type: CreateFlowLogs' ResourceType. arn_type: in
    its ARN. terraform: the argument of `aws_flow_log` that names it."""

    name: str
    api_type: str
    arn_type: str
    terraform: str


KINDS = {
    "vpc": Kind("VPC", "VPC", "vpc", "vpc_id"),
    "subnet": Kind("subnet", "Subnet", "subnet", "subnet_id"),
    "eni": Kind("network interface", "NetworkInterface", "network-interface", "eni_id"),
    "tgw": Kind("transit gateway", "TransitGateway", "transit-gateway", "transit_gateway_id"),
    "tgw-attach": Kind(
        "transit gateway attachment",
        "TransitGatewayAttachment",
        "transit-gateway-attachment",
        "transit_gateway_attachment_id",
    ),
}


@frozen
class Resource:
    """A VPC, subnet, interface, transit gateway or attachment, by its id."""

    id: str
    kind: Kind

    @classmethod
    def of(cls, text: str) -> Resource:
        """Raises UsageError for what is no such id."""
        found = _ID.fullmatch(text)
        if found is None:
            raise UsageError(
                f"{printable(text, 100)!r} is not the id of something that has flow logs",
                hint="vpc-, subnet-, eni-, tgw- or tgw-attach- and 8 or 17 hexadecimal digits, "
                "as in vpc-0a1b2c3d4e5f60718",
            )
        return cls(text, KINDS[found["kind"]])

    @property
    def is_transit(self) -> bool:
        return self.id.startswith("tgw-")

    def arn(self, partition: str, region: str, account: str) -> str:
        return f"arn:{partition}:ec2:{region}:{account}:{self.kind.arn_type}/{self.id}"
