"""Everything on the way from client to server and back that would stop packets, in the order in
which they meet it: rules and routes of one snapshot, evaluated without any log."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field, frozen

from vpcflow_diagnose.network.items import NatGateway
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.packet import Packet
from vpcflow_diagnose.reasoning.ends import End
from vpcflow_diagnose.reasoning.routes import Leg, Obstacle, way, way_back
from vpcflow_diagnose.reasoning.rules import Denial, Ruling, ruling

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
    if server.interface is not None:
        at = server.interface
        way_.add("server", ruling(network, at, opening, "ingress"), at)
        answer = opening.reversed()
        way_.add("answer", ruling(network, at, answer, "egress", opening=opening, ports=ports), at)
        if _has_route_back(client, server):
            way_.add("return", way_back(network, server, client, opening.protocol, way_.there))
    if way_.there is not None and way_.there.nat is not None:
        for gateway, found in _nat_back(network, way_.there.nat, opening):
            way_.add("gateway back", found, gateway)
    if client.interface is not None:
        at, answer = client.interface, opening.reversed()
        way_.add("back", ruling(network, at, answer, "ingress", opening=opening, ports=ports), at)
    return way_


def _has_route_back(client: End, server: End) -> bool:
    """Not where a Network Load Balancer keeps the client's address: its targets answer through it,
    and are known by their having no public address."""
    assert server.interface is not None
    if client.place != "internet" or ":" in client.address:
        return True
    interface = server.interface
    return server.address in interface.public or server.address in interface.public.values()


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
