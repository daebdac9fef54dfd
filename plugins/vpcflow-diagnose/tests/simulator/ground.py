"""VPCs, subnets, route tables and gateways of a random world."""

from __future__ import annotations

from attrs import frozen

from .addresses import host
from .model import (
    Acl,
    AclRule,
    Attachment,
    Interface,
    Nat,
    Peering,
    Route,
    Subnet,
    Table,
    TransitGateway,
    Vpc,
    World,
)

S3_LIST, S3_BLOCKS = "pl-6da54004", ["52.218.0.0/17", "3.5.64.0/21"]
NAMES = ("shop", "tools", "data")
OFFSETS = {"public": 0, "app": 10, "data": 20, "transit": 30, "legacy": 40}


@frozen
class Wish:
    """What a fault needs of the world it is put into."""

    vpcs: int = 1
    join: str | None = None  # "pcx" or "tgw" between the first and the second VPC
    nat: str | None = None  # "zonal", "shared"
    middlebox: bool = False
    six: bool = False


def lay_ground(world: World, wish: Wish) -> None:
    rng = world.rng
    count = max(wish.vpcs, rng.choice((1, 1, 2, 2, 3)))
    first = rng.randrange(0, 200)
    zones = "abc" if rng.random() < 0.2 else "ab"
    world.aws_lists[S3_LIST] = S3_BLOCKS
    for index in range(count):
        six = index == 0 and (wish.six or rng.random() < 0.5)
        _vpc(world, index, first + index * 7, zones, six, wish)
    join = wish.join or rng.choice(("pcx", "tgw"))
    for other in world.vpcs[1:]:
        if join == "pcx":
            _peer(world, world.vpcs[0], other)
    if join == "tgw" and count > 1:
        _transit(world)


def _vpc(world: World, index: int, second: int, zones: str, six: bool, wish: Wish) -> None:
    rng = world.rng
    prefix6 = f"2a05:d018:{rng.randrange(1, 4096):x}:{index}" if six else None
    vpc = Vpc(
        world.new_id("vpc"),
        NAMES[index],
        f"10.{second}.0.0/16",
        f"{prefix6}00::/56" if prefix6 else None,
        world.new_id("igw"),
        world.new_id("eigw") if six else None,
    )
    world.vpcs.append(vpc)
    tables = {"main": _table(world, vpc, "main"), "public": _table(world, vpc, "public")}
    tables["main"].main = True
    tables["public"].routes.append(Route("0.0.0.0/0", vpc.igw or ""))
    if six:
        tables["public"].routes.append(Route("::/0", vpc.igw or ""))
    explicit = rng.random() < 0.3  # whether the isolated subnets have a table of their own
    tables["data"] = _table(world, vpc, "data") if explicit else tables["main"]
    default = default_acl(world, vpc)
    kinds = ["public", "app", "data"] + (["legacy"] if index == 0 else [])
    for kind in kinds:
        for position, zone in enumerate(zones):
            if kind == "app":
                tables["app"] = _table(world, vpc, f"app-{zone}")
            if kind == "legacy":
                if zone != "a":
                    continue
                tables["legacy"] = _table(world, vpc, "legacy")
            subnet = _subnet(world, vpc, kind, zone, position, tables[kind], default)
            subnet.explicit = tables[kind] is not tables["main"]
            if prefix6:
                block = OFFSETS[kind] + position
                subnet.cidr6 = f"{prefix6}{block:02x}::/64"
                if kind == "app":
                    subnet.table.routes.append(Route("::/0", vpc.eigw or ""))
    _nats(world, vpc, wish)
    if rng.random() < 0.6:
        endpoint = world.new_id("vpce")
        world.gateway_endpoints[endpoint] = vpc
        for table in {s.table.id: s.table for s in of_kind(world, vpc, "app")}.values():
            table.routes.append(Route(S3_LIST, endpoint))


def _table(world: World, vpc: Vpc, name: str) -> Table:
    table = Table(world.new_id("rtb"), vpc, name, routes=[Route(vpc.cidr, "local")])
    if vpc.cidr6:
        table.routes.append(Route(vpc.cidr6, "local"))
    world.tables.append(table)
    return table


