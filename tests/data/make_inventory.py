"""Write the sample inventory: `python tests/data/make_inventory.py [DIRECTORY]`.

Two snapshots of the shop's network, five minutes before the sample logs begin and two minutes after
the network ACL was narrowed, as `vpcflow inventory snapshot --timestamped` writes them. The files
are the same every time; change this script or `inventory_story.py`, not them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from inventory_story import (
    ALB_ID,
    CREATED,
    EIGW,
    ELB_ARN,
    FLOW_LOG,
    GROUP_ARN,
    IGW,
    LOGS,
    LOGS_ENDPOINT,
    NAT_ID,
    S3_ENDPOINT,
    S3_LIST,
    SG,
    ZONES,
    Json,
    in_groups,
    interfaces,
    security_groups,
    subnets,
    tagged,
    transit_gateway_attachments,
)
from sample_neighbours import GATEWAY
from sample_story import (
    ACCOUNT,
    ACL_CHANGE,
    ACL_PORTS,
    CACHE,
    DB,
    LAB,
    NAT,
    REGION,
    SUBNETS,
    TEN_OCLOCK,
    V6,
    VPC,
    WEB,
    Host,
)

from vpcflow.flow_format import FlowFormat

BEFORE, AFTER = TEN_OCLOCK - 300, ACL_CHANGE + 120
ANY_PORT = range(1024, 65536)
DATABASE_ACL, DEFAULT_ACL = "acl-0a500000000000001", "acl-0a500000000000002"


def snapshot(at: int) -> dict[str, Json]:
    """The files of a snapshot at a time (epoch seconds), by name."""
    taken = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    about = {"account": ACCOUNT, "region": REGION, "time": taken, "complete": True, "lacks": []}
    lists = {
        "network-interfaces": ("NetworkInterfaces", interfaces()),
        "security-groups": ("SecurityGroups", security_groups()),
        "network-acls": ("NetworkAcls", network_acls(ANY_PORT if at < ACL_CHANGE else ACL_PORTS)),
        "route-tables": ("RouteTables", route_tables()),
        "subnets": ("Subnets", subnets()),
        "vpcs": ("Vpcs", [vpc()]),
        "nat-gateways": ("NatGateways", [nat_gateway()]),
        "internet-gateways": ("InternetGateways", [gateway("InternetGatewayId", IGW, "available")]),
        "egress-only-internet-gateways": (
            "EgressOnlyInternetGateways",
            [gateway("EgressOnlyInternetGatewayId", EIGW, "attached")],
        ),
        "instances": ("Reservations", [reservation(WEB), reservation(LAB)]),
        "load-balancers": ("LoadBalancers", [load_balancer()]),
        "classic-load-balancers": ("LoadBalancerDescriptions", []),
        "target-groups": ("TargetGroups", [target_group()]),
        "target-health/shop-web": ("TargetHealthDescriptions", [target_health()]),
        "db-instances": ("DBInstances", [db_instance()]),
        "cache-clusters": ("CacheClusters", [cache_cluster()]),
        "vpc-endpoints": ("VpcEndpoints", list(vpc_endpoints())),
        "vpc-peering-connections": ("VpcPeeringConnections", []),
        "transit-gateway-attachments": (
            "TransitGatewayAttachments",
            transit_gateway_attachments(),
        ),
        "transit-gateway-route-tables": (
            "TransitGatewayRouteTables",
            [transit_gateway_route_table()],
        ),
        "managed-prefix-lists": ("PrefixLists", [s3_list()]),
        f"managed-prefix-list-entries/{S3_LIST}": (
            "Entries",
            [{"Cidr": "3.5.64.0/21"}, {"Cidr": "52.218.0.0/17"}],
        ),
        "flow-logs": ("FlowLogs", [flow_log()]),
    }
    return {f"{name}.json": {key: items} for name, (key, items) in lists.items()} | {
        "snapshot.json": about
    }


def network_acls(replies: range) -> list[Json]:
    """The default ACL lets all pass; the database's lets replies out to some ports of the VPC."""

    def entry(number: int, egress: bool, action: str, protocol: str = "-1", **more: object) -> Json:
        found = {"Egress": egress, "Protocol": protocol, "RuleAction": action, "RuleNumber": number}
        return {"CidrBlock": "0.0.0.0/0", **found, **more}

    def acl(id_: str, entries: list[Json], names: list[str], *, default: bool) -> Json:
        last = [entry(32767, egress, "deny") for egress in (True, False)]
        associations = [
            {
                "NetworkAclAssociationId": f"aclassoc-{SUBNETS[name][0].removeprefix('subnet-')}",
                "NetworkAclId": id_,
                "SubnetId": SUBNETS[name][0],
            }
            for name in names
        ]
        return {
            "Associations": associations,
            "Entries": entries + last,
            "IsDefault": default,
            "NetworkAclId": id_,
            "OwnerId": ACCOUNT,
            "Tags": tagged(name="default" if default else "database"),
            "VpcId": VPC,
        }

    everything = [entry(100, egress, "allow") for egress in (True, False)]
    six = [
        {k: v for k, v in entry(101, egress, "allow").items() if k != "CidrBlock"}
        | {"Ipv6CidrBlock": "::/0"}
        for egress in (True, False)
    ]
    ports = {"From": replies[0], "To": replies[-1]}
    inside = {"CidrBlock": "10.0.0.0/16"}
    database = [
        entry(100, False, "allow", **inside),
        entry(100, True, "allow", "6", **inside, PortRange=ports),
    ]
    others = [name for name in SUBNETS if name != "db-a"]
    return [
        acl(DATABASE_ACL, database, ["db-a"], default=False),
        acl(DEFAULT_ACL, everything + six, others, default=True),
    ]


