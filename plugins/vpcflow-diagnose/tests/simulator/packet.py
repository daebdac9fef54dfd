"""A packet on its way, and what became of it."""

from __future__ import annotations

from typing import Any

from attrs import Factory, define, evolve, field, frozen

from .model import Interface, Subnet
from .rules import Asked


@frozen(eq=False)
class Packet:
    """src, dst: as in its header. reply: it answers. via: what a reply's request came through
    last: "igw", "pcx", "tgw", "local", "nat", an NLB's interface. direct: no interface between
    rewrote or forwarded it, so a reference to a security group sees its sender."""

    src: str
    dst: str
    sport: int
    dport: int
    protocol: int
    icmp: tuple[int, int] | None = None
    reply: bool = False
    via: object = None
    direct: bool = True

    def key(self, interface: Interface, egress: bool) -> tuple[object, ...]:
        """Of the connection, as the connection tracking of an interface knows it."""
        local, remote = (self.src, self.sport), (self.dst, self.dport)
        if not egress:
            local, remote = remote, local
        return interface.id, self.protocol, *local, *remote

    def asked(self, egress: bool) -> Asked:
        peer = self.dst if egress else self.src
        return Asked(egress, peer, self.protocol, self.dport, self.icmp)

    def moved(self, **changes: Any) -> Packet:
        return evolve(self, **changes)


@frozen(eq=False)
class Hop:
    """The packet at one interface: what a record would say of it."""

    interface: Interface
    egress: bool
    accepted: bool
    src: str
    dst: str
    sport: int
    dport: int
    pkt_src: str
    pkt_dst: str
    path: int | None = None
    reason: str | None = None


@frozen(eq=False)
class Drop:
    """Why a packet was lost. resources: ids that it is right to name, the best first; none: any.
    others: pairs of cause and resources that are right as well."""

    cause: str
    resources: tuple[str, ...] = ()
    others: tuple[tuple[str, tuple[str, ...]], ...] = ()
    at: Interface | None = None
    subnet: Subnet | None = None
    asked: Asked | None = None

    def pairs(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(self.cause, self.resources), *self.others]


@define(eq=False)
class Fate:
    """packet: as its receiver saw it (address translation). delivered: to whom, or "internet"."""

    hops: list[Hop] = Factory(list)
    delivered: Interface | str | None = None
    drop: Drop | None = None
    packet: Packet | None = None
    via: object = None
    zones: list[str] = field(factory=list)  # of NAT gateways on the way