def default_acl(world: World, vpc: Vpc) -> Acl:
    """As AWS makes it: everything passes."""
    acl = Acl(world.new_id("acl"), vpc, "default", default=True)
    for egress in (False, True):
        acl.rules.append(AclRule(100, egress, True, -1, "0.0.0.0/0"))
        if vpc.cidr6:
            acl.rules.append(AclRule(101, egress, True, -1, "::/0"))
    world.acls.append(acl)
    return acl


def _subnet(
    world: World, vpc: Vpc, kind: str, zone: str, position: int, table: Table, acl: Acl
) -> Subnet:
    cidr = host(vpc.cidr, 256 * (OFFSETS[kind] + position)) + (
        "/28" if kind == "transit" else "/24"
    )
    subnet = Subnet(world.new_id("subnet"), vpc, f"{kind}-{zone}", cidr, zone, table, acl)
    world.subnets.append(subnet)
    return subnet


def of_kind(world: World, vpc: Vpc, kind: str) -> list[Subnet]:
    return [s for s in world.subnets if s.vpc is vpc and s.name.startswith(kind)]


def _nats(world: World, vpc: Vpc, wish: Wish) -> None:
    """A NAT gateway per zone, one for all, or a regional one; routes to it."""
    how = wish.nat or world.rng.choice(("zonal", "zonal", "shared", "shared", "regional"))
    nats: dict[str, Nat] = {}
    if how == "regional":
        table = _table(world, vpc, "nat")
        table.routes.append(Route("0.0.0.0/0", vpc.igw or ""))
        nat = Nat(world.new_id("nat"), vpc, None, None, table=table, eip=_eip(world))
        world.nats[nat.id] = nats[""] = nat
    else:
        for subnet in of_kind(world, vpc, "public")[: 1 if how == "shared" else None]:
            nats[subnet.zone] = zonal_nat(world, subnet)
    for subnet in of_kind(world, vpc, "app"):
        nat = nats.get(subnet.zone) or next(iter(nats.values()))
        subnet.table.routes.append(Route("0.0.0.0/0", nat.id))


def zonal_nat(world: World, subnet: Subnet, public: bool = True) -> Nat:
    identity = world.new_id("nat")
    eip = _eip(world) if public else None
    interface = world.add(
        Interface(
            world.new_id("eni"),
            subnet,
            host(subnet.cidr, 5 + world.rng.randrange(3)),
            "nat",
            identity,
            public=eip,
            check=False,
            clients=(1024, 65535),
        )
    )
    nat = Nat(identity, subnet.vpc, subnet, interface, public, eip=eip)
    world.nats[identity] = nat
    return nat


def _eip(world: World) -> str:
    world.counter += 1
    return host("52.16.0.0/14", world.counter * 257 + world.rng.randrange(200))


def public_address(world: World) -> str:
    return _eip(world)


def _peer(world: World, one: Vpc, other: Vpc) -> None:
    peering = Peering(world.new_id("pcx"), one, other)
    world.peerings[peering.id] = peering
    _routes_between(world, one, other, peering.id)


def _transit(world: World) -> None:
    transit = TransitGateway(world.new_id("tgw"), world.new_id("tgw-rtb"))
    world.transit = transit
    for vpc in world.vpcs:
        attachment = Attachment(world.new_id("tgw-attach"), vpc)
        transit.attachments.append(attachment)
        table = _table(world, vpc, "transit")
        default = next(a for a in world.acls if a.vpc is vpc and a.default)
        zones = sorted({s.zone for s in world.subnets if s.vpc is vpc})
        for position, zone in enumerate(zones):
            subnet = _subnet(world, vpc, "transit", zone, position, table, default)
            attachment.interfaces[zone] = world.add(
                Interface(
                    world.new_id("eni"),
                    subnet,
                    host(subnet.cidr, 4),
                    "tgw",
                    attachment.id,
                    check=False,
                )
            )
    for other in world.vpcs[1:]:
        _routes_between(world, world.vpcs[0], other, transit.id)


def _routes_between(world: World, one: Vpc, other: Vpc, target: str) -> None:
    for table in world.tables:
        if table.name in ("transit", "nat", "legacy", "public"):
            continue
        if table.vpc is one:
            table.routes.append(Route(other.cidr, target))
        elif table.vpc is other:
            table.routes.append(Route(one.cidr, target))