def route_tables() -> list[Json]:
    """Public subnets to the internet gateway, the application's to NAT, S3 and the transit gateway,
    the database's nowhere."""

    def route(block: str, **target: str) -> Json:
        key = "DestinationIpv6CidrBlock" if ":" in block else "DestinationCidrBlock"
        key = "DestinationPrefixListId" if block.startswith("pl-") else key
        origin = "CreateRouteTable" if "local" in target.values() else "CreateRoute"
        return {key: block, **target, "Origin": origin, "State": "active"}

    local = [route(block, GatewayId="local") for block in ("10.0.0.0/16", f"{V6}00::/56")]
    out = [route("0.0.0.0/0", GatewayId=IGW), route("::/0", GatewayId=IGW)]
    beyond = ("10.8.0.0/15", "172.16.0.0/12", "192.168.0.0/16")
    private = [
        route("0.0.0.0/0", NatGatewayId=NAT_ID),
        route("::/0", EgressOnlyInternetGatewayId=EIGW),
        route(S3_LIST, GatewayId=S3_ENDPOINT),
        *(route(block, TransitGatewayId=GATEWAY) for block in beyond),
    ]
    made = {"public": out, "private": private, "isolated": []}
    used = {
        "public": ("web-a", "web-b", "lab-a"),
        "private": ("app-a", "app-b"),
        "isolated": ("db-a",),
    }
    tables = []
    for number, (name, routes) in enumerate(made.items(), 1):
        id_ = f"rtb-0a40000000000000{number}"
        associations = [
            {
                "AssociationState": {"State": "associated"},
                "Main": False,
                "RouteTableAssociationId": f"rtbassoc-{SUBNETS[s][0].removeprefix('subnet-')}",
                "RouteTableId": id_,
                "SubnetId": SUBNETS[s][0],
            }
            for s in used[name]
        ]
        if name == "isolated":
            main = {"AssociationState": {"State": "associated"}, "Main": True, "RouteTableId": id_}
            associations.append(main | {"RouteTableAssociationId": "rtbassoc-0a400000000000000"})
        tables.append(
            {
                "Associations": associations,
                "OwnerId": ACCOUNT,
                "PropagatingVgws": [],
                "RouteTableId": id_,
                "Routes": local + routes,
                "Tags": tagged(name=name),
                "VpcId": VPC,
            }
        )
    return tables


