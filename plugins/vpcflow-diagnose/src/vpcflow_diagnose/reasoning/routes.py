"""Where routes lead, and what stands in the way: the causes that leave no REJECT behind.

One cause for each leg, the nearest to what must be repaired (DESIGN section 8): a missing or
detached internet gateway, a NAT gateway that does not work, a blackhole, then the public address.
"""

from __future__ import annotations

import ipaddress

from attrs import evolve, frozen

from vpcflow_diagnose.network import routes
from vpcflow_diagnose.network.items import NatGateway
from vpcflow_diagnose.network.network import Network
from vpcflow_diagnose.network.packet import Hop
from vpcflow_diagnose.reasoning.ends import End

DEFAULT = ("0.0.0.0/0", "::/0")
TO_INTERNET = ("internet-gateway", "egress-only", "nat-gateway")
NATTED = (1, 6, 17)
"""Protocols that a NAT gateway translates: ICMP, TCP, UDP (VPC User Guide, "NAT gateways")."""


@frozen
class Obstacle:
    """Why a packet does not arrive. words: a sentence without its end. rule: the route's
    destination. where: the subnet whose routes were asked. sure: it stops every packet, not only
    those of connections whose state somebody keeps."""

    cause: str
    resource: str | None
    rule: str | None
    words: str
    where: str | None = None
    sure: bool = True

    def __str__(self) -> str:
        return " ".join(part for part in (self.cause, self.resource, self.rule) if part)


@frozen
class Leg:
    """One way from a subnet to an address. obstacle: what stops it there. unknown: what could not
    be told about it. nat: the NAT gateway that it takes."""

    hop: Hop
    obstacle: Obstacle | None = None
    unknown: str | None = None
    nat: NatGateway | None = None


def way(network: Network, source: End, target: End, protocol: int) -> Leg:
    """From an interface of ours to an address: the routes of the interface's subnet."""
    assert source.interface is not None
    subnet_id = source.interface.subnet_id
    if subnet_id is None or subnet_id not in network.subnets:
        return Leg(Hop(None, None), unknown=f"the subnet of {source.interface.id} is not known")
    hop = routes.next_hop(network, subnet_id, target.address)
    if hop.table is None:
        return Leg(hop, unknown=f"the route table of {subnet_id} is not known")
    if hop.destination is None and hop.unknown:
        return Leg(hop, unknown=f"routes of {hop.table} cannot be judged: {hop.unknown}")
    if hop.destination is None:
        words = f"route table {hop.table} of {subnet_id} has no route to {target.address}"
        return Leg(hop, Obstacle("no-route", hop.table, None, words, subnet_id))
    gateway = network.nat_gateway_of(source.address, source.interface.vpc_id)
    if gateway is not None and target.place == "internet":
        return Leg(hop, *_beyond_nat(network, gateway, hop, target))
    if hop.state != "active":
        return Leg(hop, _blackhole(network, hop, subnet_id))
    if hop.destination in DEFAULT and target.place != "internet" and hop.target in TO_INTERNET:
        return Leg(hop, _only_default(network, hop, target, subnet_id))
    return _target(network, hop, source, target, protocol)


def _only_default(network: Network, hop: Hop, target: End, subnet_id: str) -> Obstacle | None:
    """A private address that only the default route takes, to the internet. A private NAT gateway
    may be meant for it."""
    if hop.target == "nat-gateway" and _leads_inside(network, hop, target):
        return None
    words = (
        f"route table {hop.table} of {subnet_id} has no route to {target.address} but the default, "
        f"which leads to the internet by {hop.target_id}"
    )
    return Obstacle("no-route", hop.table, None, words, subnet_id)


def _leads_inside(network: Network, hop: Hop, target: End) -> bool:
    """Whether a NAT gateway's own subnet has a way to a private address: as far as is known."""
    gateway = network.nat_gateways.get(hop.target_id or "")
    if gateway is None or gateway.subnet_id is None:
        return True
    onward = routes.next_hop(network, gateway.subnet_id, target.address)
    return onward.table is None or onward.target not in (None, *TO_INTERNET)


