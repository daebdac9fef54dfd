"""The shop's network as AWS would describe it: what the sample logs' interfaces belong to.

Everything has the shape of AWS's answers. It fits `sample_story` and `sample_neighbours`: what
these records accept or reject is what the security groups and network ACLs here allow or deny,
before and after the ACL of the database's subnet was narrowed. Public addresses are from
203.0.113.0/24.
"""

from __future__ import annotations

from typing import Any

from sample_neighbours import GATEWAY, OFFICE, SHOP, TOOLS
from sample_story import (
    ACCOUNT,
    ALB_A,
    ALB_B,
    APP_1,
    APP_2,
    APP_3,
    CACHE,
    DB,
    LAB,
    NAT,
    REGION,
    SPARE,
    SUBNETS,
    V6,
    VPC,
    WEB,
    Host,
)

Json = dict[str, Any]

ZONES = {"euw1-az1": f"{REGION}a", "euw1-az2": f"{REGION}b"}
BLOCKS = {"web-a": 0, "web-b": 10, "app-a": 1, "app-b": 11, "db-a": 2, "lab-a": 12}
V6_BLOCKS = {"web-a": "00", "web-b": "01", "app-a": "02", "app-b": "03"}
CREATED = "2026-03-02T08:30:00+00:00"

SG = {
    n: f"sg-0f0000000000000{i:02x}"
    for i, n in enumerate(("alb", "web", "app", "db", "cache", "lab"))
}
NAT_ID, IGW, EIGW = "nat-0a700000000000001", "igw-0a800000000000001", "eigw-0a800000000000002"
S3_LIST, S3_ENDPOINT, LOGS_ENDPOINT = (
    "pl-6da54004",
    "vpce-0a900000000000001",
    "vpce-0a900000000000002",
)
ALB_ID, FLOW_LOG = "app/shop/50dc6c495c0c9188", "fl-0e000000000000001"
ELB_ARN = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
GROUP_ARN = f"{ELB_ARN}:targetgroup/shop-web/6d0ecf831eec9f09"
FUNCTION = "AWS Lambda VPC ENI-nightly-report-2b7e1516-28ae-d2a6-abf7-158809cf4f3c"

LOGS = Host("logs", "eni-0b00000000000000c", "10.0.1.40", "app-a")
LAMBDA = Host("nightly-report", "eni-0b00000000000000d", "10.0.1.61", "app-a")
TRANSIT = Host("tgw", SHOP.eni, "10.0.1.250", "app-a")


def tagged(**tags: str) -> list[Json]:
    """Tags as AWS lists them; `Name` for the keyword `name`."""
    return [{"Key": "Name" if k == "name" else k, "Value": v} for k, v in tags.items()]


def interface(host: Host, description: str = "", *, public: str | None = None, **more: Any) -> Json:
    """A network interface, made by a service unless `more` says otherwise."""
    subnet, zone = SUBNETS[host.subnet]
    association = {"Association": {"IpOwnerId": ACCOUNT, "PublicIp": public}} if public else {}
    own = {"Primary": True, "PrivateIpAddress": host.ip, **association}
    six = [{"Ipv6Address": host.ip6, "IsPrimaryIpv6": False}] if host.ip6 != "-" else []
    found = {
        **association,
        "AvailabilityZone": ZONES[zone],
        "Description": description,
        "Groups": [],
        "InterfaceType": "interface",
        "Ipv6Addresses": six,
        "NetworkInterfaceId": host.eni,
        "OwnerId": ACCOUNT,
        "PrivateIpAddress": host.ip,
        "PrivateIpAddresses": [own],
        "RequesterManaged": True,
        "SourceDestCheck": True,
        "Status": "in-use",
        "SubnetId": subnet,
        "TagSet": [],
        "VpcId": VPC,
    }
    return found | more


def attached(owner: str, *, instance: str | None = None, style: str = "eni") -> Json:
    attachment = {
        "AttachmentId": f"{style}-attach-0b10000000000001",
        "DeleteOnTermination": True,
        "DeviceIndex": 0 if instance else 1,
        "InstanceOwnerId": owner,
        "Status": "attached",
    }
    return attachment | ({"InstanceId": instance} if instance else {})


def in_groups(*names: str) -> list[Json]:
    return [{"GroupId": SG[name], "GroupName": name} for name in names]


def task(host: Host) -> Json:
    """The interface of a Fargate task."""
    uuid = f"3d1f7a52-6c1b-4e0f-9a57-{int(host.eni[4:], 16) & 0xFFFFFFFFFFFF:012x}"
    return interface(
        host,
        f"arn:aws:ecs:{REGION}:{ACCOUNT}:attachment/{uuid}",
        Attachment=attached("578734482556"),
        Groups=in_groups("app"),
        RequesterId="578734482556",
        TagSet=[
            *tagged(team="team orders", stage="blue-green"),
            {"Key": "aws:ecs:clusterName", "Value": "shop"},
            {"Key": "aws:ecs:serviceName", "Value": host.service},
        ],
    )