def vpc() -> Json:
    state = {"State": "associated"}
    return {
        "CidrBlock": "10.0.0.0/16",
        "CidrBlockAssociationSet": [{"CidrBlock": "10.0.0.0/16", "CidrBlockState": state}],
        "Ipv6CidrBlockAssociationSet": [
            {"Ipv6CidrBlock": f"{V6}00::/56", "Ipv6CidrBlockState": state}
        ],
        "IsDefault": False,
        "OwnerId": ACCOUNT,
        "State": "available",
        "Tags": tagged(name="shop"),
        "VpcId": VPC,
    }


def nat_gateway() -> Json:
    address = {
        "AllocationId": "eipalloc-0a700000000000001",
        "IsPrimary": True,
        "NetworkInterfaceId": NAT.eni,
        "PrivateIp": NAT.ip,
        "PublicIp": "203.0.113.4",
        "Status": "succeeded",
    }
    return {
        "AvailabilityMode": "zonal",
        "ConnectivityType": "public",
        "CreateTime": CREATED,
        "NatGatewayAddresses": [address],
        "NatGatewayId": NAT_ID,
        "State": "available",
        "SubnetId": SUBNETS["web-a"][0],
        "Tags": tagged(name=NAT.name),
        "VpcId": VPC,
    }


def gateway(id_key: str, id_: str, state: str) -> Json:
    return {
        id_key: id_,
        "Attachments": [{"State": state, "VpcId": VPC}],
        "Tags": tagged(name="shop"),
    }


def reservation(host: Host) -> Json:
    subnet, zone = SUBNETS[host.subnet]
    instance = {
        "InstanceId": host.instance,
        "InstanceType": "t4g.small",
        "LaunchTime": CREATED,
        "NetworkInterfaces": [{"NetworkInterfaceId": host.eni}],
        "Placement": {"AvailabilityZone": ZONES[zone], "Tenancy": "default"},
        "PrivateIpAddress": host.ip,
        "SecurityGroups": in_groups("web" if host is WEB else "lab"),
        "State": {"Code": 16, "Name": "running"},
        "SubnetId": subnet,
        "Tags": tagged(name=host.name),
        "VpcId": VPC,
    }
    return {
        "Groups": [],
        "Instances": [instance],
        "OwnerId": ACCOUNT,
        "ReservationId": f"r-{host.instance.removeprefix('i-')}",
    }


def load_balancer() -> Json:
    return {
        "AvailabilityZones": [
            {"SubnetId": SUBNETS[name][0], "ZoneName": ZONES[SUBNETS[name][1]]}
            for name in ("web-a", "web-b")
        ],
        "CreatedTime": CREATED,
        "DNSName": f"shop-1234567890.{REGION}.elb.amazonaws.com",
        "IpAddressType": "dualstack",
        "LoadBalancerArn": f"{ELB_ARN}:loadbalancer/{ALB_ID}",
        "LoadBalancerName": "shop",
        "Scheme": "internet-facing",
        "SecurityGroups": [SG["alb"]],
        "State": {"Code": "active"},
        "Type": "application",
        "VpcId": VPC,
    }


def target_group() -> Json:
    return {
        "LoadBalancerArns": [f"{ELB_ARN}:loadbalancer/{ALB_ID}"],
        "Port": 8080,
        "Protocol": "HTTP",
        "TargetGroupArn": GROUP_ARN,
        "TargetGroupName": "shop-web",
        "TargetType": "instance",
        "VpcId": VPC,
    }


