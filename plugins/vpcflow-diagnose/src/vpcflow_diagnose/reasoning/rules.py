"""What the rules at one interface say to a packet: network ACL and security groups together.

In: the ACL is asked first, then the groups; out: the groups, then the ACL. The ACL is asked only
where the packet crosses the subnet's border. (VPC User Guide, "Control traffic to subnets using
network ACLs" and "Security groups"; for transit gateways "Network ACLs for transit gateways".)
"""

from __future__ import annotations

from attrs import frozen

from vpcflow_diagnose.network import network_acls, routes, security_groups
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.packet import Direction, Packet, Verdict

GATEWAY_TYPES = ("transit_gateway", "nat_gateway", "natGateway", "gateway_load_balancer")


@frozen
class Denial:
    """A rule set that drops the packet. ports: for replies, the ranges of client ports that it
    drops; () where ports do not matter."""

    cause: str
    resource: str
    rule: str
    words: str
    direction: Direction
    ports: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        return f"{self.cause} {self.resource} rule {self.rule}"


@frozen
class Undecided:
    """A rule set that cannot be judged. resource: its id, if that is known. words: why."""

    cause: str
    resource: str | None
    words: str


@frozen
class Ruling:
    """denials, undecided: in the order in which AWS asks."""

    denials: tuple[Denial, ...] = ()
    undecided: tuple[Undecided, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """What could not be decided, in sentences."""
        return tuple(one.words for one in self.undecided)


def ruling(
    network: Network,
    at: Interface,
    packet: Packet,
    direction: Direction,
    *,
    opening: Packet | None = None,
    ports: tuple[int, int] = (0, 0),
) -> Ruling:
    """What the rules at `at` say to `packet`.

    opening: the packet is a reply, and this one opened the flow: groups let tracked replies pass.
    ports: the client's ports that were seen, lowest and highest.
    """
    acl = _acl(network, at, packet, direction, ports if opening is not None else (0, 0))
    groups = _groups(network, at, packet, direction, opening)
    asked = [acl, groups] if direction == "ingress" else [groups, acl]
    denials = tuple(found for found in asked if isinstance(found, Denial))
    return Ruling(denials, tuple(found for found in asked if isinstance(found, Undecided)))


def _groups(
    network: Network, at: Interface, packet: Packet, direction: Direction, opening: Packet | None
) -> Denial | Undecided | None:
    if opening is not None:
        before: Direction = "egress" if direction == "ingress" else "ingress"
        if security_groups.tracked(network, at, opening, before):
            return None
    verdict = security_groups.evaluate(network, at, packet, direction)
    if verdict is None or verdict.allowed:
        return None
    if verdict.allowed is None:
        words = f"the security groups of {at.id} cannot be judged: {verdict.why}"
        group = verdict.resource if verdict.resource != at.id else None
        return Undecided("security-group", group, words)
    return Denial("security-group", verdict.resource, verdict.rule, verdict.words, direction)


def _acl(
    network: Network, at: Interface, packet: Packet, direction: Direction, ports: tuple[int, int]
) -> Denial | Undecided | None:
    if at.subnet_id is None:
        return Undecided("network-acl", None, f"the subnet of {at.id} is not known")
    if not crosses(network, at, packet.dst if direction == "egress" else packet.src, direction):
        return None
    low, high = ports
    if packet.protocol in (6, 17) and high:
        ranges = network_acls.by_port(network, at.subnet_id, packet, direction, low, high)
    else:
        verdict = network_acls.evaluate(network, at.subnet_id, packet, direction)
        ranges = [(packet.dstport, packet.dstport, verdict)]
    denied = [(a, b, v) for a, b, v in ranges if v.allowed is False]
    if denied:
        verdict = denied[0][2]
        spans = tuple((a, b) for a, b, _ in denied) if high else ()
        return Denial(
            "network-acl", verdict.resource, verdict.rule, verdict.words, direction, spans
        )
    unknown = [v for _, _, v in ranges if v.allowed is None]
    if not unknown:
        return None
    words = f"the network ACL of {at.subnet_id} cannot be judged: {_why(unknown)}"
    return Undecided("network-acl", unknown[0].resource or None, words)


def _why(verdicts: list[Verdict]) -> str:
    return "; ".join(dict.fromkeys(v.why for v in verdicts))


def crosses(network: Network, at: Interface, other: str, direction: str) -> bool:
    """Whether traffic between `at` and the address `other` crosses the border of at's subnet.

    The neighbour is what the subnet's route names for the address: a NAT gateway or an appliance in
    the same subnet is no border. From an instance to a transit gateway attachment in its own subnet
    the ACL is asked, the other way it is not.
    """
    neighbour = _neighbour(network, at, other)
    if neighbour is None or neighbour.subnet_id != at.subnet_id:
        return True
    return neighbour.type == "transit_gateway" and direction == "egress"


def _neighbour(network: Network, at: Interface, other: str) -> Interface | None:
    assert at.subnet_id is not None
    hop = routes.next_hop(network, at.subnet_id, other)
    if hop.target == "nat-gateway":
        gateway = network.nat_gateways.get(hop.target_id or "")
        ids = gateway.interfaces if gateway is not None else ()
        return next((network.interfaces[i] for i in ids if i in network.interfaces), None)
    if hop.target == "interface":
        return network.interfaces.get(hop.target_id or "")
    if hop.target == "transit-gateway":
        return _attachment(network, at)
    owner = network.owner(other, at.vpc_id)
    return owner if owner is not None and owner.vpc_id == at.vpc_id else None


def _attachment(network: Network, at: Interface) -> Interface | None:
    """The transit gateway's interface in the subnet itself, if there is one."""
    assert at.subnet_id is not None
    beside = network.interfaces_in(at.subnet_id)
    return next((i for i in beside if i.type == "transit_gateway"), None)


def other_way(direction: str) -> Direction:
    return "egress" if direction == "ingress" else "ingress"
