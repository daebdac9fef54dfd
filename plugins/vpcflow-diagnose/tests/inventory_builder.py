"""Inventories for tests, in AWS's words: pieces of what `aws ec2 describe-...` prints."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from vpcflow_aws.inventory import FILES, Inventory, Snapshot
from vpcflow_diagnose.network.network import Network

Json = dict[str, Any]
ACCOUNT = "123456789010"
VPC, PEER_VPC, FAR_VPC = "vpc-a", "vpc-b", "vpc-c"
WEB, DB, PUBLIC = "subnet-web", "subnet-db", "subnet-public"
ANYWHERE = "0.0.0.0/0"


def eni(id_: str, address: str, *groups: str, subnet: str = WEB, **more: Any) -> Json:
    """An interface of a user. more: any other field; VpcId is `VPC` unless it is given."""
    found: Json = {
        "NetworkInterfaceId": id_,
        "InterfaceType": "interface",
        "OwnerId": ACCOUNT,
        "VpcId": VPC,
        "SubnetId": subnet,
        "AvailabilityZone": "eu-west-1a",
        "Groups": [{"GroupId": group} for group in groups],
        "PrivateIpAddress": address,
        "PrivateIpAddresses": [{"PrivateIpAddress": address, "Primary": True}],
        "Status": "in-use",
    }
    return found | more


def permission(protocol: str, low: object = None, high: object = None, *peers: str) -> Json:
    """A permission of a security group. peers: CIDRs, sg- and pl- ids."""
    found: Json = {
        "IpProtocol": protocol,
        "IpRanges": [{"CidrIp": p} for p in peers if p[0].isdigit() and "." in p],
        "Ipv6Ranges": [{"CidrIpv6": p} for p in peers if ":" in p],
        "PrefixListIds": [{"PrefixListId": p} for p in peers if p.startswith("pl-")],
        "UserIdGroupPairs": [
            {"GroupId": p, "UserId": ACCOUNT} for p in peers if p.startswith("sg-")
        ],
    }
    if low is not None:
        found["FromPort"] = low
    if high is not None:
        found["ToPort"] = high
    return found


def group(
    id_: str, inbound: list[Json] | None = None, outbound: list[Json] | None = None, **more: Any
) -> Json:
    """A security group; without rules given it allows nothing in, and everything out."""
    everything = [permission("-1", None, None, ANYWHERE, "::/0")]
    found: Json = {
        "GroupId": id_,
        "GroupName": id_.removeprefix("sg-"),
        "VpcId": VPC,
        "IpPermissions": inbound or [],
        "IpPermissionsEgress": everything if outbound is None else outbound,
    }
    return found | more


def entry(
    number: int,
    action: str,
    protocol: str,
    cidr: str,
    ports: tuple[int, int] | None = None,
    *,
    egress: bool = False,
    icmp: tuple[int, int] | None = None,
) -> Json:
    """An entry of a network ACL."""
    found: Json = {
        "RuleNumber": number,
        "RuleAction": action,
        "Protocol": protocol,
        "Egress": egress,
        "Ipv6CidrBlock" if ":" in cidr else "CidrBlock": cidr,
    }
    if ports is not None:
        found["PortRange"] = {"From": ports[0], "To": ports[1]}
    if icmp is not None:
        found["IcmpTypeCode"] = {"Type": icmp[0], "Code": icmp[1]}
    return found


def acl(id_: str, entries: list[Json], *subnets: str, main: bool = False) -> Json:
    """A network ACL with AWS's last entries, in both directions."""
    last = [
        entry(number, "deny", "-1", cidr, egress=egress)
        for egress in (False, True)
        for number, cidr in ((32767, ANYWHERE), (32768, "::/0"))
    ]
    return {
        "NetworkAclId": id_,
        "VpcId": VPC,
        "IsDefault": main,
        "Entries": entries + last,
        "Associations": [{"SubnetId": subnet} for subnet in subnets],
    }