def target_health() -> Json:
    target = {"Id": WEB.instance, "Port": 8080}
    return {"HealthCheckPort": "8080", "Target": target, "TargetHealth": {"State": "healthy"}}


def db_instance() -> Json:
    subnet, zone = SUBNETS[DB.subnet]
    address = f"{DB.name}.c0example0001.{REGION}.rds.amazonaws.com"
    return {
        "AvailabilityZone": ZONES[zone],
        "DBInstanceIdentifier": DB.name,
        "DBInstanceStatus": "available",
        "DBSubnetGroup": {
            "DBSubnetGroupName": "shop",
            "Subnets": [
                {"SubnetAvailabilityZone": {"Name": ZONES[zone]}, "SubnetIdentifier": subnet}
            ],
            "VpcId": VPC,
        },
        "Endpoint": {"Address": address, "Port": 5432},
        "Engine": "postgres",
        "MultiAZ": False,
        "PubliclyAccessible": False,
        "VpcSecurityGroups": [{"Status": "active", "VpcSecurityGroupId": SG["db"]}],
    }


def cache_cluster() -> Json:
    address = f"{CACHE.name}.c0example.0001.euw1.cache.amazonaws.com"
    return {
        "CacheClusterId": CACHE.name,
        "CacheClusterStatus": "available",
        "CacheNodes": [{"CacheNodeId": "0001", "Endpoint": {"Address": address, "Port": 6379}}],
        "CacheSubnetGroupName": "shop",
        "Engine": "redis",
        "PreferredAvailabilityZone": ZONES[CACHE.zone],
        "SecurityGroups": [{"SecurityGroupId": SG["cache"], "Status": "active"}],
    }


def vpc_endpoints() -> Iterator[Json]:
    common = {"OwnerId": ACCOUNT, "State": "available", "VpcId": VPC}
    yield common | {
        "RouteTableIds": ["rtb-0a400000000000002"],
        "ServiceName": f"com.amazonaws.{REGION}.s3",
        "VpcEndpointId": S3_ENDPOINT,
        "VpcEndpointType": "Gateway",
    }
    yield common | {
        "Groups": in_groups("app"),
        "NetworkInterfaceIds": [LOGS.eni],
        "ServiceName": f"com.amazonaws.{REGION}.logs",
        "SubnetIds": [SUBNETS[LOGS.subnet][0]],
        "VpcEndpointId": LOGS_ENDPOINT,
        "VpcEndpointType": "Interface",
    }


def transit_gateway_route_table() -> Json:
    return {
        "CreationTime": CREATED,
        "DefaultAssociationRouteTable": True,
        "DefaultPropagationRouteTable": True,
        "State": "available",
        "TransitGatewayId": GATEWAY,
        "TransitGatewayRouteTableId": "tgw-rtb-0d000000000000005",
    }


def s3_list() -> Json:
    return {
        "AddressFamily": "IPv4",
        "OwnerId": "AWS",
        "PrefixListArn": f"arn:aws:ec2:{REGION}:aws:prefix-list/{S3_LIST}",
        "PrefixListId": S3_LIST,
        "PrefixListName": f"com.amazonaws.{REGION}.s3",
        "State": "create-complete",
    }


def flow_log() -> Json:
    return {
        "CreationTime": CREATED,
        "DeliverLogsStatus": "SUCCESS",
        "FlowLogId": FLOW_LOG,
        "FlowLogStatus": "ACTIVE",
        "LogDestination": "arn:aws:s3:::shop-flow-logs",
        "LogDestinationType": "s3",
        "LogFormat": str(FlowFormat.default()),
        "MaxAggregationInterval": 60,
        "ResourceId": VPC,
        "TrafficType": "ALL",
    }


def main(directory: Path) -> None:
    """Write both snapshots, each into a folder named after its time."""
    for at in (BEFORE, AFTER):
        name = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
        for file, content in snapshot(at).items():
            path = directory / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(content, indent=4, ensure_ascii=False)
            path.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "samples-inventory")
