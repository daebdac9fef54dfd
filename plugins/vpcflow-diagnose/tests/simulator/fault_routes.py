"""Faults of routes and gateways."""

from __future__ import annotations

from random import Random

from .addresses import host, single
from .faults import (
    Fault,
    both,
    from_internet,
    from_public,
    inside,
    kind,
    nat_target,
    outward,
    through_nat,
    two_vpcs,
)
from .ground import Wish, of_kind, zonal_nat
from .model import Interface, Link, Nat, Route, Table, World


def _default(table: Table) -> Route | None:
    return next((r for r in table.routes if r.dest == "0.0.0.0/0"), None)


def _client_table(link: Link) -> Table:
    assert isinstance(link.client, Interface)
    return link.client.subnet.table


@kind("no-route-to-internet", "no-route", outward)
def no_route(world: World, rng: Random, link: Link) -> Fault | None:
    route = _default(_client_table(link))
    if route is None:
        return None
    _client_table(link).routes.remove(route)
    return Fault("no-route-to-internet", link)


@kind("blackhole", "blackhole-route", both(through_nat))
def blackhole(world: World, rng: Random, link: Link) -> Fault | None:
    """The NAT gateway was deleted long ago and is not listed any more."""
    nat = world.nats[nat_target(world, link)]
    _end_nat(world, nat, listed=False, state="deleted")
    return Fault("blackhole", link)


def _end_nat(world: World, nat: Nat, *, listed: bool, state: str) -> None:
    nat.listed, nat.state = listed, state
    for table in world.tables:
        for route in table.routes:
            if route.target == nat.id and state != "pending":
                route.state = "blackhole"
    if nat.interface is not None and state in ("deleted", "failed"):
        world.remove(nat.interface)


def _nat_state(name: str, state: str) -> None:
    @kind(name, "nat-gateway-unavailable", through_nat)
    def end(world: World, rng: Random, link: Link) -> Fault | None:
        _end_nat(world, world.nats[nat_target(world, link)], listed=True, state=state)
        return Fault(name, link)


_nat_state("nat-failed", "failed")
_nat_state("nat-deleted", "deleted")
_nat_state("nat-pending", "pending")


@kind("igw-detached", "no-internet-gateway", from_public)
def igw_detached(world: World, rng: Random, link: Link) -> Fault | None:
    vpc = link.client.vpc if isinstance(link.client, Interface) else None
    assert vpc is not None
    assert vpc.igw
    world.detached.add(vpc.igw)
    for table in world.tables:
        for route in table.routes:
            if route.target == vpc.igw:
                route.state = "blackhole"
    return Fault("igw-detached", link)


@kind("igw-missing", "no-internet-gateway", from_public)
def igw_missing(world: World, rng: Random, link: Link) -> Fault | None:
    """The default route leads to a gateway that does not exist any more."""
    route = _default(_client_table(link))
    assert route is not None
    route.target, route.state = world.new_id("igw"), "blackhole"
    return Fault("igw-missing", link)


@kind("no-public-address", "no-public-ip", from_public)
def no_public(world: World, rng: Random, link: Link) -> Fault | None:
    assert isinstance(link.client, Interface)
    link.client.public = None
    return Fault("no-public-address", link)


@kind("private-host-routed-to-igw", "no-public-ip", through_nat)
def routed_to_igw(world: World, rng: Random, link: Link) -> Fault | None:
    """A private subnet whose default route is the internet gateway."""
    assert isinstance(link.client, Interface)
    route = _default(_client_table(link))
    assert route is not None
    route.target = link.client.vpc.igw or ""
    return Fault("private-host-routed-to-igw", link)


@kind("nat-in-private-subnet", "nat-gateway-misplaced", through_nat, Wish(nat="zonal"))
def nat_in_private(world: World, rng: Random, link: Link) -> Fault | None:
    return _other_nat(world, rng, link, "nat-in-private-subnet", public=True)


@kind("private-nat-for-internet", "nat-gateway-misplaced", through_nat, Wish(nat="zonal"))
def private_nat(world: World, rng: Random, link: Link) -> Fault | None:
    return _other_nat(world, rng, link, "private-nat-for-internet", public=False)


def _other_nat(world: World, rng: Random, link: Link, name: str, *, public: bool) -> Fault | None:
    """A NAT gateway of the wrong sort or in the wrong place takes over."""
    assert isinstance(link.client, Interface)
    table = _client_table(link)
    kind_of = "data" if public else "public"
    zone = link.client.subnet.zone
    subnet = next(s for s in of_kind(world, link.client.vpc, kind_of) if s.zone == zone)
    subnet.acl = next(a for a in world.acls if a.default and a.vpc is subnet.vpc)
    free = {i.address for i in world.interfaces}
    nat = zonal_nat(world, subnet, public)
    assert nat.interface is not None
    if nat.interface.address in free:
        return None
    route = _default(table)
    assert route is not None
    route.target = nat.id
    return Fault(name, link)


# -- between VPCs


def _tables_of(link: Link, end: str) -> Table:
    whose = link.client if end == "client" else link.server
    assert isinstance(whose, Interface)
    return whose.subnet.table


def _remove_peer_route(world: World, link: Link, end: str) -> bool:
    ends = (link.client, link.server) if end == "client" else (link.server, link.client)
    table, other = _tables_of(link, end), ends[1]
    assert isinstance(other, Interface)
    gone = [r for r in table.routes if r.dest == other.vpc.cidr]
    for route in gone:
        table.routes.remove(route)
    return bool(gone)


@kind("no-route-to-peer", "no-route", two_vpcs, Wish(vpcs=2))
def no_peer_route(world: World, rng: Random, link: Link) -> Fault | None:
    return Fault("no-route-to-peer", link) if _remove_peer_route(world, link, "client") else None


