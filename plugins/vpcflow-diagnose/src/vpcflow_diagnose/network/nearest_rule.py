"""The rule that would be mended: of those that do not allow a packet, the one that is nearest."""

from __future__ import annotations

from collections.abc import Iterator

from vpcflow_diagnose.network.addresses import number
from vpcflow_diagnose.network.group_rules import GroupRule
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.packet import Direction, Packet
from vpcflow_diagnose.network.service import PORTS, Service

_OTHER_PEER, _OTHER_PORT, _OTHER_PROTOCOL = range(3)


def rules_at(
    network: Network, interface: Interface, direction: Direction
) -> Iterator[tuple[str, GroupRule]]:
    """Every rule of every group of an interface, with the group's id."""
    for group_id in interface.groups:
        group = network.groups.get(group_id)
        for rule in (group.rules(direction) if group is not None else None) or ():
            yield group_id, rule


def nearest_rule(
    network: Network, interface: Interface, packet: Packet, direction: Direction
) -> tuple[str, GroupRule] | None:
    """The group and the rule that allow the same protocol and port to another peer; else the same
    peer by another port, else by another protocol. None if no rule has anything in common.

    Among several: the one for the fewest ports, then the peer whose address is the most alike.
    """
    address = number(packet.src if direction == "ingress" else packet.dst)
    if address is None:
        return None
    ranked = [
        (rank, group_id, rule)
        for group_id, rule in rules_at(network, interface, direction)
        if (rank := _rank(network, packet, address, rule)) is not None
    ]
    if not ranked:
        return None
    _, group_id, rule = min(ranked, key=lambda entry: entry[0])
    return group_id, rule


def _rank(
    network: Network, packet: Packet, address: int, rule: GroupRule
) -> tuple[int, int, int] | None:
    service = rule.service
    if service is None:
        return None
    if service.matches(packet) is not False:
        return _OTHER_PEER, service.width, -_alike(rule, address)
    if not _same_peer(network, address, rule):
        return None
    if service.protocol == packet.protocol:
        return _OTHER_PORT, _distance(service, packet), service.width
    return _OTHER_PROTOCOL, 0, service.width


def _same_peer(network: Network, address: int, rule: GroupRule) -> bool:
    if rule.block is not None:
        return rule.block.holds(address)
    if rule.peer.startswith("pl-"):
        entries = network.prefix_lists.get(rule.peer)
        return entries is not None and entries.longest(address) is not None
    return any(rule.peer in one.groups for one in network.index.anywhere(address))


def _alike(rule: GroupRule, address: int) -> int:
    """How many leading bits a block and an address share; 0 for groups, prefix lists, and the
    other address family."""
    if rule.block is None:
        return 0
    differing = (rule.block.first ^ address).bit_length()
    return max(0, (128 if rule.block.six else 32) - differing)


def _distance(service: Service, packet: Packet) -> int:
    """How far the port is from the rule's."""
    if service.protocol not in PORTS:
        return 0
    return max(service.low - packet.dstport, packet.dstport - service.high, 0)
