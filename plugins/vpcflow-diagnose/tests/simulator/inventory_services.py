"""Of the inventory: transit gateway, databases, caches, load balancers."""

from __future__ import annotations

from typing import Any

from .model import ACCOUNT, REGION, Interface, World

Json = dict[str, Any]
CREATED = "2026-03-02T08:30:00+00:00"


def named(text: str) -> list[Json]:
    return [{"Key": "Name", "Value": text}]


def transit_files(world: World) -> dict[str, Json]:
    transit = world.transit
    if transit is None:
        return {
            "transit-gateway-attachments.json": {"TransitGatewayAttachments": []},
            "transit-gateway-route-tables.json": {"TransitGatewayRouteTables": []},
        }
    attachments = [
        {
            "Association": {
                "State": "associated",
                "TransitGatewayRouteTableId": transit.table_id,
            },
            "CreationTime": CREATED,
            "ResourceId": a.vpc.id,
            "ResourceOwnerId": ACCOUNT,
            "ResourceType": "vpc",
            "State": "available",
            "Tags": named(a.vpc.name),
            "TransitGatewayAttachmentId": a.id,
            "TransitGatewayId": transit.id,
            "TransitGatewayOwnerId": ACCOUNT,
        }
        for a in transit.attachments
    ]
    table = {
        "CreationTime": CREATED,
        "DefaultAssociationRouteTable": True,
        "DefaultPropagationRouteTable": True,
        "State": "available",
        "TransitGatewayId": transit.id,
        "TransitGatewayRouteTableId": transit.table_id,
    }
    return {
        "transit-gateway-attachments.json": {"TransitGatewayAttachments": attachments},
        "transit-gateway-route-tables.json": {"TransitGatewayRouteTables": [table]},
    }


def service_files(world: World) -> dict[str, Json]:
    databases, caches = [], []
    for i in world.interfaces:
        groups = [g.id for g in i.groups]
        if i.kind == "rds":
            databases.append(
                {
                    "AvailabilityZone": REGION + i.subnet.zone,
                    "DBInstanceIdentifier": i.name,
                    "DBInstanceStatus": "available",
                    "DBSubnetGroup": {
                        "DBSubnetGroupName": "data",
                        "Subnets": [{"SubnetIdentifier": i.subnet.id}],
                        "VpcId": i.vpc.id,
                    },
                    "Endpoint": {
                        "Address": f"{i.name}.c0example.{REGION}.rds.amazonaws.com",
                        "Port": 5432,
                    },
                    "Engine": "postgres",
                    "MultiAZ": True,
                    "VpcSecurityGroups": [
                        {"Status": "active", "VpcSecurityGroupId": g} for g in groups
                    ],
                }
            )
        elif i.kind == "cache":
            caches.append(
                {
                    "CacheClusterId": i.name,
                    "CacheClusterStatus": "available",
                    "CacheNodes": [{"CacheNodeId": "0001", "Endpoint": {"Port": 6379}}],
                    "Engine": "redis",
                    "PreferredAvailabilityZone": REGION + i.subnet.zone,
                    "SecurityGroups": [{"SecurityGroupId": g, "Status": "active"} for g in groups],
                }
            )
    return {
        "db-instances.json": {"DBInstances": databases},
        "cache-clusters.json": {"CacheClusters": caches},
    }


def balancer_files(world: World) -> dict[str, Json]:
    """Load balancers, their target groups and the health of targets."""
    base = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
    balancers: dict[str, Json] = {}
    groups, files = [], {}
    for i in (i for i in world.interfaces if i.kind in ("alb", "nlb")):
        identity = i.details["id"]
        sort, name, _ = identity.split("/")
        zone = {"SubnetId": i.subnet.id, "ZoneName": REGION + i.subnet.zone}
        if identity in balancers:
            balancers[identity]["AvailabilityZones"].append(zone)
            continue
        arn = f"{base}:loadbalancer/{identity}"
        balancers[identity] = {
            "AvailabilityZones": [zone],
            "CreatedTime": CREATED,
            "LoadBalancerArn": arn,
            "LoadBalancerName": name,
            "Scheme": "internet-facing",
            "SecurityGroups": [g.id for g in i.groups],
            "State": {"Code": "active"},
            "Type": "application" if sort == "app" else "network",
            "VpcId": i.vpc.id,
        }
        links = [k for k in world.links if k.client is i] or [
            k for k in world.links if k.target and k.server is i
        ]
        port = links[0].port
        groups.append(
            {
                "LoadBalancerArns": [arn],
                "Port": port,
                "Protocol": "HTTP" if sort == "app" else "TCP",
                "TargetGroupArn": f"{base}:targetgroup/{name}-targets/6d0ecf831eec9f09",
                "TargetGroupName": f"{name}-targets",
                "TargetType": "instance",
                "VpcId": i.vpc.id,
            }
        )
        targets = {k.answering for k in links}
        health = [
            {
                "Target": {"Id": t.instance, "Port": port},
                "TargetHealth": {"State": "healthy"},
            }
            for t in sorted(targets, key=str)
            if isinstance(t, Interface)
        ]
        files[f"target-health/{name}-targets.json"] = {"TargetHealthDescriptions": health}
    return {
        "load-balancers.json": {"LoadBalancers": list(balancers.values())},
        "target-groups.json": {"TargetGroups": groups},
        **files,
    }