def _blackhole(network: Network, hop: Hop, subnet_id: str) -> Obstacle:
    route = f"the route {hop.destination} of {hop.table} leads to {hop.target_id}"
    if hop.target in ("internet-gateway", "egress-only"):
        return _no_gateway(network, hop, subnet_id)
    if hop.target == "nat-gateway":
        gateway = network.nat_gateways.get(hop.target_id or "")
        if gateway is not None and gateway.state != "available":
            return _nat_unavailable(gateway, hop, subnet_id)
    words = f"{route}, which is gone: the route is a blackhole"
    return Obstacle("blackhole-route", hop.table, hop.destination, words, subnet_id)


def _no_gateway(network: Network, hop: Hop, subnet_id: str) -> Obstacle:
    known = network.internet_gateways.get(hop.target_id or "")
    state = "does not exist" if known is None else "is attached to no VPC"
    if "internet-gateways.json" in network.unread:
        state = "does not exist or is attached to no VPC"
    if known is not None and known.vpc_id is not None and not known.attached:
        state = "is not attached"
    elif known is not None and known.attached:
        state = f"is attached to {known.vpc_id}"
    words = f"the route {hop.destination} of {hop.table} leads to {hop.target_id}, which {state}"
    return Obstacle("no-internet-gateway", hop.target_id, hop.destination, words, subnet_id)


def _nat_unavailable(gateway: NatGateway, hop: Hop, subnet_id: str) -> Obstacle:
    failure = f" ({gateway.failure})" if gateway.failure else ""
    words = f"NAT gateway {gateway.id}, to which {hop.table} routes, is {gateway.state}{failure}"
    return Obstacle("nat-gateway-unavailable", gateway.id, hop.destination, words, subnet_id)


def _target(network: Network, hop: Hop, source: End, target: End, protocol: int) -> Leg:
    subnet_id = source.interface.subnet_id if source.interface else None
    if hop.target == "local":
        return Leg(hop, _local(network, target))
    if hop.target in ("internet-gateway", "egress-only"):
        return Leg(hop, _internet(network, hop, source, target, subnet_id))
    if hop.target == "nat-gateway":
        return _nat(network, hop, source, target, protocol)
    if hop.target == "interface":
        return Leg(hop, _appliance(network, hop, target, subnet_id))
    if hop.target == "peering":
        return Leg(hop, _peering(network, hop, source, target, subnet_id))
    if hop.target == "transit-gateway":
        return _transit(network, hop, source, target)
    return Leg(hop, unknown=_beyond(hop))


def _beyond(hop: Hop) -> str | None:
    if hop.target in ("endpoint", "carrier-gateway"):
        return None
    return f"what lies behind {hop.target_id} ({hop.target}) is not in the inventory"


def _local(network: Network, target: End) -> Obstacle | None:
    if target.place == "vpc" and network.interfaces:
        words = f"no network interface has the address {target.address}"
        return Obstacle("unknown-destination", None, None, words)
    return None


def _wrong(hop: Hop, target: End, subnet_id: str | None, why: str) -> Obstacle:
    other = f", and shadows the route {hop.also[0]}" if hop.also else ""
    words = (
        f"the route {hop.destination} of {hop.table} sends {target.address} to {hop.target_id}, "
        f"{why}{other}"
    )
    return Obstacle("wrong-route", hop.table, hop.destination, words, subnet_id)


def _without_gateway(network: Network, hop: Hop, vpc_id: str | None) -> bool:
    """Whether the internet gateway of a route is gone, or attached to nothing or to another VPC."""
    gateway = network.internet_gateways.get(hop.target_id or "")
    if gateway is None:
        egress_only = hop.target == "egress-only"
        return f"{'egress-only-' * egress_only}internet-gateways.json" not in network.unread
    return not gateway.attached or (vpc_id is not None and gateway.vpc_id != vpc_id)


def _internet(
    network: Network, hop: Hop, source: End, target: End, subnet_id: str | None
) -> Obstacle | None:
    if _without_gateway(network, hop, source.vpc_id):
        return _no_gateway(network, hop, subnet_id or "")
    if target.place != "internet":
        return _wrong(hop, target, subnet_id, "which leads to the internet only")
    interface = source.interface
    if interface is None or hop.target != "internet-gateway" or ":" in target.address:
        return None
    if source.address in interface.public or source.address in interface.public.values():
        return None
    words = (
        f"{interface.id} has no public IPv4 address for {source.address}, and its subnet reaches "
        f"the internet through {hop.target_id} without translation"
    )
    return Obstacle("no-public-ip", interface.id, None, words, subnet_id)