def route(destination: str, field: str, target: str, **more: Any) -> Json:
    """A route. field: AWS's name of the target's kind, "GatewayId"."""
    name = "DestinationCidrBlock"
    if ":" in destination:
        name = "DestinationIpv6CidrBlock"
    if destination.startswith("pl-"):
        name = "DestinationPrefixListId"
    found: Json = {name: destination, field: target, "Origin": "CreateRoute", "State": "active"}
    return found | more


LOCAL = route("10.0.0.0/16", "GatewayId", "local", Origin="CreateRouteTable")


def table(id_: str, routes: list[Json], *subnets: str, main: bool = False, **more: Any) -> Json:
    associations: list[Json] = [{"Main": False, "SubnetId": subnet} for subnet in subnets]
    if main:
        associations.append({"Main": True})
    found: Json = {
        "RouteTableId": id_,
        "VpcId": VPC,
        "Routes": routes,
        "Associations": associations,
    }
    return found | more


def subnet(id_: str, cidr: str, vpc: str = VPC, **more: Any) -> Json:
    return {"SubnetId": id_, "VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": "z"} | more


def vpc(id_: str, *blocks: str) -> Json:
    return {
        "VpcId": id_,
        "CidrBlock": blocks[0],
        "CidrBlockAssociationSet": [{"CidrBlock": block} for block in blocks if ":" not in block],
        "Ipv6CidrBlockAssociationSet": [
            {"Ipv6CidrBlock": block} for block in blocks if ":" in block
        ],
    }


SUBNETS = [
    subnet(WEB, "10.0.1.0/24"),
    subnet(DB, "10.0.2.0/24"),
    subnet(PUBLIC, "10.0.0.0/24"),
]
VPCS = [vpc(VPC, "10.0.0.0/16"), vpc(PEER_VPC, "10.1.0.0/16"), vpc(FAR_VPC, "10.2.0.0/16")]
PEERING = {
    "VpcPeeringConnectionId": "pcx-1",
    "Status": {"Code": "active"},
    "RequesterVpcInfo": {"VpcId": VPC, "CidrBlock": "10.0.0.0/16"},
    "AccepterVpcInfo": {"VpcId": PEER_VPC, "CidrBlock": "10.1.0.0/16"},
}


def attachment(id_: str, vpc_id: str, gateway: str = "tgw-1") -> Json:
    return {
        "TransitGatewayAttachmentId": id_,
        "TransitGatewayId": gateway,
        "ResourceType": "vpc",
        "ResourceId": vpc_id,
        "State": "available",
    }


def network(*, without: tuple[str, ...] = (), **files: Any) -> Network:
    """A network of these files; a file's name is written with `_`: route_tables=[...]. The subnets
    and VPCs above are there unless others are given, every other file is there and empty.

    without: files that are not there at all. prefix_lists: blocks by id. health: by target group.
    """
    with tempfile.TemporaryDirectory() as directory:
        return Network.of(snapshot(Path(directory), without=without, **files))


def snapshot(directory: Path, *, without: tuple[str, ...] = (), **files: Any) -> Snapshot:
    content: dict[str, Any] = {name: [] for name in FILES}
    content["subnets.json"], content["vpcs.json"] = SUBNETS, VPCS
    for id_, blocks in files.pop("prefix_lists", {}).items():
        entries = [{"Cidr": block} for block in blocks]
        _write(directory / "managed-prefix-list-entries" / f"{id_}.json", {"Entries": entries})
    for name, targets in files.pop("health", {}).items():
        described = {"TargetHealthDescriptions": targets}
        _write(directory / "target-health" / f"{name}.json", described)
    for name, items in files.items():
        content[name.replace("_", "-") + ".json"] = items
    for name, items in content.items():
        if name not in without:
            _write(directory / name, {FILES[name]: items})
    return Inventory.read(directory).snapshots[0]


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
