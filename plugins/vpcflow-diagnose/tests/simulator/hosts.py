"""Who lives in the VPCs: instances, load balancers, databases, functions, endpoints."""

from __future__ import annotations

from typing import Any

from .addresses import host
from .ground import of_kind, public_address
from .model import ACCOUNT, REGION, Group, GroupRule, Interface, Route, Subnet, World

LAMBDA_PORTS = (1024, 65535)
WINDOWS_PORTS = (49152, 65535)


class Settlers:
    """Puts interfaces into subnets, with security groups by tier."""

    def __init__(self, world: World) -> None:
        self.world, self.rng = world, world.rng
        self.taken: dict[str, set[int]] = {}
        self.tiers: dict[tuple[str, str], Group] = {}
        self.hosts: dict[str, Interface] = {}

    def group(self, subnet: Subnet, tier: str) -> Group:
        key = subnet.vpc.id, tier
        if key not in self.tiers:
            group = Group(self.world.new_id("sg"), subnet.vpc, tier)
            if tier != "common" and self.rng.random() < 0.7:
                group.egress.append(GroupRule(-1, "0.0.0.0/0"))
                if subnet.vpc.cidr6:
                    group.egress.append(GroupRule(-1, "::/0"))
            if tier == "common":
                group.ingress.append(GroupRule(6, "192.0.2.0/28", (22, 22)))
            self.tiers[key] = self.world.groups[group.id] = group
        return self.tiers[key]

    def free(self, subnet: Subnet) -> str:
        taken = self.taken.setdefault(subnet.id, set())
        while True:
            number = self.rng.randrange(10, 250)
            if number not in taken:
                taken.add(number)
                return host(subnet.cidr, number)

    def settle(self, name: str, kind: str, subnet: Subnet, tier: str, **more: Any) -> Interface:
        groups = [self.group(subnet, tier)] if tier else []
        if tier and self.rng.random() < 0.4:
            groups.append(self.group(subnet, "common"))
        interface = Interface(
            self.world.new_id("eni"), subnet, self.free(subnet), kind, name, groups, **more
        )
        if kind in ("ec2", "middlebox"):
            interface.instance = self.world.new_id("i")
        self.hosts[name] = self.world.add(interface)
        return interface

    def six(self, interface: Interface) -> Interface:
        """The same with an IPv6 address, if its subnet has a block."""
        block = interface.subnet.cidr6
        if block and not interface.address6:
            address = host(block, self.rng.randrange(0x1000, 0xFFFFF))
            interface.address6 = address
            self.world.by_address[interface.vpc.id, address] = interface
        return interface


def settle_shop(settlers: Settlers, middlebox: bool) -> None:
    """The first VPC: every kind of resource."""
    world, rng = settlers.world, settlers.rng
    vpc = world.vpcs[0]
    public, app, data = (of_kind(world, vpc, k) for k in ("public", "app", "data"))
    settle = settlers.settle
    settlers.six(settle("web-1", "ec2", public[0], "web", public=public_address(world)))
    settlers.six(settle("web-2", "ec2", public[-1], "web", public=public_address(world)))
    for position, subnet in enumerate(public[:2]):
        settle(
            f"alb-{position}",
            "alb",
            subnet,
            "alb",
            public=public_address(world),
            clients=(1024, 65535),
            details={"id": "app/front/50dc6c495c0c9188"},
        )
    settlers.six(settle("app-1", "ec2", app[0], "app"))
    settle("app-2", "ec2", app[1], "app", secondary=settlers.free(app[1]))
    target = settle("stream-1", "ec2", app[rng.randrange(len(app))], "stream")
    settle(
        "nlb-0",
        "nlb",
        public[0],
        "",
        public=public_address(world),
        check=False,
        details={"id": "net/stream/1f2d3c4b5a697887", "target": target},
    )
    settle("orders-db", "rds", data[0], "db")
    settle("cache-1", "cache", data[1], "cache")
    settle("report", "lambda", app[1], "lambda", clients=LAMBDA_PORTS)
    settle("orders-task", "ecs", app[0], "task")
    endpoint = world.new_id("vpce")
    settle("logs", "endpoint", app[0], "endpoint", details={"id": endpoint})
    settle("win-1", "ec2", app[-1], "windows", clients=WINDOWS_PORTS)
    settle("syslog-1", "ec2", data[0], "syslog")
    legacy = of_kind(world, vpc, "legacy")[0]
    settle("legacy-1", "ec2", legacy, "legacy")
    if middlebox:
        box = settle(
            "nat-instance",
            "middlebox",
            public[0],
            "box",
            public=public_address(world),
            check=False,
        )
        legacy.table.routes.append(Route("0.0.0.0/0", box.id))


def settle_others(settlers: Settlers) -> None:
    for vpc in settlers.world.vpcs[1:]:
        app, data = (of_kind(settlers.world, vpc, k) for k in ("app", "data"))
        settlers.settle(f"{vpc.name}-1", "ec2", app[0], "tool")
        settlers.settle(f"{vpc.name}-metrics", "ec2", data[-1], "metrics")


def described(interface: Interface) -> dict[str, Any]:
    """How the owner of an interface shows in DescribeNetworkInterfaces (reference: eni.md)."""
    kind, name = interface.kind, interface.name
    uuid = f"3d1f7a52-6c1b-4e0f-9a57-{int(interface.id[4:], 16) & 0xFFFFFFFFFFFF:012x}"
    identity = interface.details.get("id", "")
    own = {"RequesterManaged": False, "Description": "Primary network interface"}
    shapes: dict[str, dict[str, Any]] = {
        "ec2": own,
        "middlebox": own,
        "alb": {"Description": f"ELB {identity}", "RequesterId": "amazon-elb"},
        "nlb": {
            "Description": f"ELB {identity}",
            "InterfaceType": "network_load_balancer",
            "RequesterId": "amazon-elb",
        },
        "rds": {"Description": "RDSNetworkInterface", "RequesterId": "amazon-rds"},
        "cache": {"Description": f"ElastiCache {name}", "RequesterId": "amazon-elasticache"},
        "endpoint": {
            "Description": f"VPC Endpoint Interface {identity}",
            "InterfaceType": "vpc_endpoint",
            "RequesterId": "727180483921",
        },
        "lambda": {
            "Description": f"AWS Lambda VPC ENI-{name}-{uuid}",
            "InterfaceType": "lambda",
            "RequesterId": f"AROAEXAMPLEEXAMPLE123:{name}",
        },
        "ecs": {
            "Description": f"arn:aws:ecs:{REGION}:{ACCOUNT}:attachment/{uuid}",
            "RequesterId": "578734482556",
        },
        "nat": {
            "Description": f"Interface for NAT Gateway {name}",
            "InterfaceType": "nat_gateway",
            "RequesterId": "056789012345",
        },
        "tgw": {
            "Description": f"Network Interface for Transit Gateway Attachment {name}",
            "InterfaceType": "transit_gateway",
            "RequesterId": "056789012345",
        },
    }
    return shapes[kind]