def interfaces() -> list[Json]:
    """All interfaces of the VPC."""
    elb = {
        "Attachment": attached("amazon-elb"),
        "Groups": in_groups("alb"),
        "RequesterId": "amazon-elb",
    }
    hyperplane = {"Attachment": attached("amazon-aws", style="ela")}
    user = {"RequesterManaged": False}
    return [
        interface(ALB_A, f"ELB {ALB_ID}", public="203.0.113.10", **elb),
        interface(ALB_B, f"ELB {ALB_ID}", public="203.0.113.11", **elb),
        interface(
            NAT,
            f"Interface for NAT Gateway {NAT_ID}",
            public="203.0.113.4",
            **hyperplane,
            InterfaceType="nat_gateway",
            RequesterId="056789012345",
            SourceDestCheck=False,
        ),
        interface(
            WEB,
            "Primary network interface",
            public="203.0.113.31",
            **user,
            Attachment=attached(ACCOUNT, instance=WEB.instance),
            Groups=in_groups("web"),
            TagSet=tagged(team="team storefront", stage="café"),
        ),
        *(task(host) for host in (APP_1, APP_2, APP_3)),
        interface(
            DB,
            "RDSNetworkInterface",
            Attachment=attached("amazon-rds"),
            Groups=in_groups("db"),
            RequesterId="amazon-rds",
            TagSet=tagged(team="data", stage="prod"),
        ),
        interface(
            CACHE,
            "ElastiCache cache-1",
            Attachment=attached("amazon-elasticache"),
            Groups=in_groups("cache"),
            RequesterId="amazon-elasticache",
            TagSet=tagged(team="data", stage="prod"),
        ),
        interface(
            LAB,
            public="203.0.113.50",
            **user,
            Attachment=attached(ACCOUNT, instance=LAB.instance),
            Groups=in_groups("lab"),
        ),
        interface(SPARE, "kept for the next database", **user, Groups=in_groups("db"))
        | {"Status": "available", "TagSet": tagged(name=SPARE.name)},
        interface(
            LOGS,
            f"VPC Endpoint Interface {LOGS_ENDPOINT}",
            **hyperplane,
            Groups=in_groups("app"),
            InterfaceType="vpc_endpoint",
            RequesterId="727180483921",
        ),
        interface(
            LAMBDA,
            FUNCTION,
            Attachment=attached("amazon-aws", style="ela"),
            Groups=in_groups("app"),
            InterfaceType="lambda",
            RequesterId="AROAEXAMPLEEXAMPLE123:nightly-report",
        ),
        interface(
            TRANSIT,
            f"Network Interface for Transit Gateway Attachment {SHOP.id}",
            **hyperplane,
            InterfaceType="transit_gateway",
            RequesterId="056789012345",
            SourceDestCheck=False,
        ),
    ]


def rule(ports: tuple[int, int], *, protocol: str = "tcp", **of: Any) -> Json:
    """What a security group lets in: `group=` of another, `v4=` and `v6=` blocks."""
    pairs = [{"GroupId": SG[of["group"]], "UserId": ACCOUNT}] if "group" in of else []
    return {
        "IpProtocol": protocol,
        "FromPort": ports[0],
        "ToPort": ports[1],
        "IpRanges": [{"CidrIp": block} for block in of.get("v4", ())],
        "Ipv6Ranges": [{"CidrIpv6": block} for block in of.get("v6", ())],
        "PrefixListIds": [],
        "UserIdGroupPairs": pairs,
    }


def security_groups() -> list[Json]:
    """Each tier lets in the one before it, and everything out."""
    inbound = {
        "alb": [rule((443, 443), v4=["0.0.0.0/0"], v6=["::/0"])],
        "web": [rule((8080, 8080), group="alb"), rule((-1, -1), protocol="icmpv6", v6=["::/0"])],
        "app": [rule((9000, 9000), group="web"), rule((443, 443), group="app")],
        "db": [rule((5432, 5432), group="app")],
        "cache": [rule((6379, 6379), group="app")],
        "lab": [rule((22, 22), v4=["0.0.0.0/0"])],
    }
    everything = rule((0, 0), protocol="-1", v4=["0.0.0.0/0"], v6=["::/0"])
    outbound = {k: v for k, v in everything.items() if k not in ("FromPort", "ToPort")}
    return [
        {
            "GroupId": SG[name],
            "GroupName": name,
            "Description": f"the {name} tier of the shop",
            "OwnerId": ACCOUNT,
            "VpcId": VPC,
            "IpPermissions": allowed,
            "IpPermissionsEgress": [outbound],
        }
        for name, allowed in inbound.items()
    ]


def subnets() -> list[Json]:
    def one(name: str, subnet: str, zone: str, block: int) -> Json:
        six = f"{V6}{V6_BLOCKS[name]}::/64" if name in V6_BLOCKS else None
        association = {"Ipv6CidrBlock": six, "Ipv6CidrBlockState": {"State": "associated"}}
        blocked = "block-bidirectional" if name == "lab-a" else "off"
        return {
            "AvailabilityZone": ZONES[zone],
            "AvailabilityZoneId": zone,
            "BlockPublicAccessStates": {"InternetGatewayBlockMode": blocked},
            "CidrBlock": f"10.0.{block}.0/24",
            "Ipv6CidrBlockAssociationSet": [association] if six else [],
            "MapPublicIpOnLaunch": name.startswith(("web", "lab")),
            "OwnerId": ACCOUNT,
            "State": "available",
            "SubnetId": subnet,
            "Tags": tagged(name=name),
            "VpcId": VPC,
        }

    return [one(name, *SUBNETS[name], block) for name, block in BLOCKS.items()]


def transit_gateway_attachments() -> list[Json]:
    def one(attachment: Any, kind: str, resource: str, owner: str, name: str) -> Json:
        return {
            "CreationTime": CREATED,
            "ResourceId": resource,
            "ResourceOwnerId": owner,
            "ResourceType": kind,
            "State": "available",
            "Tags": tagged(name=name),
            "TransitGatewayAttachmentId": attachment.id,
            "TransitGatewayId": GATEWAY,
            "TransitGatewayOwnerId": ACCOUNT,
        }

    return [
        one(SHOP, "vpc", VPC, ACCOUNT, "shop"),
        one(TOOLS, "vpc", TOOLS.vpc, TOOLS.account, "tools"),
        one(OFFICE, "vpn", "vpn-0a600000000000001", ACCOUNT, "office"),
    ]