def _nat(network: Network, hop: Hop, source: End, target: End, protocol: int) -> Leg:
    assert source.interface is not None
    subnet_id = source.interface.subnet_id
    gateway = network.nat_gateways.get(hop.target_id or "")
    if gateway is None:
        if "nat-gateways.json" in network.unread:
            return Leg(hop, unknown=f"NAT gateway {hop.target_id} is not in the inventory")
        words = (
            f"the route {hop.destination} of {hop.table} leads to {hop.target_id}, which is gone"
        )
        return Leg(hop, Obstacle("blackhole-route", hop.table, hop.destination, words, subnet_id))
    if gateway.state != "available":
        return Leg(hop, _nat_unavailable(gateway, hop, subnet_id or ""), nat=gateway)
    if target.place == "internet":
        stopped, unknown = _beyond_nat(network, gateway, hop, target)
        if stopped is not None or protocol in NATTED:
            return Leg(hop, stopped, unknown, nat=gateway)
    beyond = target.place != "interface" or target.vpc_id != source.vpc_id
    if beyond and target.place != "internet" and not _leads_inside(network, hop, target):
        why = "whose own way leads to the internet only"
        return Leg(hop, _wrong(hop, target, subnet_id, why), nat=gateway)
    if protocol not in NATTED:
        why = f"a NAT gateway, which does not translate protocol {protocol}"
        return Leg(hop, _wrong(hop, target, subnet_id, why), nat=gateway)
    return Leg(hop, nat=gateway)


def _beyond_nat(
    network: Network, gateway: NatGateway, hop: Hop, target: End
) -> tuple[Obstacle | None, str | None]:
    """What stops a NAT gateway on its way to the internet."""
    if not gateway.public:
        words = f"{gateway.id} is a private NAT gateway, which does not reach the internet"
        return Obstacle("nat-gateway-misplaced", gateway.id, hop.destination, words), None
    if gateway.regional and gateway.table_id is not None:
        onward = routes.table_hop(network, gateway.table_id, target.address)
    elif gateway.subnet_id is not None and not gateway.regional:
        onward = routes.next_hop(network, gateway.subnet_id, target.address)
    else:
        return None, None
    if onward.table is None:
        return None, f"the route table of {gateway.id} is not known"
    if onward.target == "internet-gateway":
        if onward.state != "active" or _without_gateway(network, onward, gateway.vpc_id):
            return _no_gateway(network, onward, gateway.subnet_id or ""), None
        return None, None
    if onward.target in ("interface", "endpoint", "gateway-load-balancer", "transit-gateway"):
        return None, _beyond(onward)
    place = f"its subnet {gateway.subnet_id}" if gateway.subnet_id else "it"
    leads = (
        "has no route to the internet"
        if onward.destination is None
        else f"routes {onward.destination} to {onward.target_id}, not to an internet gateway"
    )
    words = f"NAT gateway {gateway.id} cannot reach the internet: {place} {leads}"
    return Obstacle("nat-gateway-misplaced", gateway.id, onward.destination, words), None


def _appliance(network: Network, hop: Hop, target: End, subnet_id: str | None) -> Obstacle | None:
    appliance = network.interfaces.get(hop.target_id or "")
    if appliance is None:
        if not network.interfaces or not (hop.target_id or "").startswith("eni-"):
            return None
        words = (
            f"the route {hop.destination} of {hop.table} leads to {hop.target_id}, which is gone"
        )
        return Obstacle("blackhole-route", hop.table, hop.destination, words, subnet_id)
    if target.interface is appliance:
        return None
    if appliance.source_dest_check:
        words = (
            f"{hop.table} routes {hop.destination} to {appliance.id}, whose source/destination "
            "check drops what is not for its own addresses"
        )
        return Obstacle("source-dest-check", appliance.id, hop.destination, words, subnet_id)
    return None


