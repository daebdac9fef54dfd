"""The world as `aws ... --output json` prints it: the files of an inventory directory."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .ground import S3_LIST
from .hosts import described
from .inventory_services import (
    CREATED,
    Json,
    balancer_files,
    named,
    service_files,
    transit_files,
)
from .model import (
    ACCOUNT,
    DEFAULT_RULE,
    REGION,
    Acl,
    AclRule,
    Group,
    GroupRule,
    Interface,
    Nat,
    Route,
    Subnet,
    Table,
    World,
)
from .tape import zone_id

OWNERS = {
    "alb": "amazon-elb",
    "nlb": "amazon-elb",
    "rds": "amazon-rds",
    "cache": "amazon-elasticache",
}


def inventory(world: World, time: int, flow_logs: list[Json]) -> dict[str, Json]:
    """Every file by its name. time: Unix seconds, when the snapshot was taken."""
    moment = datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")
    files: dict[str, Json] = {
        "snapshot.json": {"account": ACCOUNT, "region": REGION, "time": moment},
        "network-interfaces.json": {"NetworkInterfaces": [_eni(i) for i in world.interfaces]},
        "security-groups.json": {"SecurityGroups": [_group(g) for g in world.groups.values()]},
        "network-acls.json": {"NetworkAcls": [_acl(world, a) for a in world.acls]},
        "route-tables.json": {"RouteTables": [_table(world, t) for t in world.tables]},
        "subnets.json": {"Subnets": [_subnet(s) for s in world.subnets]},
        "vpcs.json": {"Vpcs": [_vpc(v) for v in world.vpcs]},
        "nat-gateways.json": {"NatGateways": [_nat(n) for n in world.nats.values() if n.listed]},
        "internet-gateways.json": {"InternetGateways": _gateways(world)},
        "egress-only-internet-gateways.json": {"EgressOnlyInternetGateways": _egress_only(world)},
        "instances.json": {"Reservations": _reservations(world)},
        "vpc-endpoints.json": {"VpcEndpoints": _endpoints(world)},
        "vpc-peering-connections.json": {"VpcPeeringConnections": _peerings(world)},
        "managed-prefix-lists.json": {"PrefixLists": _lists(world)},
        "flow-logs.json": {"FlowLogs": flow_logs},
        "classic-load-balancers.json": {"LoadBalancerDescriptions": []},
    }
    files |= transit_files(world) | service_files(world) | balancer_files(world)
    for name, blocks in {**world.lists, **world.aws_lists}.items():
        entries = [{"Cidr": cidr} for cidr in blocks]
        files[f"managed-prefix-list-entries/{name}.json"] = {"Entries": entries}
    return files


def write_inventory(files: dict[str, Json], directory: Path) -> None:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))


def _eni(interface: Interface) -> Json:
    public = interface.public
    association = {"Association": {"IpOwnerId": ACCOUNT, "PublicIp": public}} if public else {}
    own = [{"Primary": True, "PrivateIpAddress": interface.address, **association}]
    if interface.secondary:
        own.append({"Primary": False, "PrivateIpAddress": interface.secondary})
    six = [{"Ipv6Address": interface.address6}] if interface.address6 else []
    attachment: Json = {"AttachmentId": f"eni-attach-{interface.id[4:]}", "Status": "attached"}
    attachment["InstanceOwnerId"] = OWNERS.get(
        interface.kind, ACCOUNT if interface.instance else "amazon-aws"
    )
    if interface.instance:
        attachment["InstanceId"] = interface.instance
    shape = {
        **association,
        "Attachment": attachment,
        "AvailabilityZone": REGION + interface.subnet.zone,
        "Groups": [{"GroupId": g.id, "GroupName": g.name} for g in interface.groups],
        "InterfaceType": "interface",
        "Ipv6Addresses": six,
        "NetworkInterfaceId": interface.id,
        "OwnerId": ACCOUNT,
        "PrivateIpAddress": interface.address,
        "PrivateIpAddresses": own,
        "RequesterManaged": True,
        "SourceDestCheck": interface.check,
        "Status": "in-use",
        "SubnetId": interface.subnet.id,
        "TagSet": named(interface.name) if interface.instance else [],
        "VpcId": interface.vpc.id,
    }
    return shape | described(interface)


def _group(group: Group) -> Json:
    return {
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.name,
        "OwnerId": ACCOUNT,
        "VpcId": group.vpc.id,
        "IpPermissions": [_permission(r) for r in group.ingress],
        "IpPermissionsEgress": [_permission(r) for r in group.egress],
    }


PROTOCOLS = {-1: "-1", 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}


def _permission(rule: GroupRule) -> Json:
    made: Json = {
        "IpProtocol": PROTOCOLS[rule.protocol],
        "IpRanges": [],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
        "UserIdGroupPairs": [],
    }
    if rule.protocol != -1 and rule.ports is not None:
        made["FromPort"], made["ToPort"] = rule.ports
    if rule.source.startswith("sg-"):
        made["UserIdGroupPairs"] = [{"GroupId": rule.source, "UserId": ACCOUNT}]
    elif rule.source.startswith("pl-"):
        made["PrefixListIds"] = [{"PrefixListId": rule.source}]
    elif ":" in rule.source:
        made["Ipv6Ranges"] = [{"CidrIpv6": rule.source}]
    else:
        made["IpRanges"] = [{"CidrIp": rule.source}]
    return made


def _acl(world: World, acl: Acl) -> Json:
    entries = [_entry(r) for r in sorted(acl.rules, key=lambda r: r.number)]
    for egress in (True, False):
        last = AclRule(DEFAULT_RULE, egress, False, -1, "0.0.0.0/0")
        entries.append(_entry(last))
        if acl.vpc.cidr6:
            entries.append(_entry(AclRule(DEFAULT_RULE + 1, egress, False, -1, "::/0")))
    subnets = [s for s in world.subnets if s.acl is acl]
    return {
        "Associations": [
            {
                "NetworkAclAssociationId": f"aclassoc-{s.id[7:]}",
                "NetworkAclId": acl.id,
                "SubnetId": s.id,
            }
            for s in subnets
        ],
        "Entries": entries,
        "IsDefault": acl.default,
        "NetworkAclId": acl.id,
        "OwnerId": ACCOUNT,
        "Tags": named(acl.name),
        "VpcId": acl.vpc.id,
    }


def _entry(rule: AclRule) -> Json:
    made: Json = {
        "Egress": rule.egress,
        "Protocol": str(rule.protocol),
        "RuleAction": "allow" if rule.allow else "deny",
        "RuleNumber": rule.number,
    }
    made["Ipv6CidrBlock" if ":" in rule.cidr else "CidrBlock"] = rule.cidr
    if rule.ports:
        made["PortRange"] = {"From": rule.ports[0], "To": rule.ports[1]}
    if rule.icmp:
        made["IcmpTypeCode"] = {"Type": rule.icmp[0], "Code": rule.icmp[1]}
    return made


TARGETS = {"nat": "NatGatewayId", "pcx": "VpcPeeringConnectionId", "tgw": "TransitGatewayId"} | {
    "eni": "NetworkInterfaceId",
    "eigw": "EgressOnlyInternetGatewayId",
}


def _table(world: World, table: Table) -> Json:
    associations = [
        {
            "AssociationState": {"State": "associated"},
            "Main": False,
            "RouteTableAssociationId": f"rtbassoc-{s.id[7:]}",
            "RouteTableId": table.id,
            "SubnetId": s.id,
        }
        for s in world.subnets
        if s.table is table and s.explicit
    ]
    if table.main:
        associations.append(
            {
                "AssociationState": {"State": "associated"},
                "Main": True,
                "RouteTableAssociationId": f"rtbassoc-{table.id[4:]}",
                "RouteTableId": table.id,
            }
        )
    return {
        "Associations": associations,
        "OwnerId": ACCOUNT,
        "PropagatingVgws": [],
        "RouteTableId": table.id,
        "Routes": [_route(world, r) for r in table.routes],
        "Tags": named(table.name),
        "VpcId": table.vpc.id,
    }


def _route(world: World, route: Route) -> Json:
    made: Json = {"State": route.state, "Origin": "CreateRoute"}
    if route.dest.startswith("pl-"):
        made["DestinationPrefixListId"] = route.dest
    elif ":" in route.dest:
        made["DestinationIpv6CidrBlock"] = route.dest
    else:
        made["DestinationCidrBlock"] = route.dest
    if route.target == "local":
        made["Origin"] = "CreateRouteTable"
    key = TARGETS.get(route.target.split("-")[0], "GatewayId")
    made[key] = route.target
    box = next((i for i in world.interfaces if i.id == route.target), None)
    if box is not None and box.instance:
        made["InstanceId"] = box.instance
        made["InstanceOwnerId"] = ACCOUNT
    return made


def _subnet(subnet: Subnet) -> Json:
    six = [{"Ipv6CidrBlock": subnet.cidr6, "Ipv6CidrBlockState": {"State": "associated"}}]
    return {
        "AvailabilityZone": REGION + subnet.zone,
        "AvailabilityZoneId": zone_id(subnet.zone),
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": subnet.blocked},
        "CidrBlock": subnet.cidr,
        "Ipv6CidrBlockAssociationSet": six if subnet.cidr6 else [],
        "OwnerId": ACCOUNT,
        "State": "available",
        "SubnetId": subnet.id,
        "Tags": named(subnet.name),
        "VpcId": subnet.vpc.id,
    }


def _vpc(vpc: Any) -> Json:
    six = [{"Ipv6CidrBlock": vpc.cidr6, "Ipv6CidrBlockState": {"State": "associated"}}]
    state = {"CidrBlock": vpc.cidr, "CidrBlockState": {"State": "associated"}}
    return {
        "CidrBlock": vpc.cidr,
        "CidrBlockAssociationSet": [state],
        "Ipv6CidrBlockAssociationSet": six if vpc.cidr6 else [],
        "IsDefault": False,
        "OwnerId": ACCOUNT,
        "State": "available",
        "Tags": named(vpc.name),
        "VpcId": vpc.id,
    }


def _nat(nat: Nat) -> Json:
    made: Json = {
        "AvailabilityMode": "zonal" if nat.subnet else "regional",
        "ConnectivityType": "public" if nat.public else "private",
        "CreateTime": CREATED,
        "NatGatewayId": nat.id,
        "State": nat.state,
        "Tags": [],
        "VpcId": nat.vpc.id,
    }
    address: Json = {"IsPrimary": True, "Status": "succeeded"}
    if nat.eip:
        address |= {"PublicIp": nat.eip, "AllocationId": f"eipalloc-{nat.id[4:]}"}
    if nat.subnet is not None and nat.interface is not None:
        made["SubnetId"] = nat.subnet.id
        address |= {"NetworkInterfaceId": nat.interface.id, "PrivateIp": nat.interface.address}
    elif nat.table is not None:
        made["RouteTableId"] = nat.table.id
    if nat.state == "failed":
        made |= {"FailureCode": "InsufficientFreeAddressesInSubnet", "FailureMessage": "No address"}
    made["NatGatewayAddresses"] = [address]
    return made


def _gateways(world: World) -> list[Json]:
    return [
        {
            "InternetGatewayId": vpc.igw,
            "Attachments": []
            if vpc.igw in world.detached
            else [{"State": "available", "VpcId": vpc.id}],
            "Tags": named(vpc.name),
        }
        for vpc in world.vpcs
        if vpc.igw
    ]


def _egress_only(world: World) -> list[Json]:
    return [
        {
            "EgressOnlyInternetGatewayId": vpc.eigw,
            "Attachments": [{"State": "attached", "VpcId": vpc.id}],
            "Tags": [],
        }
        for vpc in world.vpcs
        if vpc.eigw
    ]


def _reservations(world: World) -> list[Json]:
    return [
        {
            "Groups": [],
            "OwnerId": ACCOUNT,
            "ReservationId": f"r-{i.id[4:]}",
            "Instances": [
                {
                    "InstanceId": i.instance,
                    "InstanceType": "m7g.large",
                    "NetworkInterfaces": [{"NetworkInterfaceId": i.id}],
                    "PrivateIpAddress": i.address,
                    "SourceDestCheck": i.check,
                    "State": {"Code": 16, "Name": "running"},
                    "SubnetId": i.subnet.id,
                    "Tags": named(i.name),
                    "VpcId": i.vpc.id,
                }
            ],
        }
        for i in world.interfaces
        if i.instance
    ]


def _endpoints(world: World) -> list[Json]:
    made: list[Json] = [
        {
            "OwnerId": ACCOUNT,
            "State": "available",
            "VpcId": vpc.id,
            "RouteTableIds": [
                t.id for t in world.tables if any(r.target == identity for r in t.routes)
            ],
            "ServiceName": f"com.amazonaws.{REGION}.s3",
            "VpcEndpointId": identity,
            "VpcEndpointType": "Gateway",
        }
        for identity, vpc in world.gateway_endpoints.items()
    ]
    made += [
        {
            "OwnerId": ACCOUNT,
            "State": "available",
            "VpcId": i.vpc.id,
            "Groups": [{"GroupId": g.id, "GroupName": g.name} for g in i.groups],
            "NetworkInterfaceIds": [i.id],
            "ServiceName": f"com.amazonaws.{REGION}.logs",
            "SubnetIds": [i.subnet.id],
            "VpcEndpointId": i.details["id"],
            "VpcEndpointType": "Interface",
        }
        for i in world.interfaces
        if i.kind == "endpoint"
    ]
    return made


def _peerings(world: World) -> list[Json]:
    def side(vpc: Any) -> Json:
        return {"CidrBlock": vpc.cidr, "OwnerId": ACCOUNT, "VpcId": vpc.id, "Region": REGION}

    return [
        {
            "VpcPeeringConnectionId": peering.id,
            "RequesterVpcInfo": side(peering.one),
            "AccepterVpcInfo": side(peering.other),
            "Status": {"Code": "active", "Message": "Active"},
            "Tags": [],
        }
        for peering in world.peerings.values()
    ]


def _lists(world: World) -> list[Json]:
    made: list[Json] = [
        {
            "AddressFamily": "IPv4",
            "OwnerId": ACCOUNT,
            "PrefixListId": name,
            "PrefixListName": name[-6:],
            "State": "create-complete",
        }
        for name in world.lists
    ]
    made.append(
        {
            "AddressFamily": "IPv4",
            "OwnerId": "AWS",
            "PrefixListId": S3_LIST,
            "PrefixListName": f"com.amazonaws.{REGION}.s3",
            "State": "create-complete",
        }
    )
    return made
