"""Everything on the way from client to server and back that would stop packets, in the order in
which they meet it: rules and routes of one snapshot, evaluated without any log."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field, frozen

from vpcflow_diagnose.network.items import NatGateway
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.packet import Direction, Packet
from vpcflow_diagnose.reasoning.ends import End
from vpcflow_diagnose.reasoning.routes import Leg, Obstacle, way, way_back
from vpcflow_diagnose.reasoning.rules import Denial, Ruling, other_way, ruling

GATEWAY_PORTS = (1024, 65535)
"""Ports that a NAT gateway uses for connections of its own (VPC User Guide, "NAT gateways")."""


@frozen
class Stop:
    """One obstacle or denial. stage: "client", "route", "gateway", "server", "answer",
    "return", "gateway back", "back": in this order. at: the interface whose log would show a
    REJECT; None where nothing is logged. returning: it is the answer that is stopped."""

    stage: str
    what: Obstacle | Denial
    at: Interface | None = None

    @property
    def returning(self) -> bool:
        return self.stage in ("answer", "return", "gateway back", "back")

    @property
    def sure(self) -> bool:
        """Whether it stops every packet, whoever keeps state."""
        return isinstance(self.what, Denial) or self.what.sure

    @property
    def direction(self) -> str | None:
        if isinstance(self.what, Denial):
            return self.what.direction
        return "return" if self.returning else "egress"

    def __str__(self) -> str:
        return str(self.what)


@define
class Way:
    """stops: in order. unknown: what could not be judged. there: the client's leg."""

    stops: list[Stop] = field(factory=list)
    unknown: list[str] = field(factory=list)
    there: Leg | None = None

    def add(self, stage: str, found: Ruling | Leg, at: Interface | None = None) -> None:
        if isinstance(found, Leg):
            if found.obstacle is not None:
                self.stops.append(Stop(stage, found.obstacle, at))
            if found.unknown is not None:
                self.unknown.append(found.unknown)
        else:
            self.stops += [Stop(stage, denial, at) for denial in found.denials]
            self.unknown += found.unknown


def follow(
    network: Network, client: End, server: End, opening: Packet, ports: tuple[int, int]
) -> Way:
    """The whole way. ports: the client's, lowest and highest that are known."""
    way_ = Way()
    if client.interface is not None:
        way_.add("client", ruling(network, client.interface, opening, "egress"), client.interface)
        way_.there = way(network, client, server, opening.protocol)
        way_.add("route", way_.there)
        if way_.there.nat is not None:
            for gateway, found in _nat(network, way_.there.nat, opening):
                way_.add("gateway", found, gateway)
    attached = _attachments(network, client, server, way_.there)
    for at, way_in in attached:
        way_.add("gateway", ruling(network, at, opening, way_in), at)
    if server.interface is not None:
        at = server.interface
        way_.add("server", ruling(network, at, opening, "ingress"), at)
        answer = opening.reversed()
        way_.add("answer", ruling(network, at, answer, "egress", opening=opening, ports=ports), at)
        if has_route_back(client, server):
            way_.add("return", way_back(network, server, client, opening.protocol, way_.there))
    if way_.there is not None and way_.there.nat is not None:
        for gateway, found in _nat_back(network, way_.there.nat, opening):
            way_.add("gateway back", found, gateway)
    for at, way_in in reversed(attached):
        answers = ruling(
            network, at, opening.reversed(), other_way(way_in), opening=opening, ports=ports
        )
        way_.add("gateway back", answers, at)
    if client.interface is not None:
        at, answer = client.interface, opening.reversed()
        way_.add("back", ruling(network, at, answer, "ingress", opening=opening, ports=ports), at)
    return way_


def has_route_back(client: End, server: End) -> bool:
    """Not where a Network Load Balancer keeps the client's address: its targets answer through it,
    and are known by their having no public address."""
    assert server.interface is not None
    if client.place != "internet" or ":" in client.address:
        return True
    interface = server.interface
    return server.address in interface.public or server.address in interface.public.values()


def _attachments(
    network: Network, client: End, server: End, there: Leg | None
) -> list[tuple[Interface, Direction]]:
    """A transit gateway's interfaces on the way, and which way the client's packets cross the
    border of their subnets: in at the client's, out at the server's. They have network ACLs and no
    security groups (Transit Gateway Guide, "Network ACLs for transit gateways")."""
    if there is None or there.hop.target != "transit-gateway" or there.obstacle is not None:
        return []
    ways: tuple[tuple[End, Direction], ...] = ((client, "ingress"), (server, "egress"))
    return [
        (at, direction)
        for end, direction in ways
        if end.interface is not None
        and (at := _attachment(network, end.interface, there.hop.target_id)) is not None
    ]


def _attachment(network: Network, beside: Interface, gateway_id: str | None) -> Interface | None:
    """The transit gateway's interface in the VPC and zone of `beside`, if it is the only one."""
    used = network.attachments_of(beside.vpc_id or "")
    if {a.tgw_id for a in used if a.state == "available"} != {gateway_id}:
        return None
    found = network.transit_interfaces.get((beside.vpc_id, beside.zone), ())
    return found[0] if len(found) == 1 else None


def _nat(
    network: Network, gateway: NatGateway, opening: Packet
) -> Iterator[tuple[Interface, Ruling]]:
    """Into a zonal NAT gateway and out again: it has no security groups."""
    for at, outer in _legs(network, gateway, opening):
        yield at, ruling(network, at, opening, "ingress")
        yield at, ruling(network, at, outer, "egress")


def _nat_back(
    network: Network, gateway: NatGateway, opening: Packet
) -> Iterator[tuple[Interface, Ruling]]:
    """The answer, to a port of the gateway's own, and on to the client."""
    for at, outer in _legs(network, gateway, opening):
        back, inner = outer.reversed(), opening.reversed()
        ports = (opening.srcport, opening.srcport)
        yield at, ruling(network, at, back, "ingress", opening=outer, ports=GATEWAY_PORTS)
        yield at, ruling(network, at, inner, "egress", opening=opening, ports=ports)


def _legs(
    network: Network, gateway: NatGateway, opening: Packet
) -> Iterator[tuple[Interface, Packet]]:
    """The gateway's interfaces, each with the packet as it leaves there."""
    for id_ in gateway.interfaces:
        at = network.interfaces.get(id_)
        if at is not None and at.addresses:
            yield at, Packet(at.addresses[0], opening.dst, opening.protocol, 1024, opening.dstport)