def _peering(
    network: Network, hop: Hop, source: End, target: End, subnet_id: str | None
) -> Obstacle | None:
    peering = network.peerings.get(hop.target_id or "")
    if peering is None:
        return None
    if peering.state not in ("active", "provisioning"):
        words = (
            f"the route {hop.destination} of {hop.table} leads to {peering.id}, which is "
            f"{peering.state}"
        )
        return Obstacle("blackhole-route", hop.table, hop.destination, words, subnet_id)
    own = source.interface.vpc_id if source.interface else None
    blocks = peering.accepter_blocks if peering.requester_vpc == own else peering.requester_blocks
    if blocks and not any(_holds(block, target.address) for block in blocks):
        return _wrong(hop, target, subnet_id, "a peering whose other VPC does not have it")
    return _local(network, target) if target.place == "vpc" else None


def _transit(network: Network, hop: Hop, source: End, target: End) -> Leg:
    own = source.interface.vpc_id if source.interface else None
    mine = [
        a
        for a in network.attachments.values()
        if a.tgw_id == hop.target_id and a.resource_id == own and a.resource_type == "vpc"
    ]
    unknown = f"the routes of {hop.target_id} are not in the inventory"
    if network.attachments and not mine:
        words = (
            f"{hop.table} routes {hop.destination} to {hop.target_id}, to which {own} has no "
            "attachment"
        )
        return Leg(hop, Obstacle("blackhole-route", hop.table, hop.destination, words))
    down = [a for a in mine if a.state not in ("available", "modifying")]
    if mine and len(down) == len(mine):
        words = f"the attachment {down[0].id} of {own} to {hop.target_id} is {down[0].state}"
        return Leg(hop, Obstacle("blackhole-route", hop.table, hop.destination, words))
    if target.place == "vpc":
        return Leg(hop, _local(network, target), unknown=unknown)
    return Leg(hop, unknown=unknown)


def way_back(network: Network, server: End, client: End, protocol: int, forward: Leg | None) -> Leg:
    """From the server back to the client: the way that answers take.

    forward: the way there, if it is known: an answer through another gateway is lost in whatever
    keeps state.
    """
    leg = way(network, server, client, protocol)
    subnet_id = server.interface.subnet_id if server.interface else None
    if client.place == "internet" and forward is None:
        if leg.hop.target in ("nat-gateway", "egress-only") and leg.hop.state == "active":
            return Leg(leg.hop, _another_way(leg.hop, client, subnet_id, "an internet gateway"))
        return leg
    if leg.obstacle is not None:
        return leg
    known = forward is not None and forward.obstacle is None
    came = forward.hop if known and forward is not None else None
    if came is None or came.target is None or leg.hop.target is None:
        return leg
    there, back = (_between(network, hop, client, server) for hop in (came, leg.hop))
    if there == back:
        return leg
    other = _another_way(leg.hop, client, subnet_id, _by(came))
    appliance = "interface" in (came.target, leg.hop.target)
    return Leg(leg.hop, evolve(other, sure=not appliance))


def _by(hop: Hop) -> str:
    return "the local route" if hop.target == "local" else str(hop.target_id)


def _between(network: Network, hop: Hop, *ends: End) -> str | None:
    """What a route puts between two ends: a gateway, or an appliance whichever of its interfaces
    the route names."""
    if hop.target in ("peering", "transit-gateway", "vpn-gateway"):
        return hop.target_id
    if hop.target != "interface" or hop.target_id in [e.interface.id for e in ends if e.interface]:
        return None
    appliance = network.interfaces.get(hop.target_id or "")
    return appliance.owner_id or appliance.id if appliance is not None else hop.target_id


def _another_way(hop: Hop, client: End, subnet_id: str | None, came: str) -> Obstacle:
    leaves = "directly" if hop.target == "local" else f"by {hop.target_id}"
    words = (
        f"the answer to {client.address} leaves {leaves} (route {hop.destination} of "
        f"{hop.table}), while the request came by {came}"
    )
    return Obstacle("asymmetric-return", hop.table, hop.destination, words, subnet_id)


def _holds(block: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(block, strict=False)
    except ValueError:
        return False
