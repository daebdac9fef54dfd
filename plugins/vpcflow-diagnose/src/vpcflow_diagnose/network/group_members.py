"""Whether an address is meant by a rule that names a security group.

Such a rule is about the private addresses of the interfaces that have the group: in the same VPC
or in one that is peered with it, or, for inbound rules, behind a transit gateway that passes
references. It is not about their public addresses, nor about traffic that a middlebox forwards
(VPC User Guide, "Security group rules", "Security group referencing").
"""

from __future__ import annotations

from vpcflow_aws.inventory import INTERFACES

from vpcflow_diagnose.network import routes
from vpcflow_diagnose.network.group_rules import GroupRule
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.packet import Direction, Packet

Answer = tuple[bool | None, str]
"""Yes, no, or None and why it cannot be told."""
NO: Answer = (False, "")


def member(
    network: Network,
    interface: Interface,
    packet: Packet,
    direction: Direction,
    rule: GroupRule,
    address: int,
) -> Answer:
    """Whether `address`, the packet's other end as seen by `interface`, is meant by `rule`."""
    if INTERFACES in network.unread:
        return None, f"whose addresses are in {rule.peer} is not in the inventory"
    vpc_id = interface.vpc_id
    found = network.index.in_vpc(vpc_id, address)
    if found is not None:
        answer = _has(network, interface, found, packet, direction, rule)
    elif vpc_id in network.index.vpcs(address):
        answer = NO  # an address of this VPC that no interface has
    else:
        answer = _elsewhere(network, interface, packet, direction, rule, address)
    if answer == NO and direction == "ingress":
        return _through_balancer(network, interface, rule)
    return answer


def _through_balancer(network: Network, interface: Interface, rule: GroupRule) -> Answer:
    """A network load balancer may pass the client's address on; what comes through it then still
    counts as its group's (ELB User Guide for Network Load Balancers, "security groups")."""
    targets = network.balanced.get(rule.peer, frozenset())
    if not targets.isdisjoint((interface.owner_id, *interface.addresses)):
        return None, (
            f"it allows {rule.peer}, the group of a network load balancer, and the packet may have "
            "come through that with its client's address"
        )
    return NO


def _elsewhere(
    network: Network,
    interface: Interface,
    packet: Packet,
    direction: Direction,
    rule: GroupRule,
    address: int,
) -> Answer:
    """The other end is not in the interface's VPC: only a group of the other VPC can mean it."""
    own, other = interface.vpc_id, _vpc_of_group(network, rule)
    if own is None or other is None or other == own:
        return NO
    linked = _linked(network, own, other, direction, rule)
    if linked is False:
        return NO
    found = network.index.in_vpc(other, address)
    if found is None and other not in network.known_vpcs and _may_hold(network, other, address):
        return None, f"the interfaces of {other}, which have {rule.peer}, are not in the inventory"
    if found is None:
        return NO
    means, why = _has(network, interface, found, packet, direction, rule)
    if means and linked is None:
        return None, (
            f"whether the transit gateway between {own} and {other} passes references to "
            f"{rule.peer} is not in the inventory"
        )
    return means, why


def _has(
    network: Network,
    interface: Interface,
    peer: Interface,
    packet: Packet,
    direction: Direction,
    rule: GroupRule,
) -> Answer:
    if rule.peer not in peer.groups:
        return NO
    source, target = (peer, interface) if direction == "ingress" else (interface, peer)
    return NO if _forwarded(network, source, target, packet) else (True, "")


def _vpc_of_group(network: Network, rule: GroupRule) -> str | None:
    group = network.groups.get(rule.peer)
    return rule.vpc_id or (group.vpc_id if group is not None else None)


def _linked(
    network: Network, own: str, other: str, direction: Direction, rule: GroupRule
) -> bool | None:
    """Whether references reach from one VPC to the other; None: a transit gateway may pass them."""
    if other in network.peers.get(own, ()):
        return True
    if rule.peering == "active" and "vpc-peering-connections.json" in network.unread:
        return True
    if direction == "ingress" and network.shared_transit_gateways(own, other):
        return None
    return False


def _may_hold(network: Network, vpc_id: str, address: int) -> bool:
    """Whether the address may be that VPC's: it has the block, or its blocks are not known."""
    known = network.vpcs.get(vpc_id)
    if known is not None and known.blocks:
        return vpc_id in network.index.vpcs(address)
    return not network.index.vpcs(address)


def _forwarded(network: Network, source: Interface, target: Interface, packet: Packet) -> bool:
    """Whether the route from the packet's source leads through an appliance. Within a subnet no
    route is asked."""
    if source.subnet_id is None or source.subnet_id == target.subnet_id:
        return False
    hop = routes.next_hop(network, source.subnet_id, packet.dst)
    if hop.target == "interface":
        return hop.target_id not in (target.id, target.owner_id)
    return hop.target == "gateway-load-balancer"
