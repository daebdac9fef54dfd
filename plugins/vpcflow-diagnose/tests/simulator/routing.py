"""Where the route table of a subnet sends a packet."""

from __future__ import annotations

from attrs import frozen

from .addresses import block, within
from .model import Route, Subnet, Table, World
from .packet import Drop, Packet

# traffic-path of the VPC guide's "Available fields"; 7 and 8 are of Nitro instances
PATHS = {"local": 1, "nat": 1, "tgw": 1, "eni": 1, "pcx": 4, "vpce": 7, "igw": 8, "eigw": 8}


@frozen(eq=False)
class Next:
    """kind: local, igw, eigw, nat, pcx, tgw, eni, vpce, or none if it ends here (`drop`)."""

    kind: str
    target: str = ""
    drop: Drop | None = None

    @property
    def path(self) -> int | None:
        return PATHS.get(self.kind)


def find_route(world: World, table: Table, address: str) -> Route | None:
    """The longest prefix; a block before a prefix list of the same length."""
    best: tuple[int, int, Route] | None = None
    for route in table.routes:
        if route.dest.startswith("pl-"):
            blocks, preference = world.aws_lists.get(route.dest, []), 0
        else:
            blocks, preference = [route.dest], 1
        for cidr in blocks:
            if within(address, cidr):
                found = (block(cidr)[3], preference, route)
                if best is None or found[:2] > best[:2]:
                    best = found
    return best[2] if best else None


def next_hop(world: World, subnet: Subnet, packet: Packet) -> Next:
    """Where a packet from an interface of the subnet goes."""
    table = subnet.table
    route = find_route(world, table, packet.dst)
    if route is None:
        return Next("none", drop=Drop("no-route", (table.id,), subnet=subnet))
    kind = route.target.split("-")[0]
    if kind == "igw" and (route.target in world.detached or route.target != subnet.vpc.igw):
        drop = Drop("no-internet-gateway", (route.target, table.id, subnet.vpc.id), subnet=subnet)
        return Next("none", drop=drop)
    if kind == "nat":
        nat = world.nats.get(route.target)
        if nat is not None and nat.listed and nat.state != "available":
            return Next("none", drop=Drop("nat-gateway-unavailable", (nat.id,), subnet=subnet))
        if nat is None or not nat.listed:
            return _blackhole(table, route, subnet)
    if route.state == "blackhole":
        return _blackhole(table, route, subnet)
    return Next(kind, route.target)


def _blackhole(table: Table, route: Route, subnet: Subnet) -> Next:
    return Next("none", drop=Drop("blackhole-route", (table.id, route.target), subnet=subnet))