def _isolated_server(world: World, link: Link) -> bool:
    if not two_vpcs(world, link) or not isinstance(link.server, Interface):
        return False
    return _default(link.server.subnet.table) is None


def _nat_server(world: World, link: Link) -> bool:
    return two_vpcs(world, link) and not _isolated_server(world, link)


@kind("no-route-back", "no-route", _isolated_server, Wish(vpcs=2, join="pcx"))
def no_route_back(world: World, rng: Random, link: Link) -> Fault | None:
    return Fault("no-route-back", link) if _remove_peer_route(world, link, "server") else None


@kind("back-by-default-route", "asymmetric-return", _nat_server, Wish(vpcs=2))
def back_by_default(world: World, rng: Random, link: Link) -> Fault | None:
    """The default route of the server's subnet takes the answers to a NAT gateway."""
    done = _remove_peer_route(world, link, "server")
    return Fault("back-by-default-route", link) if done else None


@kind("more-specific-route", "wrong-route", two_vpcs, Wish(vpcs=2))
def more_specific(world: World, rng: Random, link: Link) -> Fault | None:
    """A longer prefix takes what is for the server's subnet to another gateway."""
    server = link.server
    assert isinstance(server, Interface)
    assert isinstance(link.client, Interface)
    vpc = link.client.vpc
    targets = [vpc.igw or ""]
    targets += [n.id for n in world.nats.values() if n.vpc is vpc and n.interface]
    targets += [p.id for p in world.peerings.values() if p.across(vpc) not in (None, server.vpc)]
    dest = rng.choice((server.subnet.cidr, single(server.address)))
    link.client.subnet.table.routes.append(Route(dest, rng.choice(targets)))
    return Fault("more-specific-route", link)


def _public_instance(world: World, link: Link) -> bool:
    server = link.server
    return (
        from_internet(world, link)
        and isinstance(server, Interface)
        and server.kind == "ec2"
        and ":" not in link.dest
        and link.protocol == 6
    )


@kind("public-host-behind-nat", "asymmetric-return", _public_instance, Wish(nat="zonal"))
def behind_nat(world: World, rng: Random, link: Link) -> Fault | None:
    """A public address, and a default route to a NAT gateway in another subnet."""
    server = link.server
    assert isinstance(server, Interface)
    nats = [n for n in world.nats.values() if n.vpc is server.vpc and n.subnet is not server.subnet]
    if not nats:
        return None
    table = Table(world.new_id("rtb"), server.vpc, "mixed", routes=list(server.subnet.table.routes))
    route = _default(table)
    assert route is not None
    table.routes.remove(route)
    table.routes.append(Route("0.0.0.0/0", rng.choice(nats).id))
    world.tables.append(table)
    server.subnet.table = table
    return Fault("public-host-behind-nat", link)


def _by_middlebox(world: World, link: Link) -> bool:
    return outward(world, link) and nat_target(world, link).startswith("eni-")


@kind("source-dest-check", "source-dest-check", _by_middlebox, Wish(middlebox=True))
def checked(world: World, rng: Random, link: Link) -> Fault | None:
    box = next(i for i in world.interfaces if i.kind == "middlebox")
    box.check = True
    return Fault("source-dest-check", link)


@kind("failed-over", "unknown-destination", inside)
def failed_over(world: World, rng: Random, link: Link) -> Fault | None:
    """The server has another address now; the client still uses the old one."""
    server = link.server
    assert isinstance(server, Interface)
    if server.kind in ("alb", "nlb") or link.dest != server.address:
        return None
    old = server.address
    taken = {i.address for i in world.interfaces}
    new = next(a for n in range(251, 9, -1) if (a := host(server.subnet.cidr, n)) not in taken)
    world.remove(server)
    server.address = new
    server.id = world.new_id("eni")
    world.add(server)
    for other in world.links:
        if other.server is server and other.dest == old and other is not link:
            other.dest = new
        if other.client is server and other.source == old:
            other.source = new
    return Fault("failed-over", link)


def _public_end(world: World, link: Link) -> bool:
    return _public_instance(world, link) or from_public(world, link)


@kind("block-public-access", "block-public-access", _public_end)
def blocked(world: World, rng: Random, link: Link) -> Fault | None:
    host_ = link.server if isinstance(link.server, Interface) else link.client
    assert isinstance(host_, Interface)
    out = isinstance(link.client, Interface)
    host_.subnet.blocked = (
        "block-bidirectional" if out else rng.choice(("block-bidirectional", "block-ingress"))
    )
    return Fault("block-public-access", link, format=rng.choice(("v8", None)))


@kind("encryption-control", "encryption-control", from_public)
def encrypted(world: World, rng: Random, link: Link) -> Fault | None:
    assert isinstance(link.client, Interface)
    link.client.vpc.encryption = True
    return Fault("encryption-control", link, format="v8")


# -- in a transit gateway, seen by its own flow log only


def _lost_in_transit(name: str, cause: str) -> None:
    @kind(name, cause, two_vpcs, Wish(vpcs=2, join="tgw"))
    def lose(world: World, rng: Random, link: Link) -> Fault | None:
        assert world.transit is not None
        assert isinstance(link.server, Interface)
        world.transit.losses[link.server.vpc.id] = cause
        return Fault(name, link, format="transit")


_lost_in_transit("transit-no-route", "no-route")
_lost_in_transit("transit-blackhole", "blackhole-route")
_lost_in_transit("transit-mtu", "mtu-exceeded")
_lost_in_transit("transit-ttl", "ttl-expired")
